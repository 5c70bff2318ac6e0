// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../command.hpp"

#include "../common/python_script.hpp"

#include <CLI/CLI.hpp>

namespace kyrtos::program {

namespace {

struct PlotOptions {
  std::vector<std::string> runs;
  std::string spectrum, output, panels, title;
};

int plot(PlotOptions const& o) {
  auto words = o.runs;
  for (auto const& [name, value] : {std::pair("--spectrum", o.spectrum),
                                    {"--output", o.output},
                                    {"--panels", o.panels},
                                    {"--title", o.title}})
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
  command->add_option("--output", o->output, "Path of the pictures, without .png and .svg")
      ->type_name("PATH");
  command
      ->add_option(
          "--panels", o->panels,
          "Which, with commas: loss, sharpness, ratios, parabola, mass, part_lambda, rate, "
          "depth [all that the record has]")
      ->type_name("NAMES");
  command->add_option("--title", o->title, "Of the picture");
  command->footer(
      "Draws with python3, h5py and matplotlib; KYRTOS_PYTHON names another interpreter.");
  command->callback([o, &action] {
    if (o->runs.empty() && o->spectrum.empty()) throw CLI::RequiredError("run or --spectrum");
    action.alone = [o] { return plot(*o); };
  });
}

}  // namespace kyrtos::program
