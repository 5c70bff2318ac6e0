// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <fmt/format.h>
#include <string>
#include <utility>

/// \file
/// \brief Numbers for people.

namespace kyrtos::program {

/// 1234567 → `1.23M`
inline std::string scaled(double value) {
  for (auto const& [size, unit] : {std::pair(1e12, "T"), {1e9, "G"}, {1e6, "M"}, {1e3, "k"}})
    if (value >= size) return fmt::format("{:.3g}{}", value / size, unit);
  return fmt::format("{:.3g}", value);
}

/// 1234567 → `1.23 MB`
inline std::string bytes_text(double value) {
  auto const text = scaled(value);
  bool const has_unit = value >= 1e3;
  return has_unit ? text.substr(0, text.size() - 1) + " " + text.back() + "B" : text + " B";
}

/// 0.0123 → `12.3 ms`
inline std::string time_text(double seconds) {
  for (auto const& [size, unit] : {std::pair(1.0, "s"), {1e-3, "ms"}, {1e-6, "µs"}})
    if (seconds >= size) return fmt::format("{:.3g} {}", seconds / size, unit);
  return fmt::format("{:.3g} ns", seconds * 1e9);
}

/// 75 → `1:15`
inline std::string duration(double seconds) {
  auto const s = static_cast<long>(seconds + 0.5);
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

}  // namespace kyrtos::program
