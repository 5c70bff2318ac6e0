// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "command.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/core.h>
#include <unistd.h>

namespace kyrtos::program {

namespace {

struct PlotOptions {
  std::vector<std::string> runs;
  std::string spectrum, output, title;
};

/// The Python files lie beside the program where it was built, under share/ where it is installed.
std::string script(std::string const& name) {
  namespace fs = std::filesystem;
  auto const here = fs::read_symlink("/proc/self/exe").parent_path();
  for (auto const& directory : {here / "python", here / "../share/kyrtos/python"})
    if (fs::exists(directory / name)) return (directory / name).lexically_normal().string();
  throw std::runtime_error(name + " is not where this program was installed (share/kyrtos/python)");
}

/// Becomes the Python interpreter.
int plot(PlotOptions const& o) {
  std::vector<std::string> words{"python3", script("plot.py")};
  words.insert(words.end(), o.runs.begin(), o.runs.end());
  for (auto const& [name, value] :
       {std::pair("--spectrum", o.spectrum), {"--output", o.output}, {"--title", o.title}})
    if (!value.empty()) words.insert(words.end(), {name, value});
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  fmt::print(stderr,
             "kyrtos: plot: python3 can't be run: {}; install Python 3 with h5py and matplotlib "
             "(Debian: apt install python3-h5py python3-matplotlib)\n",
             std::strerror(errno));
  return failure;
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
  command->add_option("--output", o->output, "Path of the pictures, without .png and .svg");
  command->add_option("--title", o->title, "Of the picture");
  command->callback([o, &action] {
    if (o->runs.empty() && o->spectrum.empty()) throw CLI::RequiredError("run or --spectrum");
    action.alone = [o] { return plot(*o); };
  });
}

}  // namespace kyrtos::program
