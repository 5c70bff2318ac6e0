// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <string>

namespace kyrtos::program {

inline CLI::Validator at_least(Index least) {
  auto const check = [least](std::string const& text) {
    Index value = 0;
    bool const fits = CLI::detail::lexical_cast(text, value) && value >= least;
    return fits ? std::string() : fmt::format("{} must be an integer of at least {}", text, least);
  };
  return {check, ""};
}

/// An option that is an integer, from `least` on.
template <class Value>
CLI::Option* add_number(CLI::App& command, std::string const& name, Value& value, Index least,
                        std::string const& help) {
  return command.add_option(name, value, help)->check(at_least(least))->type_name("N");
}

}  // namespace kyrtos::program
