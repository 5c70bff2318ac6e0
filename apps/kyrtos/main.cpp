// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/version.hpp>

#include "command.hpp"
#include "common/launcher.hpp"
#include "common/start.hpp"
#include "common/waiting.hpp"
#include "common/words.hpp"

#include <mpi.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <exception>
#include <fmt/core.h>
#include <new>
#include <thread>

namespace kyrtos::program {

namespace {

/// Prints help or a complaint, once for all ranks. \return the exit code.
int explain(CLI::App& app, CLI::ParseError const& error, int argc, char** argv) {
  bool const is_help = error.get_exit_code() == 0;
  if (launcher_rank() != 0) return is_help ? 0 : wrong_usage;
  if (is_help) return app.exit(error);
  fmt::print(stderr, "kyrtos: {}{}\nRun with --help for more information.\n", error.what(),
             suggestion(app, argc, argv));
  return wrong_usage;
}

/// Whether all ranks come here within a few seconds: then they failed together.
bool all_ranks_fail(MPI_Comm ranks) {
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Ibarrier(ranks, &request);
  for (int i = 0; i < 300; ++i) {
    int done = 0;
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done != 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

/// One message when all ranks fail alike; the failure of one ends the others.
int report_failure(MPI_Comm ranks, char const* what) {
  int rank = 0;
  MPI_Comm_rank(ranks, &rank);
  bool const together = all_ranks_fail(ranks);
  if (together && rank > 0) return failure;
  if (together)
    fmt::print(stderr, "kyrtos: {}\n", what);
  else
    fmt::print(stderr, "kyrtos: rank {}: {}\n", rank, what);
  std::fflush(stderr);
  if (!together) MPI_Abort(ranks, failure);
  return failure;
}

int run(std::function<int(MPI_Comm)> const& action) {
  // A file that grows beyond `ulimit -f` is an error with a message, not the end.
  std::signal(SIGXFSZ, SIG_IGN);
  start_kokkos(MPI_COMM_WORLD);
  int code = 0;
  try {
    ThreadWaiting const waiting;
    code = action(MPI_COMM_WORLD);
  } catch (std::bad_alloc const&) {
    code = report_failure(MPI_COMM_WORLD,
                          "there is no memory left for what this command holds; use smaller "
                          "batches, sequences or models, or more ranks");
  } catch (std::exception const& error) {
    code = report_failure(MPI_COMM_WORLD, error.what());
  }
  Kokkos::finalize();
  return code;
}

int run_alone(std::function<int()> const& action) {
  try {
    return action();
  } catch (std::exception const& error) {
    fmt::print(stderr, "kyrtos: {}\n", error.what());
    return failure;
  }
}

}  // namespace

}  // namespace kyrtos::program

int main(int argc, char** argv) {
  using namespace kyrtos::program;
  CLI::App app("Trains Transformers and measures their curvature while they train.", "kyrtos");
  app.set_version_flag("--version", kyrtos::version());
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done, 1 an error, 2 wrong usage, 3 diverged (the last good state is saved), "
      "75 stopped by a signal or a time limit, with a checkpoint (go on with --resume).");
  Action action;
  add_train(app, action);
  add_curvature(app, action);
  add_hvp(app, action);
  add_info(app, action);
  add_plan(app, action);
  add_plot(app, action);
  add_replay(app, action);
  add_sample(app, action);
  add_import(app, action);
  add_export(app, action);
  add_bench(app, action);
  add_study(app, action);
  add_turn(app, action);
  take_paths(app);
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& error) {
    return explain(app, error, argc, argv);
  }
  if (action.alone) return run_alone(action.alone);
  start_mpi(argc, argv);
  int const code = run(action.on_ranks);
  MPI_Finalize();
  return code == 0 && action.afterwards ? run_alone(action.afterwards) : code;
}
