// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/train/config_change.hpp>

#include <string>
#include <vector>

/// \file
/// \brief What a run was started with, and what changed each time that it went on: `config.toml`
/// and `resumes.jsonl` in its directory. On one rank, every function.

namespace kyrtos::train {

/// A run that went on after `step` steps, with these changes since the checkpoint was written.
struct Resumption {
  Index step = 0;
  std::vector<ConfigChange> changes;
};

/// Writes `config.toml`, and forgets resumptions. A file of that name that is not a run's own must
/// say the same, and stays. \param is_own a run's record lies beside it. \throws FileError
void begin_history(std::string const& directory, RunConfig const& config, bool is_own);

/// Appends a line to `resumes.jsonl`; those of steps that are taken again go. Writes `config.toml`
/// where there is none. \throws FileError
void continue_history(std::string const& directory, RunConfig const& config,
                      Resumption const& resumption);

/// The lines of `resumes.jsonl`, oldest first; none where it is absent. \throws FileError
std::vector<Resumption> read_resumptions(std::string const& directory);

/// The configuration that step `step` was taken with, and overrides. \throws ConfigError, FileError
RunConfig config_at(std::string const& directory, Index step,
                    std::vector<std::string> const& overrides = {});

}  // namespace kyrtos::train
