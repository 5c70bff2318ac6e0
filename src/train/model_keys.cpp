// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "key_declarations.hpp"

namespace kyrtos::train::config {

namespace {

void declare_rotary_scaling(Declarations& d, layers::RotaryScaling& s) {
  using Kind = layers::RotaryScaling::Kind;
  d.choice(
      "rotary_scaling", s.kind,
      {{"none", Kind::none},
       {"linear", Kind::linear},
       {"llama3", Kind::llama3},
       {"yarn", Kind::yarn}},
      "lowers frequencies of rotary positions for contexts longer than that of a first training");
  d.real("rotary_factor", s.factor, Interval{.least = 1}, "by which low frequencies are divided");
  d.real("rotary_context", s.context, not_negative,
         "context of the first training; 0: model.context over the factor");
  d.real("rotary_slow", s.slow, positive,
         "turns over that context below which frequencies are divided by the factor");
  d.real("rotary_fast", s.fast, not_negative,
         "turns above which they stay; 0: 4 for llama3, 32 for yarn");
  d.real("rotary_amplitude", s.amplitude, not_negative,
         "queries and keys are multiplied by it; 0: 1, for yarn 1 + ln(factor)/10");
}

}  // namespace

void declare_model(Declarations& d, model::TransformerConfig& c) {
  d.in("model", KeyRole::meaning);
  d.integer("vocabulary", c.vocabulary, 1, "number of tokens; 256 for bytes",
            std::numeric_limits<Token>::max());
  d.integer("context", c.context, 1,
            "rows of learned positions, which no sequence may pass; else only the default of "
            "training.length, and what `kyrtos sample` shows the model at once");
  d.integer("input_features", c.input_features, 0, "continuous inputs a row; 0: tokens");
  d.integer("output_features", c.output_features, 0, "outputs a row, for continuous inputs");
  d.integer("depth", c.depth, 0, "number of blocks");
  d.integer("width", c.width, 1, "features of the residual stream");
  d.integer("heads", c.heads, 1, "query heads");
  d.integer("kv_heads", c.kv_heads, 0, "key and value heads; 0: as many as heads");
  d.integer("head_size", c.head_size, 0, "features a head; 0: width/heads");
  d.integer("mlp_width", c.mlp_width, 0, "0: 4 width, or 8/3 width rounded up to 64 for swiglu");
  d.choice("norm", c.norm,
           {{"layer_norm", model::Norm::layer_norm}, {"rms_norm", model::Norm::rms_norm}},
           "normalisation of each branch");
  using NormPosition = model::NormPosition;
  d.choice(
      "norm_position", c.norm_position,
      {{"pre", NormPosition::pre},
       {"post", NormPosition::post},
       {"reordered", NormPosition::reordered},
       {"none", NormPosition::none}},
      "before the branch; after the sum with the residual stream; after the branch, before the "
      "sum; or nowhere. pre and reordered: also at the end of the model");
  d.real("norm_epsilon", c.norm_epsilon, positive, "added to the variance");
  d.choice("activation", c.activation,
           {{"gelu_tanh", model::MlpActivation::gelu_tanh},
            {"gelu", model::MlpActivation::gelu},
            {"swiglu", model::MlpActivation::swiglu}},
           "of the MLP");
  d.choice("positions", c.positions,
           {{"learned", model::Positions::learned},
            {"rotary", model::Positions::rotary},
            {"none", model::Positions::none}},
           "how tokens know their place");
  d.real("rotary_base", c.rotary_base, Interval{.least = 1},
         "longest wavelength of rotary positions, over 2 pi");
  d.integer("rotary_features", c.rotary_features, 0, "of a head, that are rotated; 0: all");
  declare_rotary_scaling(d, c.rotary_scaling);
  d.flag("qk_norm", c.qk_norm, "RMS norm of queries and keys");
  d.choice(
      "qk_norm_over", c.qk_norm_over,
      {{"each_head", model::QkNormOver::each_head}, {"all_heads", model::QkNormOver::all_heads}},
      "of each query and key head, or of all query and of all key heads at once");
  d.real("soft_cap", c.soft_cap, not_negative, "bound of attention logits by tanh; 0: none");
  d.flag("causal", c.causal, "tokens see only those before them");
  d.integer("attention_window", c.attention_window, 0,
            "tokens that each sees, itself and the last before it, if causal; 0: all before it");
  d.flag("bias", c.bias, "biases of linear layers and LayerNorm");
  using AttentionBias = model::AttentionBias;
  d.choice("attention_bias", c.attention_bias,
           {{"as_others", AttentionBias::as_others},
            {"none", AttentionBias::none},
            {"qkv", AttentionBias::qkv},
            {"all", AttentionBias::all}},
           "biases in attention: as bias says, none, of queries, keys and values, or of its output "
           "too");
  d.flag("parallel_residual", c.parallel_residual,
         "attention and MLP read the same stream, and both are added to it");
  d.real("residual_scale", c.residual_scale, positive,
         "what branches add to the stream is multiplied by it");
  d.flag("gated", c.gated, "each branch ends in a gate, for growth.entry = \"gate\"");
  d.flag("tied", c.tied, "the head's weight is the token embedding");
  d.real("z_loss", c.z_loss, not_negative,
         "weight of the squared log-partition function in the loss");
  d.real("initial_scale", c.initial_scale, not_negative, "standard deviation of initial weights");
  d.choice(
      "initial_weights", c.initial_weights,
      {{"fixed", model::InitialWeights::fixed}, {"fan_in", model::InitialWeights::fan_in}},
      "fixed: initial_scale, outputs of branches over sqrt(2 depth); fan_in: 1/sqrt(inputs) for "
      "all but the embeddings");
}

}  // namespace kyrtos::train::config
