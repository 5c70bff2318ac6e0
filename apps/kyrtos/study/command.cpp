// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../command.hpp"

#include "../common/python_script.hpp"
#include "io/files/file_kind.hpp"

#include <CLI/CLI.hpp>
#include <filesystem>

namespace kyrtos::program {

namespace {

struct StudyOptions {
  std::string file, size = "quick", output, slurm, text, launcher;
  int jobs = 0, number = -1;
  bool collect = false;
};

int study(StudyOptions const& o) {
  auto const look = io::look_at(o.file);
  if (look.kind != io::FileKind::text) io::refuse(o.file, look, "a study (TOML)");
  std::vector<std::string> words{o.file, "--size", o.size, "--program",
                                 std::filesystem::read_symlink("/proc/self/exe").string()};
  for (auto const& [name, value] : {std::pair("--output", o.output),
                                    {"--slurm", o.slurm},
                                    {"--text", o.text},
                                    {"--launcher", o.launcher}})
    if (!value.empty()) words.insert(words.end(), {name, value});
  if (o.jobs > 0) words.insert(words.end(), {"--jobs", std::to_string(o.jobs)});
  if (o.number >= 0) words.insert(words.end(), {"--case", std::to_string(o.number)});
  if (o.collect) words.push_back("--collect");
  return become_python("study", words);
}

}  // namespace

void add_study(CLI::App& app, Action& action) {
  auto const o = std::make_shared<StudyOptions>();
  auto* const command =
      app.add_subcommand("study", "Run many trainings, compare them and report what was found");
  command->add_option("study", o->file, "TOML file that says what to compare")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("--size", o->size, "Which of the file's sizes")->capture_default_str();
  command->add_option("--output", o->output, "Directory for everything [runs/<study>-<size>]")
      ->type_name("DIRECTORY");
  command->add_option("--jobs", o->jobs, "Runs at once [the number of cores]")
      ->check(CLI::PositiveNumber);
  command->add_option("--text", o->text, "Data to train on, instead of the file's data.train")
      ->check(CLI::ExistingFile);
  command
      ->add_option("--slurm", o->slurm,
                   "Write a job array for SLURM to this directory; start nothing")
      ->type_name("DIRECTORY");
  command->add_option("--launcher", o->launcher,
                      "Starts each training, for instance \"mpirun -n 4\"");
  command->add_option("--case", o->number, "Only the run of this number, for job arrays")
      ->check(CLI::NonNegativeNumber);
  command->add_flag("--collect", o->collect, "Only collect and report what has been run");
  command->footer(
      "Can be repeated: finished runs are kept, others go on from their last checkpoint. A run "
      "that "
      "diverges is a result. Needs python3 (3.11), h5py and matplotlib; KYRTOS_PYTHON names "
      "another "
      "interpreter.");
  command->callback([o, &action] { action.alone = [o] { return study(*o); }; });
}

}  // namespace kyrtos::program
