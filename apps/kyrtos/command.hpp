// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

#include <functional>

/// \file
/// \brief What the subcommands share: each file adds one to the command line.

namespace CLI {
class App;
}

namespace kyrtos::program {

using Space = Kokkos::DefaultExecutionSpace;

/// Exit codes, beside 0.
enum ExitCode {
  failure = 1,
  wrong_usage = 2,
  diverged = 3,          ///< The loss was not finite; the last good state is saved.
  to_be_continued = 75,  ///< Interrupted, with a checkpoint: submit again with --resume.
};

/// What the command line asks for; its functions return the exit code.
struct Action {
  std::function<int(MPI_Comm)> on_ranks = {};  ///< Runs when MPI and Kokkos are up.
  std::function<int()> alone = {};             ///< Runs without them.
  /// Set by on_ranks, on one rank: what it has to do once MPI and Kokkos are down again.
  std::function<int()> afterwards = {};
};

/// Each adds its subcommand with its options; parsing then sets `action`.
void add_train(CLI::App& app, Action& action);
void add_bench(CLI::App& app, Action& action);
void add_curvature(CLI::App& app, Action& action);
void add_export(CLI::App& app, Action& action);
void add_hvp(CLI::App& app, Action& action);
void add_import(CLI::App& app, Action& action);
void add_info(CLI::App& app, Action& action);
void add_plan(CLI::App& app, Action& action);
void add_plot(CLI::App& app, Action& action);
void add_replay(CLI::App& app, Action& action);
void add_sample(CLI::App& app, Action& action);
void add_study(CLI::App& app, Action& action);
void add_turn(CLI::App& app, Action& action);

}  // namespace kyrtos::program
