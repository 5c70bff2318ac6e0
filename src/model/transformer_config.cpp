// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/model/transformer_config.hpp>

#include <utility>

namespace kyrtos::model {

namespace {

void require_positive(char const* key, Index value) {
  if (value <= 0)
    throw ConfigError(std::string("model.") + key + " must be positive, not " +
                      std::to_string(value));
}

/// Sizes that are beyond any machine are mistakes, and would overflow what is computed of them.
void require_possible(TransformerConfig const& c) {
  constexpr Index most = Index{1} << 40, most_blocks = Index{1} << 16;
  std::pair<char const*, Index> const sizes[] = {
      {"vocabulary", c.vocabulary}, {"context", c.context},
      {"width", c.width},           {"input_features", c.input_features},
      {"heads", c.heads},           {"output_features", c.output_features},
      {"kv_heads", c.kv_heads},     {"head_size", c.head_size},
      {"mlp_width", c.mlp_width}};
  for (auto const& [key, value] : sizes)
    if (value > most)
      throw ConfigError(std::string("model.") + key + " = " + std::to_string(value) +
                        " is more than any machine can hold");
  if (c.depth > most_blocks)
    throw ConfigError("model.depth = " + std::to_string(c.depth) + " is more than " +
                      std::to_string(most_blocks));
}

/// About how many parameters there are, whatever the sizes.
double approximate_parameters(TransformerConfig const& c) {
  auto const number = [](Index value) { return static_cast<double>(value); };
  double const attention = (2 * number(c.heads) + 2 * number(c.kv_heads)) * number(c.head_size);
  double const block = (attention + 3 * number(c.mlp_width) + 8) * number(c.width);
  double const ends = number(c.vocabulary) * 2 + number(c.context) + number(c.input_features) +
                      number(c.output_features);
  return number(c.depth) * block + ends * number(c.width);
}

Index round_up(Index value, Index multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

void check_rotary(TransformerConfig const& c) {
  if (c.positions != Positions::rotary) return;
  if (c.rotary_features == c.head_size && c.head_size % 2 != 0)
    throw ConfigError("model.positions = \"rotary\" turns pairs of features: model.head_size = " +
                      std::to_string(c.head_size) + " must be even");
  if (c.rotary_features > c.head_size || c.rotary_features % 2 != 0)
    throw ConfigError("model.rotary_features = " + std::to_string(c.rotary_features) +
                      " must be even and at most model.head_size = " + std::to_string(c.head_size));
  using Kind = layers::RotaryScaling::Kind;
  auto const& s = c.rotary_scaling;
  if (s.kind == Kind::none) return;
  if (s.factor < 1) throw ConfigError("model.rotary_factor must be at least 1");
  if (s.kind != Kind::linear && s.slow >= s.fast)
    throw ConfigError("model.rotary_slow must be less than model.rotary_fast");
}

void check(TransformerConfig const& c) {
  require_positive("context", c.context);
  require_positive("width", c.width);
  require_positive("heads", c.heads);
  require_positive("kv_heads", c.kv_heads);
  require_positive("head_size", c.head_size);
  require_positive("mlp_width", c.mlp_width);
  if (c.depth < 0) throw ConfigError("model.depth must not be negative");
  if (c.continuous())
    require_positive("output_features", c.output_features);
  else
    require_positive("vocabulary", c.vocabulary);
  if (c.heads % c.kv_heads != 0)
    throw ConfigError("model.kv_heads = " + std::to_string(c.kv_heads) +
                      " must divide model.heads = " + std::to_string(c.heads));
  check_rotary(c);
  if (c.parallel_residual && c.norm_position == NormPosition::post)
    throw ConfigError(
        "model.parallel_residual has two branches and one sum, so that there is no place for "
        "model.norm_position = \"post\"; take \"pre\" or \"reordered\"");
  if (approximate_parameters(c) > 0x1p60)
    throw ConfigError("model: its sizes make more parameters than any machine can hold");
  if (c.norm_epsilon <= 0) throw ConfigError("model.norm_epsilon must be positive");
  if (c.soft_cap < 0) throw ConfigError("model.soft_cap must be positive, or 0 for none");
  if (c.attention_window < 0)
    throw ConfigError("model.attention_window must be positive, or 0 for none");
  if (c.attention_window > 0 && !c.causal)
    throw ConfigError(
        "model.attention_window = " + std::to_string(c.attention_window) +
        " counts tokens before each other: it needs model.causal = true, or must be 0");
  if (c.z_loss < 0) throw ConfigError("model.z_loss must be positive, or 0 for none");
}

}  // namespace

TransformerConfig TransformerConfig::resolved() const {
  TransformerConfig c = *this;
  require_possible(c);
  if (c.kv_heads == 0) c.kv_heads = c.heads;
  if (c.head_size == 0) {
    if (c.heads <= 0 || c.width % c.heads != 0)
      throw ConfigError("model.heads = " + std::to_string(c.heads) + " must divide model.width = " +
                        std::to_string(c.width) + " (or set model.head_size)");
    c.head_size = c.width / c.heads;
  }
  if (c.mlp_width == 0)
    c.mlp_width =
        c.activation == MlpActivation::swiglu ? round_up(8 * c.width / 3, 64) : 4 * c.width;
  if (c.continuous()) c.tied = false;
  if (c.attention_bias == (c.bias ? AttentionBias::all : AttentionBias::none))
    c.attention_bias = AttentionBias::as_others;
  if (c.positions == Positions::rotary) {
    if (c.rotary_features == 0) c.rotary_features = c.head_size;
    if (c.rotary_scaling.kind != layers::RotaryScaling::Kind::none) {
      c.rotary_scaling = c.rotary_scaling.resolved();
      if (c.rotary_scaling.context == 0)
        c.rotary_scaling.context = static_cast<double>(c.context) / c.rotary_scaling.factor;
    }
  }
  check(c);
  return c;
}

TransformerConfig gpt2_config() {
  return {};
}

TransformerConfig llama_config() {
  TransformerConfig c;
  c.norm = Norm::rms_norm;
  c.activation = MlpActivation::swiglu;
  c.positions = Positions::rotary;
  c.bias = false;
  c.tied = false;
  return c;
}

}  // namespace kyrtos::model
