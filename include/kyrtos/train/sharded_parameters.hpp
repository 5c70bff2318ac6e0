// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/allocate.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/parallel/sharded_source.hpp>
#include <kyrtos/train/config.hpp>

#include <memory>

namespace kyrtos {

/// θ for those who read it: this rank's own, and as a model reads it. A view of all of it is both.
template <class Scalar, class Space>
struct ParameterAccess {
  VectorView<Scalar const, Space> own;
  VectorSource<Scalar, Space> source;

  ParameterAccess(VectorView<Scalar const, Space> o, VectorSource<Scalar, Space> s)
      : own(o), source(s) {}
  template <class V>
  requires std::convertible_to<V const&, VectorView<Scalar const, Space>> ParameterAccess(
      V const& all)
      : own(all), source(all) {}
};

/// θ of a run: what this rank moves, and what its model reads.
///
/// Without shards both are the whole vector. With `optimizer` a rank moves its pieces, and has a
/// whole copy to read; with `full` what it reads is gathered part by part.
template <class Scalar, class Space>
class ShardedParameters {
 public:
  using MutableVector = VectorView<Scalar, Space>;

  /// \param context with shards, unless `shard` is none.
  ShardedParameters(Context<Space> const& context, Index size, ParallelConfig::Shard shard)
      : context_(context) {
    auto const* shards = context.shards();
    own_ = allocate<Scalar>(context, "theta", shards ? shards->local_size() : size);
    if (shards) source_ = std::make_unique<ShardedSource<Scalar, Space>>(context);
    if (shard == ParallelConfig::Shard::optimizer)
      whole_ = allocate<Scalar>(context, "whole_theta", size);
  }

  /// What this rank moves. Tell changed() afterwards.
  MutableVector own() const { return own_; }

  VectorSource<Scalar, Space> source() const {
    if (whole_.size() > 0) return whole_;
    return source_ ? VectorSource<Scalar, Space>(*source_) : own_;
  }

  ParameterAccess<Scalar, Space> access() const { return {own_, source()}; }

  /// To be called after own() was written, before source() is read. Collective.
  void changed() {
    if (source_) source_->begin(own_);
    if (whole_.size() == 0) return;
    for (auto const& part : context_.shards()->parts())
      linalg::copy(context_, source_->bring(part.range),
                   slice(whole_, part.range.offset, part.range.size));
  }

 private:
  Context<Space> context_;
  Vector<Scalar, Space> own_, whole_;
  std::unique_ptr<ShardedSource<Scalar, Space>> source_;
};

}  // namespace kyrtos
