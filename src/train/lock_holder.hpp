// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <string>

namespace kyrtos::train {

/// The process that holds a lock, as its file says.
struct LockHolder {
  std::string host;
  long pid = 0;
  std::string machine;  ///< This boot of it, and the container: where process ids mean something.
  std::string started;  ///< When the process did, in ticks since the boot: ids are used again.
  std::string job;      ///< `SLURM job 12_3`; empty outside of a batch system.
  long restart = 0;     ///< How often SLURM has requeued the job.
  std::string since;    ///< When it took the lock, UTC.
  std::string mark;     ///< Random.
};

/// This process.
LockHolder this_holder();

/// One line of JSON.
std::string to_json(LockHolder const& holder);

/// All empty where the text says nothing, because it is being written.
LockHolder lock_holder_from_json(std::string const& text);

/// `process 12 on n3 (SLURM job 7), since 2026-…`
std::string to_string(LockHolder const& holder);

/// What this process can know of the other: why it is dead, or nothing.
std::string death_of(LockHolder const& other, LockHolder const& self);

/// Whether this process would know: where death_of() says nothing, the other then runs.
bool is_on_this_machine(LockHolder const& other, LockHolder const& self);

}  // namespace kyrtos::train
