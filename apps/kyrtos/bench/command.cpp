// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../command.hpp"

#include <kyrtos/core/error.hpp>
#include <kyrtos/core/version.hpp>
#include <kyrtos/parallel/agreement.hpp>

#include "../common/json_text.hpp"
#include "../common/output.hpp"
#include "../info/info.hpp"
#include "io/files/file_kind.hpp"
#include "io/files/replacement.hpp"
#include "report.hpp"
#include "start_up.hpp"
#include "suites.hpp"
#include "table.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fmt/chrono.h>
#include <fstream>

namespace kyrtos::program {

namespace {

using bench::Json;

struct BenchOptions {
  std::string suite = "node", json, directory = ".";
  std::vector<std::string> cases, results, launcher, precisions = {"float32"};
  bench::RoundOptions rounds;
};

/// A directory that all ranks share and that goes away with its contents. Collective.
class ScratchDirectory {
 public:
  ScratchDirectory(Communicator const& ranks, std::string const& parent) : ranks_(ranks) {
    std::string path = parent + "/kyrtos-bench-XXXXXX";
    parallel::on_root<FileError>(ranks, [&] {
      require<FileError>(mkdtemp(path.data()) != nullptr,
                         parent + ": can't be written; give another --directory");
    });
    path_ = ranks.broadcast(path);
  }
  ~ScratchDirectory() {
    std::error_code error;
    if (ranks_.is_root()) std::filesystem::remove_all(path_, error);
  }
  ScratchDirectory(ScratchDirectory const&) = delete;
  ScratchDirectory& operator=(ScratchDirectory const&) = delete;

  std::string const& path() const { return path_; }

 private:
  Communicator ranks_;
  std::string path_;
};

// ---- What was measured where -------------------------------------------------------------------

Json machine_of(Facts const& facts) {
  Json machine;
  auto const& kokkos = facts["kokkos"];
  machine["name"] = kokkos.contains("devices") ? kokkos["devices"].front() : facts["processor"];
  machine["processor"] = facts["processor"];
  if (kokkos.contains("devices")) machine["devices"] = kokkos["devices"];
  Index cores = 0, threads = 0;
  for (auto const& node : facts["nodes"]) {
    cores += node["cores"].get<Index>();
    threads += node["threads_of_all_ranks"].get<Index>();
  }
  machine["nodes"] = facts["nodes"].size();
  machine["cores"] = cores;
  machine["threads"] = threads;
  machine["ranks"] = facts["mpi"]["ranks"];
  if (facts.contains("warnings")) machine["warnings"] = facts["warnings"];
  return machine;
}

/// The head of a result.
Json conditions(Facts const& facts, std::string const& suite) {
  return {{"format", "kyrtos bench"},
          {"version", 1},
          {"suite", suite},
          {"date", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))},
          {"machine", machine_of(facts)},
          {"backend", facts["kokkos"]["kernels_run_on"]},
          {"versions",
           {{"kyrtos", version()},
            {"kokkos", facts["kokkos"]["version"]},
            {"compiler", KYRTOS_COMPILER},
            {"matrix_products", facts["matrix_products"]},
            {"mpi", facts["mpi"]["library"]},
            {"hdf5", facts["hdf5"]}}}};
}

// ---- Files -------------------------------------------------------------------------------------

constexpr std::uint64_t result_bytes = 1 << 20;  // or hardly more

Json parsed(std::string const& path) {
  std::ifstream file(path);
  return Json::parse(file, nullptr, /*allow_exceptions=*/false);
}

bool is_result(Json const& json) {
  return json.is_object() && json.contains("format") && json["format"] == "kyrtos bench";
}

// ---- kyrtos bench ------------------------------------------------------------------------------

std::vector<bench::CaseMaker> cases_of(BenchOptions const& o, std::string const& directory,
                                       int ranks) {
  auto cases = bench::suite(o.suite, {directory, ranks});
  constexpr StartUpModel tiny{.depth = 2, .width = 32, .heads = 2, .context = 32, .batch = 4};
  if (ranks == 1 && (o.suite == "node" || o.suite == "smoke"))
    cases.push_back(
        start_up_case(directory, o.suite == "smoke" ? tiny : StartUpModel(), o.launcher));
  std::vector<train::Precision> precisions;
  for (auto const& word : o.precisions) precisions.push_back(kyrtos::train::precisions().at(word));
  cases = bench::in_precisions(bench::chosen(std::move(cases), o.cases), precisions);
  auto const sizes =
      o.suite == "smoke" ? bench::MachineSizes{512, Index{1} << 22} : bench::MachineSizes();
  cases.insert(cases.begin(), bench::machine_case(sizes));
  return cases;
}

int bench(MPI_Comm mpi_ranks, BenchOptions const& o) {
  Context<Space> const context(mpi_ranks);
  auto const& ranks = context.communicator();
  auto const facts = machine_facts(context, false);
  parallel::on_root<FileError>(ranks, [&] {  // better known before the work than after it
    if (!o.json.empty())
      require_output({.option = "--json",
                      .path = o.json,
                      .writer = "kyrtos bench",
                      .is_result = [](std::string const& path) { return is_result(parsed(path)); }},
                     result_bytes);
  });
  ScratchDirectory const directory(ranks, o.directory);
  bench::MemoryMeter memory;
  auto const say = [&](std::string const& text) {
    if (ranks.is_root()) fmt::print(stderr, "bench: {}\n", text);
  };
  for (auto const& warning : facts.value("warnings", Facts::array()))
    say(warning.get<std::string>());
  auto const measured = bench::measure_in_turns(
      context, memory, cases_of(o, directory.path(), ranks.size()), o.rounds, say);
  if (!ranks.is_root()) return 0;
  auto result = conditions(facts, o.suite);
  result["memory_from"] = memory.source();
  result.update(bench::to_json(measured));
  fmt::print("{}", to_table(result));
  if (o.json.empty()) return 0;
  std::fflush(stdout);
  auto const text = json_text(result, 1) + "\n";
  try {
    io::write_text_file(o.json, text);
  } catch (FileError const&) {
    fmt::print("{}", text);  // it took long
    throw;
  }
  return 0;
}

// ---- kyrtos bench compare ----------------------------------------------------------------------

Json read_result(std::string const& path) {
  auto const look = io::look_at(path);
  if (look.kind != io::FileKind::json) io::refuse(path, look, "a result of `kyrtos bench --json`");
  auto const result = parsed(path);
  require<FileError>(is_result(result), path + ": is not a result of `kyrtos bench --json`");
  require<FileError>(result.value("version", 0) == 1,
                     path + ": is of another version; measure it again with this one");
  return result;
}

int compare_files(std::vector<std::string> const& paths) {
  std::vector<Json> results;
  for (auto const& path : paths) results.push_back(read_result(path));
  fmt::print("{}", compare(results));
  return 0;
}

constexpr char const* suites_text = R"(Suites, with the memory that they need in GiB:
  smoke      1  everything, tiny: a test that it works, in seconds on a machine of its own
  node       9  whole models of 11 and 124 million parameters, checkpoint, start-up
  files      7  a checkpoint of 1.5 GB beside plain bytes; one behind the steps of a run
  layers     2  every layer's passes
  attention  4  attention from 256 to 16384 tokens, streamed and blocked
  scaling    4  models in series by batch, depth, width and length
Cases are set up and run once or twice to warm up: a few minutes on two cores, on busy ones
more. Then come rounds, within --seconds but for the last, which is finished; one of node took 108 s
on two busy cores. docs/benchmarks.md says what is measured and what the columns mean.)";

void add_options(CLI::App& command, BenchOptions& o) {
  command.add_option("--suite", o.suite, "What to measure")
      ->capture_default_str()
      ->check(CLI::IsMember(bench::suite_names()));
  command.add_option("--case", o.cases, "A case of the suite instead of all; may be given again")
      ->allow_extra_args(false)
      ->take_all();
  command
      .add_option(
          "--precision", o.precisions,
          "Of models and layers: float32, or of the factors in matrix products: bf16, tf32, as "
          "NAME-bf16; may be given again, to measure them in turns")
      ->capture_default_str()
      ->check(CLI::IsMember({"float32", "bf16", "tf32"}))
      ->allow_extra_args(false)
      ->take_all();
  command.add_option("--repetitions", o.rounds.repetitions, "Rounds of measurements")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command.add_option("--seconds", o.rounds.seconds, "After these no further round begins")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command
      .add_option("--launcher", o.launcher,
                  "What starts the ranks of start_up's run, for instance \"mpirun -n 4\"")
      ->delimiter(' ')
      ->allow_extra_args(false);
  command.add_option("--directory", o.directory, "Where checkpoints are written and read")
      ->capture_default_str()
      ->check(CLI::ExistingDirectory);
  command.add_flag("--profile", o.rounds.profile,
                   "Afterwards, run each operation of the models again, and say where its time "
                   "goes, by layer and pass");
  command.add_option("--json", o.json, "Write the result to this file")->type_name("FILE");
}

}  // namespace

void add_bench(CLI::App& app, Action& action) {
  auto const o = std::make_shared<BenchOptions>();
  auto* const command =
      app.add_subcommand("bench", "Measure speed and memory on this machine, or compare machines");
  add_options(*command, *o);
  command->footer(suites_text);
  auto* const comparison = command->add_subcommand(
      "compare", "Results side by side, with their shares of each machine's own peak");
  comparison->add_option("result", o->results, "Files that --json wrote")
      ->required()
      ->check(CLI::ExistingFile);
  command->callback([o, comparison, &action] {
    if (comparison->parsed())
      action.alone = [o] { return compare_files(o->results); };
    else
      action.on_ranks = [o](MPI_Comm ranks) { return bench(ranks, *o); };
  });
}

}  // namespace kyrtos::program
