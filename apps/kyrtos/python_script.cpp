// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "python_script.hpp"

#include "command.hpp"

#include <cerrno>
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
  throw std::runtime_error(name + " is not where this program was installed (share/kyrtos/python)");
}

}  // namespace

int become_python(std::string const& script, std::vector<std::string> const& arguments) {
  std::vector<std::string> words{"python3", path_of(script)};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  std::fflush(nullptr);
  execvp(pointers[0], pointers.data());
  fmt::print(stderr,
             "kyrtos: python3 can't be run: {}; install Python 3 with h5py and matplotlib (Debian: "
             "apt install python3-h5py python3-matplotlib)\n",
             std::strerror(errno));
  return failure;
}

}  // namespace kyrtos::program
