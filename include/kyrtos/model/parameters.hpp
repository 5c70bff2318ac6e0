// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/distributed_view.hpp>
#include <kyrtos/model/transformer.hpp>
#include <kyrtos/parallel/sharded_source.hpp>
#include <kyrtos/parallel/sharding.hpp>

#include <memory>

namespace kyrtos::model {

/// θ on the ranks of a communicator: what this rank moves, and what its model reads.
///
/// Without sharding both are the whole vector. With `Sharding::optimizer` a rank moves its slices
/// and has a whole copy to read; with `full` what it reads is gathered part by part.
template <class Scalar, class Space = Kokkos::DefaultExecutionSpace>
class Parameters {
 public:
  /// Zeros, in memory of its own.
  Parameters(Context<Space> const& context, Transformer<Scalar, Space> const& model,
             parallel::Sharding sharding = parallel::Sharding::none)
      : Parameters(context, partition_for(context, model, sharding), sharding) {}

  /// On ranks that need not be there: for plans.
  Parameters(Context<Space> const& context, Partition partition, parallel::Sharding sharding);

  /// The caller's vector, which must outlive this object; whole on every rank.
  Parameters(Context<Space> const& context, VectorView<Scalar, Space> theta)
      : context_(context), partition_(static_cast<Index>(theta.size())), local_(theta) {}

  Parameters(Parameters const&) = delete;

  /// How vectors that belong to these parameters (gradient, moments, directions) lie on the ranks.
  Partition const& partition() const { return partition_; }
  parallel::Sharding sharding() const { return sharding_; }

  /// What this rank moves. Call changed() afterwards.
  DistributedView<Scalar, Space> own() const { return {local_, partition_}; }

  /// What a model reads.
  VectorSource<Scalar, Space> source() const;

  /// To be called after own() was written and before source() is read. Collective.
  void changed();

  /// Draws θ as Transformer::initialize() does. Collective.
  void initialize(Transformer<Scalar, Space> const& model, std::uint64_t seed);

 private:
  static Partition partition_for(Context<Space> const& context,
                                 Transformer<Scalar, Space> const& model,
                                 parallel::Sharding sharding);

  Context<Space> context_;
  Partition partition_;
  parallel::Sharding sharding_ = parallel::Sharding::none;
  Vector<Scalar, Space> own_, whole_;
  VectorView<Scalar, Space> local_;
  std::unique_ptr<parallel::ShardedSource<Scalar, Space>> source_;
};

}  // namespace kyrtos::model
