// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "layer_suites.hpp"

#include <kyrtos/layers/attention.hpp>
#include <kyrtos/layers/cross_entropy_head.hpp>
#include <kyrtos/layers/gelu.hpp>
#include <kyrtos/layers/layer_norm.hpp>
#include <kyrtos/layers/linear.hpp>
#include <kyrtos/layers/linear_embedding.hpp>
#include <kyrtos/layers/mean_squared_error_head.hpp>
#include <kyrtos/layers/qk_norm.hpp>
#include <kyrtos/layers/rms_norm.hpp>
#include <kyrtos/layers/rotary.hpp>
#include <kyrtos/layers/swiglu.hpp>
#include <kyrtos/layers/token_embedding.hpp>

#include "layer_case.hpp"

#include <algorithm>

namespace kyrtos::bench {

namespace {

using namespace layers;

/// layers/linear.hpp
constexpr PassCosts linear_costs{1, 2, 2, 4};
/// layers/attention.hpp: 2, 5, 5 and 12 products of tiles.
constexpr PassCosts attention_costs{1, 2.5, 2.5, 6};

template <template <class, class> class L, class... Arguments>
auto make(Arguments const&... arguments) {
  return std::make_shared<L<float, Space> const>(arguments...);
}

}  // namespace

std::vector<CaseMaker> layer_suite(SequenceShape shape, Index width, Index vocabulary,
                                   Index heads) {
  Index const size = width / heads, length = shape.length, mlp = 4 * width;
  constexpr double epsilon = 1e-5, scale = 0.02;
  return {
      input_case("token_embedding", make<TokenEmbedding>(vocabulary, width, length), shape,
                 DataKind::tokens, vocabulary),
      input_case("linear_embedding", make<LinearEmbedding>(width, width, length), shape,
                 DataKind::fields, width),
      layer_case("layer_norm", make<LayerNorm>(width, epsilon, true), shape),
      layer_case("rms_norm", make<RmsNorm>(width, epsilon), shape),
      layer_case("linear_qkv", make<Linear>(width, 3 * width, true, scale), shape, linear_costs),
      layer_case("linear_up", make<Linear>(width, mlp, true, scale), shape, linear_costs),
      layer_case("linear_down", make<Linear>(mlp, width, true, scale), shape, linear_costs),
      layer_case("qk_norm", make<QkNorm>(QkNormOptions{heads, heads, size, epsilon}), shape),
      layer_case("rotary", make<Rotary>(RotaryOptions{heads, heads, size, 10000}), shape),
      layer_case("attention", make<Attention>(AttentionOptions{.heads = heads, .head_size = size}),
                 shape, attention_costs),
      layer_case("gelu_tanh", make<Gelu>(mlp, GeluKind::tanh), shape),
      layer_case("gelu_exact", make<Gelu>(mlp, GeluKind::exact), shape),
      layer_case("swiglu", make<SwiGlu>(mlp), shape),
      head_case("cross_entropy_head", make<CrossEntropyHead>(Index{256}, width, true), shape,
                DataKind::tokens),
      head_case("cross_entropy_head_large", make<CrossEntropyHead>(vocabulary, width, true),
                {1, length}, DataKind::tokens),
      head_case("mean_squared_error_head", make<MeanSquaredErrorHead>(width, width), shape,
                DataKind::fields)};
}

std::vector<CaseMaker> attention_suite(Index heads, std::vector<Index> const& lengths) {
  std::vector<CaseMaker> cases;
  Index const tokens = *std::max_element(lengths.begin(), lengths.end());
  auto const add = [&](std::string const& name, AttentionMethod method, Index length) {
    AttentionOptions const options{.heads = heads, .head_size = 64, .method = method};
    cases.push_back(layer_case(name + "-" + std::to_string(length), make<Attention>(options),
                               {tokens / length, length}, attention_costs));
    cases.back().has_products = method == AttentionMethod::blocked;
  };
  for (Index const length : lengths) {
    add("attention", AttentionMethod::streamed, length);
    add("attention-blocked", AttentionMethod::blocked, length);
  }
  return cases;
}

}  // namespace kyrtos::bench
