// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../command.hpp"

#include "../common/python_script.hpp"
#include "io/files/file_kind.hpp"

#include <CLI/CLI.hpp>

namespace kyrtos::program {

namespace {

struct PlotOptions {
  std::vector<std::string> runs;
  std::string spectrum, series, output, panels, title, tensorboard;
};

/// \throws FileError
void check_files(PlotOptions const& o) {
  using io::FileKind;
  for (auto const& path : o.runs) {
    auto const look = io::look_at(path);
    if (look.kind != FileKind::directory && look.kind != FileKind::hdf5 &&
        look.kind != FileKind::json)
      io::refuse(path, look, "the record of a run (run.h5 or metrics.jsonl)");
  }
  if (o.spectrum.empty()) return;
  auto const look = io::look_at(o.spectrum);
  if (look.kind != FileKind::hdf5)
    io::refuse(o.spectrum, look, "a result of `kyrtos curvature --spectrum` (HDF5)");
}

int plot(PlotOptions const& o) {
  check_files(o);
  auto words = o.runs;
  for (auto const& [name, value] : {std::pair("--spectrum", o.spectrum),
                                    {"--series", o.series},
                                    {"--output", o.output},
                                    {"--panels", o.panels},
                                    {"--title", o.title},
                                    {"--tensorboard", o.tensorboard}})
    if (!value.empty()) words.insert(words.end(), {name, value});
  return become_python("plot", words);
}

}  // namespace

void add_plot(CLI::App& app, Action& action) {
  auto const o = std::make_shared<PlotOptions>();
  auto* const command = app.add_subcommand("plot", "Draw runs: loss, sharpness against threshold");
  auto* const runs =
      command->add_option("run", o->runs, "Directories of runs, or their run.h5; overlaid")
          ->check(CLI::ExistingPath);
  command
      ->add_option("--spectrum", o->spectrum,
                   "Draw the spectral density that `kyrtos curvature` wrote instead")
      ->check(CLI::ExistingFile)
      ->excludes(runs);
  command
      ->add_option("--series", o->series,
                   "Draw the eigenvalues by step that `kyrtos curvature --series` wrote instead")
      ->check(CLI::ExistingFile)
      ->excludes(runs)
      ->excludes("--spectrum");
  command->add_option("--output", o->output, "Path of the pictures, without .png and .svg")
      ->type_name("PATH");
  command
      ->add_option(
          "--panels", o->panels,
          "Which, with commas: loss, sharpness, ratios, parabola, mass, part_lambda, rate, "
          "depth [all that the record has]")
      ->type_name("NAMES");
  command->add_option("--title", o->title, "Of the picture");
  command
      ->add_option("--tensorboard", o->tensorboard,
                   "Write the numbers of the runs as scalars for TensorBoard instead, a folder in "
                   "this one for each run")
      ->type_name("FOLDER")
      ->excludes("--spectrum")
      ->excludes("--series")
      ->excludes("--output")
      ->excludes("--panels")
      ->excludes("--title");
  command->footer(
      "Draws with python3, h5py and matplotlib, and writes for TensorBoard with tensorboardX; "
      "KYRTOS_PYTHON names another interpreter.");
  command->callback([o, &action] {
    if (o->runs.empty() && o->spectrum.empty() && o->series.empty())
      throw CLI::RequiredError("run, --spectrum or --series");
    action.alone = [o] { return plot(*o); };
  });
}

}  // namespace kyrtos::program
