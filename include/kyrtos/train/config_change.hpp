// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/train/config.hpp>

#include <string>
#include <vector>

/// \file
/// \brief What differs between two configurations, and which of it a run may go on with.

namespace kyrtos::train {

/// What a change of a key means to training that goes on from a checkpoint.
/// src/train/config_keys.cpp says it of each.
enum class KeyRole {
  meaning,   ///< The stored numbers would mean something else: refused.
  step,      ///< Steps on the same batches would be others: asks to be allowed.
  run,       ///< A run's steps would get other batches or learning rates: asks to be allowed.
  harmless,  ///< The steps stay what they are, but for rounding.
};

/// A key whose value differs, or the content of the files that it names.
struct ConfigChange {
  std::string key;          ///< `section.name`
  std::string before, now;  ///< As TOML; or sizes and checksums, of contents.
  KeyRole role = KeyRole::harmless;
  bool of_content = false;
};

/// All keys that differ, in the order of the reference. `schedule.total_steps` counts as harmless
/// where it follows `training.steps`, before and now.
std::vector<ConfigChange> config_changes(RunConfig const& before, RunConfig const& now);

/// All keys but those of [model] that differ from what is the default with this [model].
std::vector<ConfigChange> changes_from_defaults(RunConfig const& config);

/// `training.batch was 4 and is 8 now`
std::string to_string(ConfigChange const& change);

/// That the changes do not make other numbers of what is stored, and that those that make other
/// steps are among `allowed`: keys, or tables of keys such as `schedule`.
/// \param source names the checkpoint in errors. \throws ConfigError with a line for each change.
void require_allowed(std::vector<ConfigChange> const& changes,
                     std::vector<std::string> const& allowed, std::string const& source);

/// \throws ConfigError, with the nearest name, for one that is neither a key nor a table.
void require_keys(std::vector<std::string> const& names);

}  // namespace kyrtos::train
