// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/train/run_history.hpp>

#include "io/files/replacement.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>

namespace kyrtos::train {

namespace fs = std::filesystem;

namespace {

std::string config_of(std::string const& directory) {
  return directory + "/config.toml";
}

std::string resumes_of(std::string const& directory) {
  return directory + "/resumes.jsonl";
}

std::string to_json(Resumption const& resumption) {
  nlohmann::ordered_json changes = nlohmann::ordered_json::array();
  for (auto const& c : resumption.changes) {
    nlohmann::ordered_json change{{"key", c.key}, {"before", c.before}, {"now", c.now}};
    if (c.of_content) change["content"] = true;
    changes.push_back(change);
  }
  return nlohmann::ordered_json{{"step", resumption.step}, {"changes", changes}}.dump();
}

Resumption resumption_of(std::string const& line) {
  auto const object = nlohmann::json::parse(line);
  Resumption resumption{.step = object.at("step").get<Index>(), .changes = {}};
  for (auto const& c : object.at("changes"))
    resumption.changes.push_back({.key = c.at("key").get<std::string>(),
                                  .before = c.at("before").get<std::string>(),
                                  .now = c.at("now").get<std::string>(),
                                  .role = KeyRole::harmless,
                                  .of_content = c.value("content", false)});
  return resumption;
}

/// The same settings, whatever else stands there. \throws ConfigError
bool says(std::string const& file, RunConfig const& config) {
  return config_changes(load_config(file), config).empty();
}

}  // namespace

void begin_history(std::string const& directory, RunConfig const& config, bool is_own) {
  auto const file = config_of(directory);
  if (is_own) fs::remove(resumes_of(directory));
  if (is_own || !fs::exists(file)) return io::write_text_file(file, to_toml(config));
  if (!says(file, config))
    throw FileError(file +
                    ": is there already, with other settings, and no run beside it; move it, or "
                    "choose another output.directory");
}

std::vector<Resumption> read_resumptions(std::string const& directory) {
  std::ifstream file(resumes_of(directory), std::ios::binary);
  std::vector<Resumption> resumptions;
  for (std::string line; std::getline(file, line);) {
    try {
      resumptions.push_back(resumption_of(line));
    } catch (std::exception const& error) {
      throw FileError(fmt::format("{}:{}: {}; repair or remove this line", resumes_of(directory),
                                  resumptions.size() + 1, error.what()));
    }
  }
  return resumptions;
}

void continue_history(std::string const& directory, RunConfig const& config,
                      Resumption const& resumption) {
  if (!fs::exists(config_of(directory))) io::write_text_file(config_of(directory), to_toml(config));
  std::string text;
  for (auto const& earlier : read_resumptions(directory))
    if (earlier.step < resumption.step) text += to_json(earlier) + '\n';
  io::write_text_file(resumes_of(directory), text + to_json(resumption) + '\n');
}

RunConfig config_at(std::string const& directory, Index step,
                    std::vector<std::string> const& overrides) {
  std::vector<std::string> settings;
  for (auto const& resumption : read_resumptions(directory))
    for (auto const& change : resumption.changes)
      if (resumption.step < step && !change.of_content)
        settings.push_back(change.key + "=" + change.now);
  settings.insert(settings.end(), overrides.begin(), overrides.end());
  return load_config(config_of(directory), settings);
}

}  // namespace kyrtos::train
