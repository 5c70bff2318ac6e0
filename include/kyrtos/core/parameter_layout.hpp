// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace kyrtos {

/// How a segment starts: every value `scale` (constant) or drawn from N(0, scale²) (normal).
struct Initialization {
  enum class Kind { constant, normal };
  Kind kind = Kind::constant;
  double scale = 0;
};

/// A named tensor that a layer asks for.
struct SegmentSpec {
  std::string name;  ///< Within the layer, such as `weight`.
  std::vector<Index> shape;
  Initialization initial = {};
  bool decay = false;   ///< Whether weight decay applies: matrices yes, biases and norms no.
  bool trained = true;  ///< Whether optimisers move it and curvature has directions along it.
};

/// The same tensor at its place in the flat vector.
struct Segment {
  std::string name;  ///< Full name, such as `blocks.3.attention.qkv.weight`.
  std::vector<Index> shape;
  Initialization initial;
  bool decay = false;
  bool trained = true;
  Index offset = 0;
  Index size = 0;
};

/// The table of named segments of a flat vector: parameters, gradient, the optimiser's moments,
/// u and Hu all have the same layout. Segments follow each other without gaps.
class ParameterLayout {
 public:
  /// Appends `prefix.name` for each spec. \return the range all of them occupy together.
  struct Range {
    Index offset = 0;
    Index size = 0;
  };
  Range append(std::string const& prefix, std::vector<SegmentSpec> const& specs);

  Index size() const { return size_; }
  std::vector<Segment> const& segments() const { return segments_; }

  /// \throws ConfigError, naming the nearest known segment, when there is none of that name.
  Segment const& find(std::string_view name) const;

  /// The segments whose name matches a shell pattern, such as `blocks.*.attention.*`.
  std::vector<Segment> match(std::string const& pattern) const;

 private:
  std::vector<Segment> segments_;
  Index size_ = 0;
};

/// The number of elements of a tensor.
Index count_elements(std::vector<Index> const& shape);

}  // namespace kyrtos
