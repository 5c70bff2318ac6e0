// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "config_keys.hpp"

#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <sstream>
#include <utility>

namespace kyrtos::train::config {

inline std::string quoted_toml(std::string const& text) {
  std::ostringstream out;
  toml::value<std::string> const value(text);
  // Without literal strings, so that it is JSON too.
  out << toml::toml_formatter(value, toml::format_flags::allow_unicode_strings);
  return out.str();
}

/// Finite numbers from `least` to `most`; without the ends where they are open.
struct Interval {
  enum class End { closed, open };
  double least = 0;
  double most = std::numeric_limits<double>::infinity();
  End lower = End::closed, upper = End::closed;

  bool contains(double x) const {
    return std::isfinite(x) && (lower == End::open ? x > least : x >= least) &&
           (upper == End::open ? x < most : x <= most);
  }
  std::string describe() const {
    auto const from = fmt::format("a number {} {}", lower == End::open ? "above" : "from", least);
    if (std::isfinite(most))
      return from + fmt::format(" {} {}", upper == End::open ? "and below" : "to", most);
    return lower == End::open ? from : from + " on";
  }
};

inline constexpr Interval positive{.lower = Interval::End::open};
inline constexpr Interval not_negative{};
inline constexpr Interval share{.most = 1};
inline constexpr Interval below_one{.most = 1, .upper = Interval::End::open};

/// TOML tells floats from integers by the point or the exponent.
inline std::string real_text(double value) {
  auto const text = fmt::format("{}", value);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

/// A time that a key gives, as a number of seconds or in the forms of SLURM that have seconds.
/// TOML's own times of day, such as 12:30:00 without quotes, say the same.
inline std::optional<double> seconds_in(toml::node const& node) {
  if (node.is_number()) return node.value<double>();
  if (auto const time = node.value<toml::time>())
    return 3600.0 * time->hour + 60.0 * time->minute + time->second + 1e-9 * time->nanosecond;
  if (auto const text = node.value_exact<std::string>()) return parse_duration(*text);
  return std::nullopt;
}

/// The list of keys as it is written down, one line a key.
struct Declarations {
  std::vector<Key> keys;
  std::string section;
  KeyRole usual = KeyRole::run;         // of the section's keys,
  std::optional<KeyRole> of_next = {};  // but for the next one

  void in(char const* name, KeyRole role) {
    section = std::string(name) + ".";
    usual = role;
  }

  /// The next key has another role than its section.
  Declarations& as(KeyRole role) {
    of_next = role;
    return *this;
  }

  void add(char const* name, char const* help, std::string allowed,
           std::function<bool(toml::node const&)> set, std::function<std::string()> text) {
    keys.push_back({section + name, help, std::move(allowed), of_next.value_or(usual),
                    std::move(set), std::move(text)});
    of_next.reset();
  }

  void integer(char const* name, Index& value, Index least, char const* help,
               Index most = std::numeric_limits<Index>::max()) {
    bool const bounded = most < std::numeric_limits<Index>::max();
    add(
        name, help,
        bounded ? fmt::format("an integer from {} to {}", least, most)
                : fmt::format("an integer of at least {}", least),
        [&value, least, most](toml::node const& node) {
          auto const v = node.value_exact<std::int64_t>();
          if (!v || *v < least || *v > most) return false;
          value = *v;
          return true;
        },
        [&value] { return std::to_string(value); });
  }

  void real(char const* name, double& value, Interval range, char const* help) {
    add(
        name, help, range.describe(),
        [&value, range](toml::node const& node) {
          auto const v = node.value<double>();
          if (!node.is_number() || !range.contains(*v)) return false;
          value = *v;
          return true;
        },
        [&value] { return real_text(value); });
  }

  /// Kept in seconds.
  void duration(char const* name, double& value, char const* help) {
    add(
        name, help, "seconds, or \"D-HH:MM:SS\", \"HH:MM:SS\", \"MM:SS\" or \"UNLIMITED\"",
        [&value](toml::node const& node) {
          auto const seconds = seconds_in(node);
          if (!seconds || !not_negative.contains(*seconds)) return false;
          value = *seconds;
          return true;
        },
        [&value] { return real_text(value); });
  }

  void flag(char const* name, bool& value, char const* help) {
    add(
        name, help, "true or false",
        [&value](toml::node const& node) {
          if (!node.is_boolean()) return false;
          value = *node.value<bool>();
          return true;
        },
        [&value] { return std::string(value ? "true" : "false"); });
  }

  void text(char const* name, std::string& value, char const* help) {
    add(
        name, help, "a string",
        [&value](toml::node const& node) {
          if (!node.is_string()) return false;
          value = *node.value<std::string>();
          return true;
        },
        [&value] { return quoted_toml(value); });
  }

  void list(char const* name, std::vector<std::string>& value, char const* help) {
    add(
        name, help, "a string or a list of strings",
        [&value](toml::node const& node) {
          std::vector<std::string> found;
          if (auto const one = node.value_exact<std::string>()) found = {*one};
          if (auto const* const array = node.as_array()) {
            for (auto const& element : *array) {
              if (!element.is_string()) return false;
              found.push_back(*element.value<std::string>());
            }
          } else if (found.empty()) {
            return false;
          }
          value = std::move(found);
          return true;
        },
        [&value] {
          std::string text = "[";
          for (auto const& entry : value)
            text += (text.size() > 1 ? ", " : "") + quoted_toml(entry);
          return text + "]";
        });
  }

  template <class Enum>
  void choice(char const* name, Enum& value, std::vector<std::pair<std::string, Enum>> options,
              char const* help) {
    std::string allowed;
    for (auto const& [word, option] : options)
      allowed += (allowed.empty() ? "\"" : ", \"") + word + '"';
    add(
        name, help, "one of " + allowed,
        [&value, options](toml::node const& node) {
          auto const word = node.value_exact<std::string>();
          for (auto const& [label, option] : options)
            if (word && *word == label) {
              value = option;
              return true;
            }
          return false;
        },
        [&value, options] {
          for (auto const& [label, option] : options)
            if (option == value) return '"' + label + '"';
          return std::string();
        });
  }
};

/// The keys of [model].
void declare_model(Declarations& d, model::TransformerConfig& config);

}  // namespace kyrtos::train::config
