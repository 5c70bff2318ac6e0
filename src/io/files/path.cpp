// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/io/path.hpp>

#include <cctype>
#include <cstdlib>
#include <filesystem>

namespace kyrtos::io {

namespace {

bool is_of_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

std::string value_of(std::string const& name, std::string const& path) {
  char const* const value = std::getenv(name.c_str());
  if (value == nullptr)
    throw FileError(path + ": the variable " + name +
                    " is not set in the environment; set it, or write the path out");
  return value;
}

}  // namespace

std::string expanded_path(std::string const& path) {
  std::error_code error;
  if (path.find_first_of("~$") == std::string::npos || std::filesystem::exists(path, error))
    return path;
  std::string text;
  std::size_t i = 0;
  if (path == "~" || path.starts_with("~/")) {
    text = value_of("HOME", path);
    i = 1;
  }
  while (i < path.size()) {
    auto const next = i + 1 < path.size() ? path[i + 1] : '\0';
    if (path[i] != '$' || (next != '{' && (!is_of_name(next) || std::isdigit(next) != 0))) {
      text += path[i++];
      continue;
    }
    bool const has_braces = next == '{';
    auto const begin = i + (has_braces ? 2 : 1);
    auto end = begin;
    while (end < path.size() && is_of_name(path[end])) ++end;
    if (has_braces && (end == begin || end == path.size() || path[end] != '}'))
      throw FileError(path + ": a ${ lacks its name or its }");
    text += value_of(path.substr(begin, end - begin), path);
    i = end + (has_braces ? 1 : 0);
  }
  return text;
}

}  // namespace kyrtos::io
