// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Attention's kernels with other tiles and register blocks: laboratory_attention [LENGTH [BATCH
// [HEADS]]], causal, heads of 64 features. The winner belongs in src/layers/attention/traits.hpp.

#include "reference/attention.hpp"

#include <kyrtos/layers/attention.hpp>

#include "bench/layer_case.hpp"
#include "check_layer.hpp"
#include "laboratory.hpp"
#include "layers/attention/backward_kernels.hpp"
#include "layers/attention/forward.hpp"
#include "layers/attention/passes.hpp"
#include "layers/attention/tangent_forward.hpp"

#include <fmt/format.h>

namespace {

using namespace kyrtos;
using namespace kyrtos::layers;
using bench::Space;

constexpr int head_size = 64;
using Attention = layers::Attention<float, Space>;

template <int rows, int lanes, int rows_a_block, int lanes_a_block>
struct Tiles : attention::AttentionTraits<float, Space> {
  static constexpr int tile_rows = rows, tile_lanes = lanes;
  static constexpr int block_rows = rows_a_block, block_lanes = lanes_a_block;
};

/// Attention with kernels of these tiles.
template <class Choice>
class Tuned final : public Attention {
 public:
  using Attention::Attention;

  void forward(Context<Space> const& context, ConstVector, Pass const& p) const override {
    attention::ForwardKernel<float, Space, head_size, Choice> const kernel{
        {geometry(p), p.x.data(), p.y.data(), p.saved.data(),
         p.saved.data() + tangent_saved_size(p.shape)}};
    launch(context.space(), "forward", kernel, kernel.teams());
  }

  void tangent_forward(Context<Space> const& context, ConstVector, ConstVector, Pass const& p,
                       Pass const& t) const override {
    attention::TangentForwardKernel<float, Space, head_size, Choice> const kernel{
        {geometry(p), p.x.data(), t.x.data(), p.y.data(), p.saved.data(), t.y.data(),
         t.saved.data()}};
    launch(context.space(), "tangent_forward", kernel, kernel.teams());
  }

  void backward(Context<Space> const& context, ConstVector, Pass const& p, Back const& a,
                MutableVector) const override {
    auto const g = geometry(p);
    auto const sums = context.template scratch<float>(p.shape.tokens() * options().heads);
    attention::output_row_sums<float>(context.space(), {g, p.y.data(), a.y.data(), sums.data()});
    launch_backward<attention::BackwardTile>(
        context, attention::BackwardArguments<float>{g, p.x.data(), a.y.data(), p.saved.data(),
                                                     sums.data(), a.x.data()});
  }

  void tangent_backward(Context<Space> const& context, ConstVector, ConstVector, Pass const& p,
                        Pass const& t, Back const& a, Back const& ta,
                        MutableVector) const override {
    auto const g = geometry(p);
    Index const rows = p.shape.tokens() * options().heads;
    auto const sums = context.template scratch<float>(2 * rows);
    attention::output_row_sums<float>(
        context.space(),
        {g, p.y.data(), a.y.data(), sums.data(), t.y.data(), ta.y.data(), sums.data() + rows});
    launch_backward<attention::TangentBackwardTile>(
        context, attention::TangentBackwardArguments<float>{
                     g, p.x.data(), t.x.data(), a.y.data(), ta.y.data(), p.saved.data(),
                     t.saved.data(), sums.data(), sums.data() + rows, ta.x.data()});
  }

 private:
  attention::Geometry<float> geometry(Pass const& p) const {
    auto const heads = static_cast<int>(options().heads);
    return {static_cast<int>(p.shape.batch),
            static_cast<int>(p.shape.length),
            heads,
            heads,
            head_size,
            options().causal,
            attention::Visibility::everything,
            1 / std::sqrt(static_cast<float>(head_size)),
            0};
  }

  /// Fused where a team is a thread, else split, as the layer does where it is large.
  template <template <class, attention::Along, class> class PairTile, class Arguments>
  static void launch_backward(Context<Space> const& context, Arguments const& in) {
    constexpr bool fused = Choice::fused_backward;
    attention::KeyGradientKernel<float, Space, head_size, PairTile, fused, Choice> const keys{in};
    launch(context.space(), "keys", keys, keys.teams());
    if constexpr (!fused) {
      attention::QueryGradientKernel<float, Space, head_size, PairTile, Choice> const queries{in};
      launch(context.space(), "queries", queries, queries.teams());
    }
  }
};

template <class Choice>
bench::Candidate candidate(Index heads, SequenceShape shape, std::string const& name) {
  AttentionOptions const options{.heads = heads, .head_size = head_size};
  auto const layer = std::make_shared<Tuned<Choice> const>(options);
  auto const error = [](Context<Space> const& context) {
    Tuned<Choice> const small(AttentionOptions{.heads = 2, .head_size = head_size});
    reference::Attention const plain{2, 2, head_size, true, 0, 0};
    return bench::largest_error(context, small, {1, 150}, plain);
  };
  return {bench::layer_case(name, layer, shape, {1, 2.5, 2.5, 6}), error};
}

template <int rows, int lanes, int rows_a_block, int lanes_a_block>
bench::Candidate tiles(Index heads, SequenceShape shape) {
  return candidate<Tiles<rows, lanes, rows_a_block, lanes_a_block>>(
      heads, shape, fmt::format("{}x{}/{}x{}", rows, lanes, rows_a_block, lanes_a_block));
}

std::vector<bench::Candidate> candidates(Index heads, SequenceShape shape) {
  std::vector<bench::Candidate> all{
      candidate<attention::AttentionTraits<float, Space>>(heads, shape, "in use")};
  constexpr int width = simd::native_width<float>;
  if constexpr (compat::runs_on_host<Space> && simd::registers >= 32) {
    all.push_back(tiles<32, 64, 8, 2 * width>(heads, shape));
    all.push_back(tiles<64, 128, 8, 2 * width>(heads, shape));
    all.push_back(tiles<128, 64, 8, 2 * width>(heads, shape));
    all.push_back(tiles<56, 64, 14, 2 * width>(heads, shape));
    all.push_back(tiles<64, 12 * width, 8, 3 * width>(heads, shape));
  } else if constexpr (compat::runs_on_host<Space>) {
    all.push_back(tiles<48, 64, 6, 2 * width>(heads, shape));
    all.push_back(tiles<96, 64, 6, 2 * width>(heads, shape));
    all.push_back(tiles<66, 128, 6, 2 * width>(heads, shape));
    all.push_back(tiles<64, 64, 4, 2 * width>(heads, shape));
    all.push_back(tiles<64, 12 * width, 4, 3 * width>(heads, shape));
  } else {
    all.push_back(tiles<32, 64, 4, 4>(heads, shape));
    all.push_back(tiles<64, 32, 4, 4>(heads, shape));
    all.push_back(tiles<64, 64, 4, 4>(heads, shape));
    all.push_back(tiles<32, 32, 4, 2>(heads, shape));
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  return bench::in_laboratory(argc, argv, {1024, 2, 4},
                              [](Context<Space> const& context, std::vector<Index> const& n) {
                                bench::compare(context, candidates(n[2], {n[1], n[0]}), 1e-4);
                              });
}
