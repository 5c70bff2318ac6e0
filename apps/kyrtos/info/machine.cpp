// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../common/machine.hpp"

#include <kyrtos/core/version.hpp>
#include <kyrtos/linalg/gemm.hpp>
#include <kyrtos/linalg/gemm_rate.hpp>
#include <kyrtos/parallel/nccl.hpp>
#include <kyrtos/train/run_parts.hpp>

#include "info.hpp"

#include <hdf5.h>

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <sstream>

namespace kyrtos::program {

namespace {

using HostSpace = Kokkos::DefaultHostExecutionSpace;

/// The lines in which Kokkos names the device that it chose; none where it runs on the host.
Facts device_names(Context<Space> const& context) {
  Facts names = Facts::array();
  if (compat::runs_on_host<Space>) return names;
  std::stringstream text;
  context.space().print_configuration(text);
  for (std::string line; std::getline(text, line);)
    if (line.find("Selected") != std::string::npos)
      names.push_back(line.substr(line.find_first_not_of(' ')));
  return names;
}

Facts kokkos_facts(Context<Space> const& context) {
  Facts facts{{"version", compat::kokkos_version()},
              {"kernels_run_on", Space::name()},
              {"host_threads_run_on", HostSpace::name()},
              {"host_threads", HostSpace().concurrency()}};
  if (auto const names = device_names(context); !names.empty()) facts["devices"] = names;
  return facts;
}

Facts gemm_facts() {
  Facts list = Facts::array();
  for (auto const& provider : linalg::gemm_providers())
    list.push_back(provider.available ? fmt::format("{} ({})", provider.title(), provider.scalars)
                                      : fmt::format("{}: not in this build", provider.name));
  return list;
}

Facts bf16_fact() {
  auto const missing = train::missing_for<Space>(train::Precision::bf16);
  return missing.empty() ? "there" : missing;
}

Facts mpi_facts(Communicator const& ranks) {
  char library[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0, version = 0, subversion = 0;
  MPI_Get_library_version(library, &length);
  MPI_Get_version(&version, &subversion);
  std::string const text = library;
  return {{"library", text.substr(0, text.find_first_of(",\n"))},
          {"standard", fmt::format("{}.{}", version, subversion)},
          {"ranks", ranks.size()}};
}

/// The words of what carries vectors between ranks, or of why it fails to start.
std::string carrier_fact(Context<Space> const& context) {
  try {
    return parallel::carrier_of_vectors(context);
  } catch (Error const& error) {
    return error.what();
  }
}

std::string hdf5_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("{}.{}.{}", major, minor, release);
}

Facts environment() {
  Facts facts;
  for (char const* name :
       {"OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_PLACES", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}) {
    char const* const value = std::getenv(name);
    facts[name] = value != nullptr ? Facts(value) : Facts();
  }
  return facts;
}

Facts node_facts(Node const& node) {
  return {{"name", node.name},
          {"ranks", node.ranks},
          {"threads_of_all_ranks", node.threads},
          {"cores", node.cores.count()},
          {"core_numbers", node.cores.text()}};
}

std::string oversubscription(Node const& node) {
  return fmt::format(
      "{}: {} threads of {} rank{} share {} core{}, and wait for each other; set "
      "OMP_NUM_THREADS={}, "
      "or let the launcher give each rank its cores (for instance mpirun --map-by "
      "slot:PE=<threads>, srun --cpus-per-task)",
      node.name, node.threads, node.ranks, node.ranks == 1 ? "" : "s", node.cores.count(),
      node.cores.count() == 1 ? "" : "s", std::max(1, node.cores.count() / node.ranks));
}

}  // namespace

Facts machine_facts(Context<Space> const& context, bool measures_gemm) {
  auto const& ranks = context.communicator();
  auto const nodes = find_nodes(ranks.get(), HostSpace().concurrency());
  Facts facts{{"kyrtos", version()},
              {"kokkos", kokkos_facts(context)},
              {"processor", processor_name()},
              {"matrix_products", gemm_facts()},
              {"bf16_products", bf16_fact()},
              {"mpi", mpi_facts(ranks)},
              {"nccl", parallel::found_nccl()},
              {"vectors_go_by", carrier_fact(context)},
              {"hdf5", hdf5_version()},
              {"environment", environment()}};
  for (auto const& node : nodes) facts["nodes"].push_back(node_facts(node));
  if (measures_gemm) {
    auto const rate = ranks.sum(linalg::measure_gemm_rate<float>(context));
    facts["float32_products_flops"] = rate;
  }
  for (auto const& node : nodes)
    if (node.is_oversubscribed()) facts["warnings"].push_back(oversubscription(node));
  return facts;
}

}  // namespace kyrtos::program
