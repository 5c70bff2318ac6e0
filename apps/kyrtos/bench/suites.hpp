// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/train/config.hpp>

#include "operation.hpp"

namespace kyrtos::bench {

struct SuiteOptions {
  std::string directory = ".";  ///< For files that are written and read.
  int ranks = 1;
};

/// `smoke`: all kinds of cases, tiny. `node`: two whole models, files and messages. `layers`,
/// `attention`: their passes. `scaling`: models in series by batch, depth, width and length.
std::vector<std::string> suite_names();

/// The cases of a suite by that name. \throws ConfigError when there is none.
std::vector<CaseMaker> suite(std::string const& name, SuiteOptions const& options);

/// For each case with matrix products one in each of these precisions, where `gpt2` in bfloat16 is
/// `gpt2-bf16`; the other cases once. \throws ConfigError, when they are made, where the machine
/// lacks the precision.
std::vector<CaseMaker> in_precisions(std::vector<CaseMaker> const& cases,
                                     std::vector<train::Precision> const& precisions);

/// Those that are named, all where none is. \throws ConfigError for a name that no case has.
std::vector<CaseMaker> chosen(std::vector<CaseMaker> cases, std::vector<std::string> const& names);

}  // namespace kyrtos::bench
