// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/growth/new_block.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

#include <string>

namespace kyrtos::growth {

namespace {

std::string prefix_of(Index block) {
  return "blocks." + std::to_string(block) + ".";
}

bool is_output_projection(std::string const& name) {
  return name.find(".attention.output.") != std::string::npos ||
         name.find(".mlp.down.") != std::string::npos;
}

/// What this rank holds of a segment, and of the same segment of block `source`, which is cut
/// alike.
struct BlockSlice {
  Segment const& segment;
  Index first;         ///< Its first element within the segment.
  Index at, other_at;  ///< In this rank's local vector.
  Index size;
};

/// visit(slice) for all that this rank holds of a block of a vector.
template <class Scalar, class Space, class Visit>
void for_each_slice(DistributedView<Scalar, Space> const& vector,
                    model::Transformer<Scalar, Space> const& model, Index block, Index source,
                    Visit const& visit) {
  auto const prefix = prefix_of(block);
  for (auto const& segment : model.layout().match(prefix + "*")) {
    auto const& other = model.layout().find(prefix_of(source) + segment.name.substr(prefix.size()));
    auto const own = vector.slices({segment.offset, segment.size});
    auto const others = vector.slices({other.offset, other.size});
    for (std::size_t i = 0; i < own.size(); ++i)
      visit(BlockSlice{segment, own[i].offset - segment.offset, own[i].local, others[i].local,
                       own[i].size});
  }
}

}  // namespace

template <class Scalar, class Space>
void enter_block(Context<Space> const& context, model::Transformer<Scalar, Space> const& model,
                 GrowthConfig const& config, Index block, Index source, std::uint64_t seed,
                 DistributedView<Scalar, Space> theta) {
  using Entry = GrowthConfig::Entry;
  for_each_slice(theta, model, block, source, [&](BlockSlice const& s) {
    bool const is_matrix = s.segment.shape.size() > 1;
    bool const is_zero = config.entry == Entry::projections && is_output_projection(s.segment.name);
    auto const values = slice(theta.local(), s.at, s.size);
    if (is_zero)
      linalg::fill(context, values, 0);
    else if (config.where == GrowthConfig::Where::stack)
      linalg::copy(context, slice(theta.local(), s.other_at, s.size), values);
    else
      model.initialize(context, seed, s.segment, s.first, values,
                       config.entry == Entry::zeros && is_matrix ? config.seed_scale : 1);
  });
  if (config.entry == Entry::gate) set_gate(context, model, block, 0, theta);
}

template <class Scalar, class Space>
void enter_moments(Context<Space> const& context, model::Transformer<Scalar, Space> const& model,
                   GrowthConfig const& config, Index block, Index source,
                   DistributedView<Scalar, Space> theta,
                   optim::Optimizer<Scalar, Space> const& optimizer) {
  bool const inherits = config.second_moment == GrowthConfig::SecondMoment::neighbours;
  for (auto const& moment : optimizer.state())
    for_each_slice(theta, model, block, source, [&](BlockSlice const& s) {
      auto const& values = moment.values;
      if (inherits && moment.name == "v")
        linalg::copy(context, slice(values, s.other_at, s.size), slice(values, s.at, s.size));
      else
        linalg::fill(context, slice(values, s.at, s.size), 0);
    });
}

template <class Scalar, class Space>
void set_gate(Context<Space> const& context, model::Transformer<Scalar, Space> const& model,
              Index block, double opening, DistributedView<Scalar, Space> theta) {
  for_each_slice(theta, model, block, block, [&](BlockSlice const& s) {
    if (s.segment.name.ends_with(".gate"))
      linalg::fill(context, slice(theta.local(), s.at, s.size), opening);
  });
}

#define KYRTOS_NEW_BLOCK(SCALAR, SPACE)                                                          \
  template void enter_block(Context<SPACE> const&, model::Transformer<SCALAR, SPACE> const&,     \
                            GrowthConfig const&, Index, Index, std::uint64_t,                    \
                            DistributedView<SCALAR, SPACE>);                                     \
  template void enter_moments(Context<SPACE> const&, model::Transformer<SCALAR, SPACE> const&,   \
                              GrowthConfig const&, Index, Index, DistributedView<SCALAR, SPACE>, \
                              optim::Optimizer<SCALAR, SPACE> const&);                           \
  template void set_gate(Context<SPACE> const&, model::Transformer<SCALAR, SPACE> const&, Index, \
                         double, DistributedView<SCALAR, SPACE>);
KYRTOS_INSTANTIATE_FUNCTIONS(KYRTOS_NEW_BLOCK)

}  // namespace kyrtos::growth
