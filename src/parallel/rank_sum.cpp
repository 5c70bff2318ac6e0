// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/parallel/bucketed_sum.hpp>
#include <kyrtos/parallel/sharded_sum.hpp>

namespace kyrtos {

template <class Scalar, class Space>
std::unique_ptr<RankSum<Scalar, Space>> make_rank_sum(Context<Space> const& context, Index size,
                                                      ReductionOptions const& options) {
  if (context.shards() != nullptr)
    return std::make_unique<ShardedSum<Scalar, Space>>(context, options);
  return std::make_unique<BucketedSum<Scalar, Space>>(context, size, options);
}

#define KYRTOS_RANK_SUM_FOR(SCALAR, SPACE)                                                     \
  template std::unique_ptr<RankSum<SCALAR, SPACE>> make_rank_sum(Context<SPACE> const&, Index, \
                                                                 ReductionOptions const&);
#define KYRTOS_RANK_SUM(SPACE)      \
  KYRTOS_RANK_SUM_FOR(float, SPACE) \
  KYRTOS_RANK_SUM_FOR(double, SPACE)
KYRTOS_FOR_EACH_SPACE(KYRTOS_RANK_SUM)

}  // namespace kyrtos
