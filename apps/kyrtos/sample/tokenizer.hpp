// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/communicator.hpp>
#include <kyrtos/core/types.hpp>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

/// \file
/// \brief The tokenizer of a model from elsewhere: its tokenizer.json, which tokenizer.py beside
/// this file reads by Hugging Face's package.

namespace kyrtos::program {

/// The tokenizer.json that `kyrtos import` keeps beside the first of these models that has one, in
/// the folder of the model's name. \throws ConfigError with the places where it was looked for.
std::string find_tokenizer(std::vector<std::string> const& models);

/// The tokens of a text. Collective; rank 0 asks the tokenizer. \throws ConfigError where the
/// package or the file is missing or damaged, or a token is none of the model's.
std::vector<Token> encode(Communicator const& ranks, std::string const& tokenizer,
                          std::string const& text, Index vocabulary);

/// Prints the text of tokens as they come.
class Detokenizer {
 public:
  explicit Detokenizer(std::string const& tokenizer);

  /// Takes numbers, each with a space behind it.
  std::FILE* numbers() const { return pipe_.get(); }

  /// Waits until all is printed. \throws Error where the tokenizer failed.
  void finish();

 private:
  struct Close {
    void operator()(std::FILE* pipe) const { pclose(pipe); }
  };
  std::unique_ptr<std::FILE, Close> pipe_;
};

}  // namespace kyrtos::program
