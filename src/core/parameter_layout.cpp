// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/parameter_layout.hpp>
#include <kyrtos/core/text.hpp>

#include <algorithm>
#include <fnmatch.h>
#include <numeric>

namespace kyrtos {

Index count_elements(std::vector<Index> const& shape) {
  return std::accumulate(shape.begin(), shape.end(), Index{1}, std::multiplies<>());
}

ParameterLayout::Range ParameterLayout::append(std::string const& prefix,
                                               std::vector<SegmentSpec> const& specs) {
  Index const begin = size_;
  for (auto const& spec : specs) {
    Index const size = count_elements(spec.shape);
    segments_.push_back({prefix + "." + spec.name, spec.shape, spec.initial, spec.decay,
                         spec.trained, size_, size});
    size_ += size;
  }
  return {begin, size_ - begin};
}

Segment const& ParameterLayout::find(std::string_view name) const {
  auto const found = std::find_if(segments_.begin(), segments_.end(),
                                  [&](Segment const& s) { return s.name == name; });
  if (found != segments_.end()) return *found;
  std::vector<std::string> names;
  for (auto const& segment : segments_) names.push_back(segment.name);
  throw ConfigError("no parameter segment is called '" + std::string(name) + "'" +
                    did_you_mean(name, names));
}

std::vector<Segment> ParameterLayout::match(std::string const& pattern) const {
  std::vector<Segment> found;
  for (auto const& segment : segments_)
    if (fnmatch(pattern.c_str(), segment.name.c_str(), 0) == 0) found.push_back(segment);
  return found;
}

}  // namespace kyrtos
