// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/train/config.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <vector>

namespace kyrtos::train {

namespace {

std::optional<double> number_in(std::string_view text) {
  double value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool const is_whole = error == std::errc() && end == text.data() + text.size();
  return is_whole && value >= 0 ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<double> parse_duration(std::string const& text) {
  std::string upper = text;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (upper == "UNLIMITED" || upper == "INFINITE") return 0;
  std::string_view rest = text;
  double seconds = 0;
  auto const dash = rest.find('-');
  bool const has_days = dash != std::string_view::npos;
  if (has_days) {
    auto const days = number_in(rest.substr(0, dash));
    if (!days) return std::nullopt;
    seconds = 86400 * *days;
    rest = rest.substr(dash + 1);
  }
  std::vector<double> fields;
  for (std::size_t begin = 0; begin <= rest.size();) {
    auto const end = std::min(rest.find(':', begin), rest.size());
    auto const field = number_in(rest.substr(begin, end - begin));
    if (!field) return std::nullopt;
    fields.push_back(*field);
    begin = end + 1;
  }
  // With days the first is hours, without them the last is seconds.
  if (has_days) fields.resize(std::max<std::size_t>(fields.size(), 3));
  if (fields.size() > 3) return std::nullopt;
  double time = 0;
  for (double const field : fields) time = 60 * time + field;
  return seconds + time;
}

}  // namespace kyrtos::train
