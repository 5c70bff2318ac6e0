// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "launcher.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <unistd.h>

namespace kyrtos::program {

namespace {

/// Beginnings of variables' names: every rank has some of these, and only ranks have.
constexpr std::array of_ranks{"OMPI_COMM_WORLD", "PMI",       "PRTE_",  "SLURM_",
                              "HYDI_",           "MPI_LOCAL", "HYDRA_", "OMPI_UNIVERSE"};

/// Of settings that launchers pass on, but users make too.
constexpr std::array of_settings{"OMPI_MCA_orte", "OMPI_MCA_ess", "OMPI_MCA_pmix", "OMPI_APP_CTX"};

bool begins_with(std::string_view variable, auto const& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](auto beginning) { return variable.starts_with(beginning); });
}

}  // namespace

int launcher_rank() {
  for (char const* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"})
    if (char const* const value = std::getenv(name)) return std::atoi(value);
  return 0;
}

bool has_launcher() {
  for (char** variable = environ; *variable != nullptr; ++variable)
    if (begins_with(*variable, of_ranks)) return true;
  return false;
}

std::vector<char*> environment_without_launcher() {
  std::vector<char*> kept;
  for (char** variable = environ; *variable != nullptr; ++variable)
    if (!begins_with(*variable, of_ranks) && !begins_with(*variable, of_settings))
      kept.push_back(*variable);
  kept.push_back(nullptr);
  return kept;
}

}  // namespace kyrtos::program
