// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/parameter_layout.hpp>

#include <concepts>

/// \file
/// \brief Vectors of the parameters' layout as a model uses them: part by part, so that they need
/// not be whole in memory (parallel/sharded_source.hpp, parallel/sharded_sum.hpp).

namespace kyrtos {

/// Gathers the parts of a vector that is split over ranks.
template <class Scalar, class Space>
class PartSource {
 public:
  virtual ~PartSource() = default;
  virtual Index size() const = 0;
  /// The elements of a range, valid until the next call. The kernels that read them run on the
  /// same instance. Collective.
  virtual VectorView<Scalar const, Space> gather(ParameterLayout::Range range) = 0;
};

/// Takes what is added to the parts of a vector, from its end to its beginning.
template <class Scalar, class Space>
class PartSink {
 public:
  virtual ~PartSink() = default;
  virtual Index size() const = 0;
  /// Where to add to a range, valid until final_from() of its offset.
  virtual VectorView<Scalar, Space> target(ParameterLayout::Range range) = 0;
  /// Nothing more will be added to the elements from `first` on.
  virtual void final_from(Index first) = 0;
};

/// What a model reads: θ, or a direction u. A view of all of it, or a PartSource. Converts from any
/// view.
template <class Scalar, class Space>
class VectorSource {
 public:
  using ConstVector = VectorView<Scalar const, Space>;
  using Range = ParameterLayout::Range;

  VectorSource() = default;
  template <class V>
  requires std::convertible_to<V const&, ConstVector> VectorSource(V const& all) : all_(all) {}
  VectorSource(PartSource<Scalar, Space>& parts) : parts_(&parts) {}

  Index size() const { return parts_ ? parts_->size() : static_cast<Index>(all_.size()); }
  bool empty() const { return size() == 0; }
  /// All of it, where it is a view; else nothing.
  ConstVector whole() const { return all_; }

  /// Of an empty source, nothing.
  ConstVector part(Range range) const {
    if (empty()) return {};
    return parts_ ? parts_->gather(range) : ConstVector(slice(all_, range.offset, range.size));
  }

 private:
  ConstVector all_;
  PartSource<Scalar, Space>* parts_ = nullptr;
};

/// What a model adds to, from its end to its beginning: a gradient, or the product Hu.
template <class Scalar, class Space>
class VectorSink {
 public:
  using MutableVector = VectorView<Scalar, Space>;
  using Range = ParameterLayout::Range;

  VectorSink() = default;
  template <class V>
  requires std::convertible_to<V const&, MutableVector> VectorSink(V const& all) : all_(all) {}
  VectorSink(PartSink<Scalar, Space>& parts) : parts_(&parts) {}

  Index size() const { return parts_ ? parts_->size() : static_cast<Index>(all_.size()); }
  bool empty() const { return size() == 0; }

  MutableVector part(Range range) const {
    if (empty()) return {};
    return parts_ ? parts_->target(range) : MutableVector(slice(all_, range.offset, range.size));
  }
  void final_from(Index first) const {
    if (parts_) parts_->final_from(first);
  }

 private:
  MutableVector all_;
  PartSink<Scalar, Space>* parts_ = nullptr;
};

}  // namespace kyrtos
