// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/parallel/bucketed_sum.hpp>
#include <kyrtos/parallel/sharded_sum.hpp>

namespace kyrtos::parallel {

template <class Scalar, class Space>
std::unique_ptr<RankSum<Scalar, Space>> make_rank_sum(Context<Space> const& context,
                                                      Partition const& partition,
                                                      ReductionOptions const& options) {
  if (partition.is_split())
    return std::make_unique<ShardedSum<Scalar, Space>>(context, partition, options);
  return std::make_unique<BucketedSum<Scalar, Space>>(context, partition.size(), options);
}

#define KYRTOS_RANK_SUM(SCALAR, SPACE)                            \
  template std::unique_ptr<RankSum<SCALAR, SPACE>> make_rank_sum( \
      Context<SPACE> const&, Partition const&, ReductionOptions const&);
KYRTOS_INSTANTIATE_FUNCTIONS(KYRTOS_RANK_SUM)

}  // namespace kyrtos::parallel
