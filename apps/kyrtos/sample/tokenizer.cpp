// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tokenizer.hpp"

#include <kyrtos/core/error.hpp>
#include <kyrtos/parallel/agreement.hpp>

#include "../common/python_script.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <sstream>

namespace kyrtos::program {

namespace {

/// One word of a shell's command, whatever it holds.
std::string quoted(std::string const& word) {
  std::string text = "'";
  for (char const c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::FILE* start(std::vector<std::string> const& arguments, char const* mode) {
  std::string command;
  for (auto const& word : python_command("sample/tokenizer.py", arguments))
    command += quoted(word) + ' ';
  std::fflush(nullptr);
  auto* const pipe = popen(command.c_str(), mode);
  if (pipe == nullptr)
    throw Error(fmt::format("the tokenizer can't be started: {}", std::strerror(errno)));
  return pipe;
}

/// What the script prints, which is what is wrong where it fails. \throws ConfigError then.
std::string answer(std::vector<std::string> const& arguments) {
  auto* const pipe = start(arguments, "r");
  std::string text;
  std::array<char, 4096> part{};
  while (auto const read = std::fread(part.data(), 1, part.size(), pipe))
    text.append(part.data(), read);
  int const status = pclose(pipe);
  text.erase(text.find_last_not_of('\n') + 1);
  if (status != 0 && text.empty())
    text = "Python 3 can't be run, whose package tokenizers is needed; name one in KYRTOS_PYTHON";
  if (status != 0)
    throw ConfigError(
        fmt::format("--prompt: {}; or give numbers, for instance --tokens 5,7,9", text));
  return text;
}

}  // namespace

std::string find_tokenizer(std::vector<std::string> const& models) {
  namespace fs = std::filesystem;
  std::vector<std::string> places;
  for (auto const& model : models) {
    if (model.empty()) continue;
    auto const place = fs::path(model).replace_extension(".tokenizer") / "tokenizer.json";
    if (fs::is_regular_file(place)) return place.string();
    if (std::find(places.begin(), places.end(), place) == places.end())
      places.push_back(place.string());
  }
  throw ConfigError(
      fmt::format("--prompt needs a model of bytes (model.vocabulary = 256), or the model's "
                  "tokenizer: {} is missing; put it there, or give numbers, for instance "
                  "--tokens 5,7,9",
                  fmt::join(places, " or ")));
}

std::vector<Token> encode(Communicator const& ranks, std::string const& tokenizer,
                          std::string const& text, Index vocabulary) {
  std::string numbers;
  parallel::on_root<ConfigError>(ranks, [&] { numbers = answer({"encode", tokenizer, text}); });
  std::istringstream words(ranks.broadcast(numbers));
  std::vector<Token> tokens;
  for (Index token = 0; words >> token; tokens.push_back(static_cast<Token>(token)))
    if (token < 0 || token >= vocabulary)
      throw ConfigError(
          fmt::format("{}: has a token {}, and the model only {}; it is another "
                      "model's tokenizer",
                      tokenizer, token, vocabulary));
  require<ConfigError>(words.eof() && !tokens.empty(),
                       "--prompt: has no token; give one with letters, or --tokens");
  return tokens;
}

Detokenizer::Detokenizer(std::string const& tokenizer) : pipe_(start({"decode", tokenizer}, "w")) {}

void Detokenizer::finish() {
  require<Error>(pclose(pipe_.release()) == 0, "sample: the tokenizer could not print the tokens");
}

}  // namespace kyrtos::program
