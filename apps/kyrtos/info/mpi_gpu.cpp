// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/gpu_aware_mpi.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

#include "../command.hpp"
#include "../common/json_text.hpp"
#include "info.hpp"

#include <csignal>
#include <cstring>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kyrtos::program {

namespace {

/// What a process that gives MPI device memory came to: such a process may well crash.
std::string outcome(int status) {
  if (WIFSIGNALED(status))
    return fmt::format("no: a process that gave MPI device memory ended with signal {} ({})",
                       WTERMSIG(status), strsignal(WTERMSIG(status)));
  if (WEXITSTATUS(status) == 0) return "yes: MPI summed vectors in device memory";
  return fmt::format("no: a process that gave MPI device memory ended with exit code {}",
                     WEXITSTATUS(status));
}

std::string try_in_child() {
  std::fflush(nullptr);
  pid_t const child = fork();
  if (child < 0) throw std::runtime_error(std::string("can't fork: ") + std::strerror(errno));
  if (child == 0) {
    execl("/proc/self/exe", "kyrtos", "info", "--try-mpi-gpu", static_cast<char*>(nullptr));
    _exit(failure);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return outcome(status);
}

}  // namespace

int check_mpi_gpu(bool json) {
  bool const is_host = compat::is_host_accessible<Space>;
  Facts facts{{"kernels_run_on", Space::name()}};
  if (is_host) {
    facts["mpi_reads_their_memory"] = "yes: it is the host's";
  } else {
    facts["mpi_says_so"] = mpi_says_gpu_aware();
    facts["mpi_reads_their_memory"] = try_in_child();
    facts["setting"] =
        "parallel.gpu_aware_mpi = \"auto\" does what MPI says; \"on\" and \"off\" insist";
  }
  fmt::print("{}", json ? json_text(facts) + "\n" : to_text(facts));
  return 0;
}

int try_mpi_gpu(MPI_Comm ranks) {
  Context<Space> const context(ranks, {.gpu_aware_mpi = GpuAwareMpi::on});
  constexpr Index size = 1 << 20;
  auto const one = allocate<double>(context, "one", size),
             sum = allocate<double>(context, "sum", size);
  linalg::fill(context, one, 1);
  context.fence("kyrtos::try_mpi_gpu");
  check_mpi(MPI_Allreduce(one.data(), sum.data(), static_cast<int>(size), MPI_DOUBLE, MPI_SUM,
                          context.communicator().get()),
            "MPI_Allreduce");
  bool const is_right =
      linalg::sum(context, sum) == static_cast<double>(size) * context.communicator().size();
  return is_right ? 0 : failure;
}

}  // namespace kyrtos::program
