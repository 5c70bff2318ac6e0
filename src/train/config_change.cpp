// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/text.hpp>
#include <kyrtos/train/config_change.hpp>

#include "config_keys.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace kyrtos::train {

namespace {

/// Whether a name is that of the key, or of its table.
bool names(std::string const& name, std::string const& key) {
  return name == key || key.starts_with(name + ".");
}

bool decays_to_its_end(RunConfig const& config) {
  return config.schedule.total_steps == config.training.steps;
}

std::string list(std::vector<ConfigChange> const& changes) {
  if (changes.size() == 1) return to_string(changes.front());
  std::string lines;
  for (auto const& change : changes) lines += "\n  " + to_string(change);
  return lines;
}

}  // namespace

std::vector<ConfigChange> config_changes(RunConfig const& before, RunConfig const& now) {
  RunConfig a = before, b = now;
  auto const old_keys = config::keys_of(a), new_keys = config::keys_of(b);
  std::vector<ConfigChange> changes;
  for (std::size_t i = 0; i < new_keys.size(); ++i) {
    auto const& key = new_keys[i];
    auto const was = old_keys[i].text(), is = key.text();
    if (was == is) continue;
    bool const follows =
        key.path == "schedule.total_steps" && decays_to_its_end(before) && decays_to_its_end(now);
    changes.push_back({key.path, was, is, follows ? KeyRole::harmless : key.role});
  }
  return changes;
}

std::vector<ConfigChange> changes_from_defaults(RunConfig const& config) {
  RunConfig defaults;
  defaults.model = config.model;
  defaults.training.length = config.model.context;
  defaults.schedule.total_steps =
      decays_to_its_end(config) ? config.schedule.total_steps : defaults.training.steps;
  return config_changes(defaults, config);
}

std::string to_string(ConfigChange const& change) {
  return fmt::format("{}{} was {} and is {} now", change.of_content ? "the content of " : "",
                     change.key, change.before, change.now);
}

void require_allowed(std::vector<ConfigChange> const& changes,
                     std::vector<std::string> const& allowed, std::string const& source) {
  std::vector<ConfigChange> refused, asking;
  for (auto const& change : changes) {
    if (change.role == KeyRole::meaning) refused.push_back(change);
    bool const is_allowed = std::any_of(allowed.begin(), allowed.end(),
                                        [&](auto const& name) { return names(name, change.key); });
    if ((change.role == KeyRole::step || change.role == KeyRole::run) && !is_allowed)
      asking.push_back(change);
  }
  if (!refused.empty())
    throw ConfigError(fmt::format(
        "{}: can't go on with another model or optimizer, as what is stored would mean something "
        "else; give the stored values, or start a new run: {}",
        source, list(refused)));
  if (!asking.empty())
    throw ConfigError(
        fmt::format("{}: would go on with other settings; give the stored values, or allow it by "
                    "--allow-change {} (in C by kyrtos_trainer_allow_change): {}",
                    source, asking.size() == 1 ? asking.front().key : "KEY for each key or table",
                    list(asking)));
}

void require_keys(std::vector<std::string> const& wanted) {
  RunConfig config;
  auto const keys = config::keys_of(config);
  for (auto const& name : wanted) {
    std::vector<std::string> known;
    for (auto const& key : keys) {
      known.push_back(key.path);
      known.push_back(key.path.substr(0, key.path.find('.')));
    }
    bool const is_known =
        std::any_of(known.begin(), known.end(), [&](auto const& k) { return k == name; });
    if (!is_known)
      throw ConfigError("--allow-change " + shown(name) + ": is no key and no table of keys" +
                        did_you_mean(name, known));
  }
}

}  // namespace kyrtos::train
