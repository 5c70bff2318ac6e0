// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/train/config.hpp>

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace kyrtos::program {

enum class EigenMethod { lanczos, power };

/// What `kyrtos curvature` is asked for. What is absent is as in the checkpoint's configuration.
struct CurvatureOptions {
  std::vector<std::string> checkpoints;  ///< One, or paths and patterns of a series.
  bool series = false;

  train::CurvatureConfig::Matrix matrix = train::CurvatureConfig::Matrix::hessian;
  std::optional<train::CurvatureConfig::Preconditioner> preconditioner;
  std::vector<std::string> match;

  std::vector<std::string> data;
  Index batches = 1;
  bool single_batches = true;  ///< Where there are several, each alone too.
  std::optional<Index> sequences, micro_batch, length, seed;
  std::optional<train::Precision> precision;
  bool recompute = false;

  EigenMethod method = EigenMethod::lanczos;
  Index top = 5, smallest = 1;
  bool counts_are_given = false;  ///< --top or --smallest, which then must not exceed the matrix.
  double tolerance = 1e-3;
  bool float64_residuals = true;  ///< Also where the precision is another.
  Index max_hvps = 100;
  bool per_block = false, per_kind = false;
  bool gauss_newton = false;  ///< Beside the Hessian.

  bool trace = false;
  Index trace_hvps = 60;
  bool spectrum = false;
  Index spectrum_probes = 5, spectrum_steps = 80;

  std::string out;
  bool json = false, plot = false;
};

/// Adds the options to the subcommand.
void add_options(CLI::App& command, CurvatureOptions& options);

/// `--recompute`, of whatever multiplies by a Hessian.
void add_recompute(CLI::App& command, bool& value);

/// What no single option can say, and defaults that depend on others. \throws CLI::ValidationError
void complete(CLI::App const& command, CurvatureOptions& options);

/// The words of the command line for these.
std::string name_of(train::CurvatureConfig::Matrix matrix);
std::string name_of(train::CurvatureConfig::Preconditioner preconditioner);
std::string name_of(EigenMethod method);

}  // namespace kyrtos::program
