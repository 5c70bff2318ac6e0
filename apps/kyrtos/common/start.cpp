// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "start.hpp"

#include "launcher.hpp"
#include "machine.hpp"

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace kyrtos::program {

namespace {

bool is_any_set(std::initializer_list<char const*> names) {
  return std::any_of(names.begin(), names.end(),
                     [](char const* name) { return std::getenv(name) != nullptr; });
}

/// This rank's share of the node's cores: of each that it may run on, what is left by the others
/// that may too. 0, as the runtime chooses, where the user chose or the rank is alone.
int threads_of_rank(MPI_Comm ranks) {
  if (is_any_set({"OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_PLACES", "KOKKOS_NUM_THREADS"}))
    return 0;
  double const share = share_of_cores(ranks);
  return ranks_on_node(ranks) > 1 ? std::max(1, static_cast<int>(share + 1e-6)) : 0;
}

}  // namespace

/// libgomp reads the environment when it is loaded, before main(): so the program begins once more,
/// under its own name, with the same process number, standard streams and pending signals. That the
/// variables are set then keeps it from doing so again.
///
/// By default libgomp's threads spin for milliseconds before they sleep. Beside a busy process the
/// thread that lost its core is then waited for by one that keeps the other core busy, at every
/// loop. A short spin bridges the gaps of an idle machine. On two Zen 4 cores the demo took 2.1 to
/// 2.5 times as long beside a busy process with 300 to 1000 turns and 4 times with 10,000; alone it
/// took as long with these as with threads that always spin, and 1.4 times as long with none.
/// LLVM's runtime knows the second variable.
void choose_waiting(char** argv) {
  if (is_any_set({"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY"})) return;
  char const* const threads = std::getenv("OMP_NUM_THREADS");
  if (threads != nullptr && std::string_view(threads) == "1") return;  // nothing to wait for
  constexpr char self[] = "/proc/self/exe";
  std::error_code error;
  auto const path = std::filesystem::read_symlink(self, error);
  if (path.filename().string().starts_with("ld-")) return;  // the loader, called by name
  setenv("GOMP_SPINCOUNT", "500", 0);
  setenv("OMP_WAIT_POLICY", "passive", 0);
  std::fflush(nullptr);
  if (!error) execv(path.c_str(), argv);
  execv(self, argv);  // the file has another name now
}

/// Without a launcher this process is the only rank ever: Open MPI then need not start a daemon nor
/// look for networks, which takes a third of a second, nor make a directory, which processes that
/// start at the same time share and remove. What the user set stays, other MPIs read none of it,
/// and processes that this one starts later hear nothing of it.
void start_mpi(int& argc, char**& argv) {
  std::vector<char const*> ours;
  if (!has_launcher())
    for (auto const& [name, value] :
         {std::pair("OMPI_MCA_ess_singleton_isolated", "1"),
          std::pair("OMPI_MCA_orte_create_session_dirs", "0"), std::pair("OMPI_MCA_pml", "ob1"),
          std::pair("OMPI_MCA_btl", "self")}) {
      if (std::getenv(name) != nullptr) continue;
      setenv(name, value, 0);
      ours.push_back(name);
    }
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  for (char const* name : ours) unsetenv(name);
}

void start_kokkos(MPI_Comm ranks) {
  int const threads = threads_of_rank(ranks);
  // Kokkos would otherwise warn where nobody bound the threads, which is the launcher's business.
  setenv("OMP_PROC_BIND", "false", 0);
  if (threads > 0) setenv("KOKKOS_NUM_THREADS", std::to_string(threads).c_str(), 0);
  Kokkos::initialize();
  if (threads > 0) unsetenv("KOKKOS_NUM_THREADS");
}

}  // namespace kyrtos::program
