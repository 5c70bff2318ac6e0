// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "start.hpp"

#include "environment.hpp"
#include "launcher.hpp"
#include "machine.hpp"

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace kyrtos::program {

namespace {

/// This rank's share of the node's cores: of each that it may run on, what is left by the others
/// that may too. 0, as the runtime chooses, where the user chose or the rank is alone.
int threads_of_rank(MPI_Comm ranks) {
  if (is_any_set({"OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_PLACES", "KOKKOS_NUM_THREADS"}))
    return 0;
  double const share = share_of_cores(ranks);
  return ranks_on_node(ranks) > 1 ? std::max(1, static_cast<int>(share + 1e-6)) : 0;
}

}  // namespace

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
