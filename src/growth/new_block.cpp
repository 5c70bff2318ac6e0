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

/// visit(segment, the same segment of block `source`) for all of a block.
template <class Scalar, class Space, class Visit>
void for_each_segment(Transformer<Scalar, Space> const& model, Index block, Index source,
                      Visit const& visit) {
  auto const prefix = prefix_of(block);
  for (auto const& segment : model.layout().match(prefix + "*"))
    visit(segment, model.layout().find(prefix_of(source) + segment.name.substr(prefix.size())));
}

template <class View>
auto part(View const& v, Segment const& segment) {
  return slice(v, segment.offset, segment.size);
}

}  // namespace

template <class Scalar, class Space>
void enter_block(Context<Space> const& context, Transformer<Scalar, Space> const& model,
                 GrowthConfig const& config, Index block, Index source, std::uint64_t seed,
                 VectorView<Scalar, Space> theta) {
  using Entry = GrowthConfig::Entry;
  for_each_segment(model, block, source, [&](Segment const& segment, Segment const& copied) {
    bool const is_matrix = segment.shape.size() > 1;
    bool const is_zero = config.entry == Entry::projections && is_output_projection(segment.name);
    if (is_zero)
      linalg::fill(context, part(theta, segment), 0);
    else if (config.where == GrowthConfig::Where::stack)
      linalg::copy(context, part(theta, copied), part(theta, segment));
    else
      model.initialize(context, seed, theta, segment,
                       config.entry == Entry::zeros && is_matrix ? config.seed_scale : 1);
  });
  if (config.entry == Entry::gate) set_gate(context, model, block, 0, theta);
}

template <class Scalar, class Space>
void enter_moments(Context<Space> const& context, Transformer<Scalar, Space> const& model,
                   GrowthConfig const& config, Index block, Index source,
                   optim::Optimizer<Scalar, Space> const& optimizer) {
  bool const inherits = config.second_moment == GrowthConfig::SecondMoment::neighbours;
  for (auto const& [name, values] : optimizer.state())
    for_each_segment(model, block, source, [&](Segment const& segment, Segment const& neighbour) {
      if (inherits && name == "v")
        linalg::copy(context, part(values, neighbour), part(values, segment));
      else
        linalg::fill(context, part(values, segment), 0);
    });
}

template <class Scalar, class Space>
void set_gate(Context<Space> const& context, Transformer<Scalar, Space> const& model, Index block,
              double opening, VectorView<Scalar, Space> theta) {
  for (auto const& segment : model.layout().match(prefix_of(block) + "*.gate"))
    linalg::fill(context, part(theta, segment), opening);
}

#define KYRTOS_NEW_BLOCK_FOR(SCALAR, SPACE)                                                       \
  template void enter_block(Context<SPACE> const&, Transformer<SCALAR, SPACE> const&,             \
                            GrowthConfig const&, Index, Index, std::uint64_t,                     \
                            VectorView<SCALAR, SPACE>);                                           \
  template void enter_moments(Context<SPACE> const&, Transformer<SCALAR, SPACE> const&,           \
                              GrowthConfig const&, Index, Index,                                  \
                              optim::Optimizer<SCALAR, SPACE> const&);                            \
  template void set_gate(Context<SPACE> const&, Transformer<SCALAR, SPACE> const&, Index, double, \
                         VectorView<SCALAR, SPACE>);
#define KYRTOS_NEW_BLOCK(SPACE)      \
  KYRTOS_NEW_BLOCK_FOR(float, SPACE) \
  KYRTOS_NEW_BLOCK_FOR(double, SPACE)
KYRTOS_FOR_EACH_SPACE(KYRTOS_NEW_BLOCK)

}  // namespace kyrtos::growth
