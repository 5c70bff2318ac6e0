// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "python_script.hpp"

#include "../command.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fmt/core.h>
#include <unistd.h>

namespace kyrtos::program {

namespace {

/// The Python files lie beside the program where it was built, under share/ where it is installed.
std::string path_of(std::string const& name) {
  namespace fs = std::filesystem;
  auto const here = fs::read_symlink("/proc/self/exe").parent_path();
  for (auto const& directory : {here / "python", here / "../share/kyrtos/python"})
    if (fs::exists(directory / name)) return (directory / name).lexically_normal().string();
  throw std::runtime_error("kyrtos/python/" + name +
                           " is not where this program was installed, in share/");
}

}  // namespace

std::vector<std::string> python_command(std::string const& script,
                                        std::vector<std::string> const& arguments) {
  char const* const chosen = std::getenv("KYRTOS_PYTHON");
  std::vector<std::string> words{chosen != nullptr ? chosen : "python3", path_of(script)};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

int become_python(std::string const& script, std::vector<std::string> const& arguments) {
  auto words = python_command(script, arguments);
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  std::fflush(nullptr);
  execvp(pointers[0], pointers.data());
  fmt::print(stderr,
             "kyrtos: {} can't be run: {}; install Python 3 with h5py and matplotlib (Debian: apt "
             "install python3-h5py python3-matplotlib), or name another in KYRTOS_PYTHON\n",
             words.front(), std::strerror(errno));
  return failure;
}

}  // namespace kyrtos::program
