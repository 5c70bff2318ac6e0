// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/model/parameters.hpp>

namespace kyrtos::model {

using parallel::Sharding;

template <class Scalar, class Space>
Partition Parameters<Scalar, Space>::partition_for(Context<Space> const& context,
                                                   Transformer<Scalar, Space> const& model,
                                                   Sharding sharding) {
  if (sharding == Sharding::none) return model.layout().size();
  auto const& ranks = context.communicator();
  return {model.parts(), ranks.rank(), ranks.size()};
}

template <class Scalar, class Space>
Parameters<Scalar, Space>::Parameters(Context<Space> const& context, Partition partition,
                                      Sharding sharding)
    : context_(context),
      partition_(std::move(partition)),
      sharding_(sharding),
      own_(allocate<Scalar>(context, "parameters::theta", partition_.local_size())),
      local_(own_) {
  if (!partition_.is_split()) return;
  source_ = std::make_unique<parallel::ShardedSource<Scalar, Space>>(context, partition_);
  if (sharding == Sharding::optimizer)
    whole_ = allocate<Scalar>(context, "parameters::whole_theta", partition_.size());
}

template <class Scalar, class Space>
VectorSource<Scalar, Space> Parameters<Scalar, Space>::source() const {
  if (whole_.size() > 0) return whole_;
  return source_ ? VectorSource<Scalar, Space>(*source_) : local_;
}

template <class Scalar, class Space>
void Parameters<Scalar, Space>::changed() {
  if (source_) source_->begin(local_);
  if (whole_.size() == 0) return;
  for (auto const& part : partition_.parts())
    linalg::copy(context_, source_->gather(part.range),
                 slice(whole_, part.range.offset, part.range.size));
}

template <class Scalar, class Space>
void Parameters<Scalar, Space>::initialize(Transformer<Scalar, Space> const& model,
                                           std::uint64_t seed) {
  for (auto const& segment : model.layout().segments()) {
    ParameterLayout::Range const range{segment.offset, segment.size};
    for (auto const& s : partition_.slices(range))
      model.initialize(context_, seed, segment, s.offset - segment.offset,
                       slice(local_, s.local, s.size));
  }
  changed();
}

KYRTOS_INSTANTIATE(kyrtos::model::Parameters)

}  // namespace kyrtos::model
