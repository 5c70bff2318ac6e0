// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/version.hpp>

#include "command.hpp"
#include "common/launcher.hpp"

#include <mpi.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fmt/core.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace kyrtos::program {

namespace {

/// Without a launcher this process is the only rank ever: Open MPI then need not start a daemon nor
/// look for networks, which takes a third of a second. What the user set stays, other MPIs read
/// none of it, and processes that this one starts later hear nothing of it.
void initialize_mpi(int& argc, char**& argv) {
  std::vector<char const*> ours;
  if (!has_launcher())
    for (auto const& [name, value] :
         {std::pair("OMPI_MCA_ess_singleton_isolated", "1"), std::pair("OMPI_MCA_pml", "ob1"),
          std::pair("OMPI_MCA_btl", "self")}) {
      if (std::getenv(name) != nullptr) continue;
      setenv(name, value, 0);
      ours.push_back(name);
    }
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  for (char const* name : ours) unsetenv(name);
}

/// Prints help or a complaint, once for all ranks. \return the exit code.
int explain(CLI::App const& app, CLI::ParseError const& error) {
  bool const is_help = error.get_exit_code() == 0;
  if (launcher_rank() == 0) app.exit(error);
  return is_help ? 0 : wrong_usage;
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
  // Kokkos would otherwise warn where nobody bound the threads, which is the launcher's business.
  setenv("OMP_PROC_BIND", "false", 0);
  Kokkos::initialize();
  int code = 0;
  try {
    code = action(MPI_COMM_WORLD);
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
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& error) {
    return explain(app, error);
  }
  if (action.alone) return run_alone(action.alone);
  initialize_mpi(argc, argv);
  int const code = run(action.on_ranks);
  MPI_Finalize();
  return code == 0 && action.afterwards ? run_alone(action.afterwards) : code;
}
