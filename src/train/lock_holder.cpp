// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "lock_holder.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <unistd.h>
#include <utility>

namespace kyrtos::train {

namespace {

std::string variable(char const* name) {
  char const* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::string host_name() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::string machine() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot;
  std::getline(file, boot);
  std::error_code unknown;
  auto const container = std::filesystem::read_symlink("/proc/self/ns/pid", unknown).string();
  return boot.empty() || unknown ? "" : boot + " " + container;
}

/// State and start of a process (proc(5): fields 3 and 22); empty where /proc doesn't tell.
struct ProcessStatus {
  std::string state, started;
};

ProcessStatus status_of(long pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  std::getline(file, text);
  auto const name_end = text.rfind(')');  // names may hold anything
  if (name_end == std::string::npos) return {};
  std::istringstream fields(text.substr(name_end + 1));
  ProcessStatus status;
  fields >> status.state;
  for (int field = 4; field <= 22; ++field) fields >> status.started;
  return status;
}

std::string job() {
  auto const array = variable("SLURM_ARRAY_JOB_ID");
  if (!array.empty()) return fmt::format("SLURM job {}_{}", array, variable("SLURM_ARRAY_TASK_ID"));
  for (auto const& [system, name] :
       {std::pair("SLURM", "SLURM_JOB_ID"), std::pair("PBS", "PBS_JOBID"),
        std::pair("Flux", "FLUX_JOB_ID"), std::pair("LSF", "LSB_JOBID")})
    if (auto const id = variable(name); !id.empty()) return fmt::format("{} job {}", system, id);
  return "";
}

}  // namespace

LockHolder this_holder() {
  std::random_device random;
  return {.host = host_name(),
          .pid = getpid(),
          .machine = machine(),
          .started = status_of(getpid()).started,
          .job = job(),
          .restart = std::strtol(variable("SLURM_RESTART_COUNT").c_str(), nullptr, 10),
          .since = fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(std::time(nullptr))),
          .mark = fmt::format("{:08x}{:08x}", random(), random())};
}

std::string to_json(LockHolder const& holder) {
  return nlohmann::ordered_json{{"host", holder.host},       {"pid", holder.pid},
                                {"machine", holder.machine}, {"started", holder.started},
                                {"job", holder.job},         {"restart", holder.restart},
                                {"since", holder.since},     {"mark", holder.mark}}
             .dump() +
         '\n';
}

LockHolder lock_holder_from_json(std::string const& text) {
  auto const object = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return {};
  try {
    return {.host = object.value("host", ""),
            .pid = object.value("pid", 0L),
            .machine = object.value("machine", ""),
            .started = object.value("started", ""),
            .job = object.value("job", ""),
            .restart = object.value("restart", 0L),
            .since = object.value("since", ""),
            .mark = object.value("mark", "")};
  } catch (nlohmann::json::exception const&) {
    return {};
  }
}

std::string to_string(LockHolder const& holder) {
  if (holder.host.empty()) return "an unknown process";
  auto const job = holder.job.empty() ? "" : " (" + holder.job + ")";
  return fmt::format("process {} on {}{}, since {}", holder.pid, holder.host, job, holder.since);
}

bool is_on_this_machine(LockHolder const& other, LockHolder const& self) {
  return !other.machine.empty() && other.machine == self.machine;
}

std::string death_of(LockHolder const& other, LockHolder const& self) {
  if (!other.job.empty() && other.job == self.job && other.restart < self.restart)
    return "this job has been restarted since";
  if (!is_on_this_machine(other, self)) return "";
  bool const is_there = kill(static_cast<pid_t>(other.pid), 0) == 0 || errno == EPERM;
  auto const status = status_of(other.pid);
  bool const is_zombie = status.state == "Z" || status.state == "X";
  bool const is_another = !status.started.empty() && status.started != other.started;
  return !is_there || is_zombie || is_another ? "it runs no more" : "";
}

}  // namespace kyrtos::train
