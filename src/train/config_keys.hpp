// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/train/config_change.hpp>

#include <functional>
#include <string>
#include <vector>

// HIP has a macro __noinline__, by which name toml++ asks compilers for an attribute.
#pragma push_macro("__noinline__")
#undef __noinline__
#include <toml++/toml.h>
#pragma pop_macro("__noinline__")

namespace kyrtos::train::config {

/// One key of the configuration, bound to its place in a RunConfig.
struct Key {
  std::string path;  ///< `section.name`
  std::string help;
  std::string allowed;  ///< For people: `an integer of at least 1`, `"adamw" or "sgd"`.
  KeyRole role;         ///< What a change means to a run that goes on from a checkpoint.
  /// Sets the value; false when the node has another type or is out of range.
  std::function<bool(toml::node const&)> set;
  std::function<std::string()> text;  ///< The value as TOML.
};

/// All keys, bound to `config`, section by section.
std::vector<Key> keys_of(RunConfig& config);

/// \throws ConfigError naming `source`, line and fault where the text is not TOML.
toml::table parse_toml(std::string const& text, std::string const& source);

}  // namespace kyrtos::train::config
