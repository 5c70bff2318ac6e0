// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/parameter_layout.hpp>

#include <concepts>

/// \file
/// \brief Vectors of the parameters' layout as a model uses them: part by part, so that they need
/// not be in one piece of memory (parallel/sharded_vector.hpp).

namespace kyrtos {

/// What a model reads: θ, or a direction u. A view of all of it, or something that brings a part
/// when it is asked for. Converts from any view.
template <class Scalar, class Space>
class VectorSource {
 public:
  using ConstVector = VectorView<Scalar const, Space>;
  using Range = ParameterLayout::Range;

  class Bringer {
   public:
    virtual ~Bringer() = default;
    virtual Index size() const = 0;
    /// The elements of a range, valid until the next call. The kernels that read them run on the
    /// same instance.
    virtual ConstVector bring(Range range) = 0;
  };

  VectorSource() = default;
  template <class V>
  requires std::convertible_to<V const&, ConstVector> VectorSource(V const& all) : all_(all) {}
  VectorSource(Bringer& bringer) : bringer_(&bringer) {}

  Index size() const { return bringer_ ? bringer_->size() : static_cast<Index>(all_.size()); }
  bool empty() const { return size() == 0; }

  /// Of an empty source, nothing.
  ConstVector part(Range range) const {
    if (empty()) return {};
    return bringer_ ? bringer_->bring(range) : ConstVector(slice(all_, range.offset, range.size));
  }

 private:
  ConstVector all_;
  Bringer* bringer_ = nullptr;
};

/// What a model adds to, from its end to its beginning: a gradient, or the product Hu.
template <class Scalar, class Space>
class VectorSink {
 public:
  using MutableVector = VectorView<Scalar, Space>;
  using Range = ParameterLayout::Range;

  class Receiver {
   public:
    virtual ~Receiver() = default;
    virtual Index size() const = 0;
    /// Where to add to a range, valid until final_from() of its offset.
    virtual MutableVector receive(Range range) = 0;
    /// Nothing more will be added to the elements from `first` on.
    virtual void final_from(Index first) = 0;
  };

  VectorSink() = default;
  template <class V>
  requires std::convertible_to<V const&, MutableVector> VectorSink(V const& all) : all_(all) {}
  VectorSink(Receiver& receiver) : receiver_(&receiver) {}

  Index size() const { return receiver_ ? receiver_->size() : static_cast<Index>(all_.size()); }
  bool empty() const { return size() == 0; }

  MutableVector part(Range range) const {
    if (empty()) return {};
    return receiver_ ? receiver_->receive(range)
                     : MutableVector(slice(all_, range.offset, range.size));
  }
  void final_from(Index first) const {
    if (receiver_) receiver_->final_from(first);
  }

 private:
  MutableVector all_;
  Receiver* receiver_ = nullptr;
};

}  // namespace kyrtos
