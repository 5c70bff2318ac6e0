// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "start_up.hpp"

#include <kyrtos/core/error.hpp>

#include "../common/launcher.hpp"
#include "../common/machine.hpp"

#include <array>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <memory>
#include <spawn.h>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>

namespace kyrtos::program {

namespace {

std::string config_of(StartUpModel const& model) {
  constexpr auto text = R"([model]
depth = {}
width = {}
heads = {}
context = {}
[training]
steps = 1
batch = {}
evaluate_every = 0
[curvature]
enabled = false
[output]
log_every = 1
)";
  return fmt::format(text, model.depth, model.width, model.heads, model.context, model.batch);
}

/// While it lives, the calling thread and what it starts may run on all of the process' cores.
class OnAllCores {
 public:
  OnAllCores() { CoreSet::of_process().adopt(); }
  ~OnAllCores() { before_.adopt(); }
  OnAllCores(OnAllCores const&) = delete;
  OnAllCores& operator=(OnAllCores const&) = delete;

 private:
  CoreSet before_ = CoreSet::of_thread(0);
};

/// A program that runs beside this one, and what it says.
class Child {
 public:
  /// \throws Error when it can't be started.
  explicit Child(std::vector<std::string> words) {
    std::array<int, 2> pipe{};
    require<Error>(pipe2(pipe.data(), O_CLOEXEC) == 0, "bench: no pipe is left for a child");
    std::vector<char*> pointers;
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pipe[1], STDERR_FILENO);
    OnAllCores const cores;
    int const error = posix_spawnp(&process_, pointers[0], &actions, nullptr, pointers.data(),
                                   environment_without_launcher().data());
    posix_spawn_file_actions_destroy(&actions);
    close(pipe[1]);
    output_ = fdopen(pipe[0], "r");
    if (error == 0) return;
    std::fclose(output_);
    throw Error("bench: " + words[0] + " can't be started as a child");
  }
  ~Child() { wait(); }
  Child(Child const&) = delete;
  Child& operator=(Child const&) = delete;

  /// Reads up to a line that holds `word`. \return whether there was one.
  bool says(std::string_view word) {
    std::array<char, 1024> line{};
    while (std::fgets(line.data(), static_cast<int>(line.size()), output_) != nullptr) {
      said_ += line.data();
      if (std::string_view(line.data()).find(word) != std::string_view::npos) return true;
    }
    return false;
  }
  std::string const& said() const { return said_; }

  /// Until it ends. \return whether it was successful.
  bool wait() {
    if (output_ == nullptr) return is_successful_;
    says("\n\n");  // nothing: to the end
    std::fclose(output_);
    output_ = nullptr;
    int status = 0;
    is_successful_ = waitpid(process_, &status, 0) == process_ && status == 0;
    return is_successful_;
  }

 private:
  pid_t process_ = 0;
  std::FILE* output_ = nullptr;
  std::string said_;
  bool is_successful_ = false;
};

class StartUp {
 public:
  StartUp(std::string directory, StartUpModel const& model, std::vector<std::string> launcher)
      : directory_(std::move(directory)), launcher_(std::move(launcher)) {
    std::ofstream(directory_ + "/start_up.toml") << config_of(model);
    std::ofstream text(directory_ + "/start_up.txt");
    for (int i = 0; i < 4096; ++i) text << "line ";
  }

  /// Starts the program, and returns when it has said `line`.
  void start_until(std::string_view line) {
    auto words = launcher_;
    words.insert(
        words.end(),
        {std::filesystem::read_symlink("/proc/self/exe").string(), "train",
         directory_ + "/start_up.toml", "--set", "data.train=" + directory_ + "/start_up.txt",
         "--set", fmt::format("output.directory={}/start_up_{}", directory_, ++runs_)});
    child_ = std::make_unique<Child>(std::move(words));
    check(child_->says(line));
  }
  void finish() {
    check(child_->wait());
    child_.reset();
  }

 private:
  void check(bool is_right) const {
    require<Error>(is_right,
                   "bench: `kyrtos train`, started to time it, did not take its one step; choose "
                   "other cases with --case, or fix what it said:\n" +
                       child_->said());
  }

  std::string directory_;
  std::vector<std::string> launcher_;
  int runs_ = 0;
  std::unique_ptr<Child> child_;
};

}  // namespace

bench::CaseMaker start_up_case(std::string const& directory, StartUpModel const& model,
                               std::vector<std::string> const& launcher) {
  auto const make = [=](Context<bench::Space> const&) {
    auto const p = std::make_shared<StartUp>(directory, model, launcher);
    auto const finish = [p] { p->finish(); };
    bench::Operation ready{"ready", [p] { p->start_until("everything goes to"); }};
    bench::Operation first_step{"first_step", [p] { p->start_until("step 1/1"); }};
    ready.finish = first_step.finish = finish;
    bench::Json const facts{{"depth", model.depth},
                            {"width", model.width},
                            {"batch", model.batch},
                            {"length", model.context}};
    return bench::Case{"start_up", "system", facts, {ready, first_step}};
  };
  return {"start_up", make, {}, /*has_products=*/false};
}

}  // namespace kyrtos::program
