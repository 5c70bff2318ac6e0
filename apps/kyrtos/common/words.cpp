// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "words.hpp"

#include <kyrtos/core/error.hpp>
#include <kyrtos/core/text.hpp>
#include <kyrtos/io/path.hpp>

#include <algorithm>
#include <array>
#include <vector>

namespace kyrtos::program {

namespace {

std::vector<CLI::App*> subcommands_of(CLI::App& app) {
  return app.get_subcommands([](CLI::App*) { return true; });
}

CLI::Validator path_taker() {
  auto const expand = [](std::string& path) {
    try {
      path = io::expanded_path(path);
      return std::string();
    } catch (FileError const& error) {
      return std::string(error.what());
    }
  };
  return {expand, ""};
}

std::vector<std::string> option_names(CLI::App& app) {
  std::vector<std::string> names;
  for (auto const* option : app.get_options())
    for (auto const& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

}  // namespace

void take_paths(CLI::App& app) {
  for (auto* option : app.get_options()) {
    auto const type = option->get_type_name();
    constexpr std::array words{"FILE", "PATH", "DIR"};
    if (std::any_of(words.begin(), words.end(),
                    [&](char const* word) { return type.find(word) != std::string::npos; }))
      option->transform(path_taker());
  }
  for (auto* command : subcommands_of(app)) take_paths(*command);
}

std::string suggestion(CLI::App& app, int count, char const* const* words) {
  auto* command = &app;
  for (int i = 1; i < count; ++i) {
    std::string const word(words[i]);
    if (word.starts_with("--")) {
      auto const name = word.substr(0, word.find('='));
      auto const known = option_names(*command);
      if (std::find(known.begin(), known.end(), name) == known.end())
        return did_you_mean(name, known);
      continue;
    }
    auto const commands = subcommands_of(*command);
    auto const found = std::find_if(commands.begin(), commands.end(),
                                    [&](CLI::App* one) { return one->get_name() == word; });
    if (found != commands.end()) {
      command = *found;
      continue;
    }
    if (command != &app) continue;  // a value or a file
    std::vector<std::string> names;
    for (auto const* one : commands) names.push_back(one->get_name());
    return did_you_mean(word, names);
  }
  return "";
}

}  // namespace kyrtos::program
