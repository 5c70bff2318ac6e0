// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/parallel/agreement.hpp>

#include "../common/format.hpp"
#include "../common/json_text.hpp"
#include "info.hpp"
#include "mpi_gpu.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <fmt/core.h>

namespace kyrtos::program {

namespace {

struct InfoOptions {
  std::string path;
  bool verify = false, gemm_rate = false, json = false;
  bool checks_mpi_gpu = false;
  std::vector<std::string> launcher = {"mpirun", "-n", "2"};
  std::string tried_call;
};

/// `size_bytes` → `size`; names of the environment and of settings stay as they are.
std::string words_of(std::string key) {
  bool const is_setting = key.find('.') != std::string::npos;
  if (is_setting) return key;
  for (std::string const unit : {"_bytes", "_flops"})
    if (key.ends_with(unit)) key.resize(key.size() - unit.size());
  bool const is_variable = std::isupper(static_cast<unsigned char>(key.front())) != 0;
  if (!is_variable) std::replace(key.begin(), key.end(), '_', ' ');
  return key;
}

std::string value_text(std::string const& key, Facts const& value) {
  if (value.is_null()) return "not set";
  if (value.is_structured() && value.empty()) return "none";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() && key.ends_with("_bytes")) return bytes_text(value.get<double>());
  if (value.is_number() && key.ends_with("_flops")) return scaled(value.get<double>()) + "FLOP/s";
  if (value.is_number_float()) return fmt::format("{:.6g}", value.get<double>());
  return json_text(value);
}

/// The facts of an object on one line.
std::string line_of(Facts const& object) {
  std::string text;
  for (auto const& [key, value] : object.items())
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", words_of(key), value_text(key, value));
  return text;
}

void add_lines(Facts const& object, std::size_t indent, std::string& text) {
  for (auto const& [key, value] : object.items()) {
    text += fmt::format("{:{}}{}:", "", indent, words_of(key));
    if (value.is_object() && !value.empty()) {
      text += "\n";
      add_lines(value, indent + 2, text);
    } else if (value.is_array() && !value.empty()) {
      text += "\n";
      for (auto const& entry : value)
        text += fmt::format("{:{}}{}\n", "", indent + 2,
                            entry.is_object() ? line_of(entry) : value_text(key, entry));
    } else {
      text += " " + value_text(key, value) + "\n";
    }
  }
}

/// What rank 0 finds; the path of a checkpoint that is to be verified, on every rank.
std::string checkpoint_in(Communicator const& ranks, Facts const& facts) {
  if (!ranks.is_root()) return ranks.broadcast("");
  bool const is_checkpoint = facts.value("format", "") == "kyrtos checkpoint";
  return ranks.broadcast(is_checkpoint ? facts["file"].get<std::string>()
                                       : facts.value("newest_checkpoint", ""));
}

Facts look_at(Context<Space> const& context, InfoOptions const& o) {
  auto const& ranks = context.communicator();
  Facts facts;
  parallel::on_root<FileError>(ranks, [&] { facts = file_facts(o.path); });
  if (!o.verify) return facts;
  auto const path = checkpoint_in(ranks, facts);
  require<FileError>(!path.empty(), o.path + ": there is no checkpoint to --verify");
  io::verify_checkpoint(ranks, path);
  if (ranks.is_root()) facts["verified"] = path + ": all values have their checksums";
  return facts;
}

int info(MPI_Comm ranks, InfoOptions const& o) {
  Context<Space> const context(ranks);
  auto const facts = o.path.empty() ? machine_facts(context, o.gemm_rate) : look_at(context, o);
  if (context.communicator().is_root())
    fmt::print("{}", o.json ? json_text(facts) + "\n" : to_text(facts));
  return 0;
}

}  // namespace

std::string to_text(Facts const& facts) {
  std::string text;
  add_lines(facts, 0, text);
  return text;
}

void add_info(CLI::App& app, Action& action) {
  auto const o = std::make_shared<InfoOptions>();
  auto* const command =
      app.add_subcommand("info", "Describe this build and machine, or a checkpoint, run or result");
  auto* const path =
      command->add_option("path", o->path, "Checkpoint, other file of Kyrtos, or a run's directory")
          ->check(CLI::ExistingPath);
  command->add_flag("--verify", o->verify, "Read a checkpoint through and verify its checksums")
      ->needs(path);
  command->add_flag("--gemm-rate", o->gemm_rate, "Measure how fast matrix products are")
      ->excludes(path);
  auto* const check =
      command
          ->add_flag("--check-mpi-gpu", o->checks_mpi_gpu,
                     "Try, in processes of their own, which of training's MPI calls take device "
                     "memory")
          ->excludes(path);
  command->add_option("--launcher", o->launcher, "What starts the two ranks that try it")
      ->delimiter(' ')
      ->allow_extra_args(false)
      ->default_str("mpirun -n 2")
      ->needs(check);
  auto* const attempt =
      command->add_option("--try-mpi-gpu", o->tried_call)->group("")->excludes(path);
  check->excludes(attempt);
  command->add_flag("--json", o->json, "Print one JSON object");
  command->callback([o, &action] {
    if (o->checks_mpi_gpu)
      action.alone = [o] { return check_mpi_gpu(o->launcher, o->json); };
    else if (!o->tried_call.empty())
      action.on_ranks = [o](MPI_Comm ranks) { return try_mpi_gpu(ranks, o->tried_call); };
    else
      action.on_ranks = [o](MPI_Comm ranks) { return info(ranks, *o); };
  });
}

}  // namespace kyrtos::program
