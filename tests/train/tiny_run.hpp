// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/random.hpp>
#include <kyrtos/train/config.hpp>

#include "../support/numbers.hpp"
#include "../support/rounded_products.hpp"
#include "../support/temporary_directory.hpp"

#include <string>
#include <vector>

namespace kyrtos::testing {

/// The precisions with rounded factors that this machine has.
inline std::vector<train::Precision> rounded_precisions() {
  std::vector<train::Precision> precisions;
  for (auto const format : available_formats())
    precisions.push_back(format == linalg::FactorFormat::bfloat16 ? train::Precision::bf16
                                                                  : train::Precision::tf32);
  return precisions;
}

/// A text with something to learn in it.
inline std::string some_text() {
  std::string text;
  for (std::uint64_t i = 0; text.size() < 6000; ++i)
    text += std::vector<std::string>{"the ship ", "a stone ", "sinks. ", "sails on. ",
                                     "in the bay, "}[Philox{3, 3}.bits(i) % 5];
  return text;
}

/// A text as NumPy's array of bytes, which may have another vocabulary than a text itself.
inline std::string as_array(std::string const& text) {
  auto const header = "{'descr': '|u1', 'fortran_order': False, 'shape': (" +
                      std::to_string(text.size()) + ",), }\n";
  return std::string("\x93NUMPY\1\0", 8) + static_cast<char>(header.size()) + '\0' + header + text;
}

/// A tiny run over all ranks, with a directory of its own.
struct TinyRun {
  Context<Space> context{MPI_COMM_WORLD};
  TemporaryDirectory directory{context.communicator()};
  train::RunConfig config;

  explicit TinyRun(std::vector<std::string> overrides = {}) {
    auto const text = directory.write("text.npy", as_array(some_text()));
    config = train::parse_config(R"(
      model = { depth = 2, width = 16, heads = 2, context = 16, vocabulary = 128 }
      training = { steps = 30, batch = 6, evaluate_every = 10, evaluation_batches = 2 }
      schedule = { peak = 3e-3, warmup_steps = 5 }
      optimizer = { beta2 = 0.99 }
      curvature = { probe = "fixed", probe_sequences = 6 })",
                                 "tiny", overrides);
    config.data.train = {text};
    config.output.directory = directory / "run";
  }
};

}  // namespace kyrtos::testing
