// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/attention.hpp>
#include <kyrtos/model/objective.hpp>

#include "../reference/transformer.hpp"
#include "../support/dual.hpp"
#include "../support/numbers.hpp"

#include <string>
#include <vector>

/// \file
/// \brief Small models with a batch, everything random, and the operations of Transformer from
/// numbers on the host to numbers on the host.

namespace kyrtos::testing {

struct NamedConfig {
  std::string name;
  model::TransformerConfig config;
};

inline model::TransformerConfig small(model::TransformerConfig c) {
  c.vocabulary = 13;
  c.context = 9;
  c.depth = 2;
  c.width = 12;
  c.heads = 2;
  c.mlp_width = 10;
  return c;
}

/// Every option of TransformerConfig in at least one of them.
inline std::vector<NamedConfig> small_models() {
  auto const gpt2 = small(model::gpt2_config()), llama = small(model::llama_config());
  auto exact = gpt2, fields = gpt2, grouped = llama, capped = llama, bare = llama, plain = gpt2;
  exact.activation = model::MlpActivation::gelu;
  exact.tied = false;
  exact.z_loss = 0.1;
  fields.input_features = 3;
  fields.output_features = 2;
  fields.causal = false;
  grouped.heads = 4;
  grouped.kv_heads = 2;
  grouped.head_size = 4;
  grouped.tied = true;
  capped.qk_norm = true;
  capped.soft_cap = 0.7;
  bare.positions = model::Positions::none;
  bare.causal = false;
  bare.qk_norm = true;
  exact.gated = true;
  plain.bias = false;
  plain.norm = model::Norm::rms_norm;
  plain.soft_cap = 1.3;
  auto qwen = grouped, olmo = grouped, neox = exact, post = gpt2, normless = gpt2, mixed = llama;
  auto window = llama;
  window.attention_window = 3;
  qwen.attention_bias = model::AttentionBias::qkv;
  qwen.rotary_scaling = {.kind = layers::RotaryScaling::Kind::yarn, .factor = 4, .context = 20};
  qwen.initial_weights = model::InitialWeights::fan_in;
  olmo.norm_position = model::NormPosition::reordered;
  olmo.qk_norm = true;
  olmo.qk_norm_over = model::QkNormOver::all_heads;
  olmo.gated = true;
  neox.parallel_residual = true;
  neox.positions = model::Positions::rotary;
  neox.rotary_features = 2;
  neox.gated = false;
  post.norm_position = model::NormPosition::post;
  post.residual_scale = 0.6;
  post.attention_bias = model::AttentionBias::none;
  post.gated = true;
  normless.norm_position = model::NormPosition::none;
  normless.residual_scale = 0.5;
  mixed.norm_position = model::NormPosition::reordered;
  mixed.parallel_residual = true;
  mixed.attention_bias = model::AttentionBias::all;
  mixed.rotary_scaling = {.kind = layers::RotaryScaling::Kind::llama3, .factor = 8, .context = 30};
  return {{"GPT-2", gpt2},
          {"exact GELU, untied, z-loss", exact},
          {"fields, bidirectional", fields},
          {"Llama", llama},
          {"grouped heads, tied", grouped},
          {"QK norm, soft cap", capped},
          {"no positions, bidirectional", bare},
          {"RMSNorm, no bias, soft cap", plain},
          {"biases of q, k, v; YaRN", qwen},
          {"reordered norms, QK norm over all heads", olmo},
          {"parallel residual, partial rotary", neox},
          {"post-norm, scaled branches", post},
          {"no norms", normless},
          {"reordered norms in parallel, Llama 3.1", mixed},
          {"window", window}};
}

template <class Scalar>
class ModelRun {
 public:
  using View = Vector<Scalar, Space>;
  using Batch = kyrtos::Batch<Scalar, Space>;

  explicit ModelRun(model::TransformerConfig const& config, SequenceShape s = {3, 7},
                    model::ActiveBlocks active = {}, layers::AttentionMethod attention = {})
      : model(config, attention), shape(s) {
    auto const& c = model.config();
    if (active.empty()) active.assign(static_cast<std::size_t>(c.depth), true);
    auto const rows = static_cast<std::size_t>(shape.tokens());
    std::vector<Token> tokens, targets;
    for (std::size_t i = 0; i < rows; ++i) {
      tokens.push_back(static_cast<Token>(Philox{1, 1}.bits(i) % 13));
      targets.push_back(i == 4 ? -1 : static_cast<Token>(Philox{1, 2}.bits(i) % 13));
    }
    auto const fields =
        random_numbers<Scalar>(rows * static_cast<std::size_t>(c.input_features), 11);
    auto const target_fields =
        random_numbers<Scalar>(rows * static_cast<std::size_t>(c.output_features), 12);
    double const weight = 1.0 / static_cast<double>(rows - 1);
    reference = {c, shape, weight, tokens, targets, fields, target_fields, active};
    tokens_ = on_device<Token>(tokens);
    targets_ = on_device<Token>(targets);
    fields_ = on_device<Scalar>(fields);
    target_fields_ = on_device<Scalar>(target_fields);
    batch.shape = shape;
    batch.weight = weight;
    batch.inputs = tokens_;
    batch.targets = targets_;
    batch.input_fields = as_matrix(fields_, 0, shape.tokens(), c.input_features);
    batch.target_fields = as_matrix(target_fields_, 0, shape.tokens(), c.output_features);
    theta = random_parameters();
  }

  Numbers random_direction(std::uint64_t seed) const {
    return random_numbers<Scalar>(static_cast<std::size_t>(model.layout().size()), seed);
  }

  /// Nothing at zero, norms' weights around one: no term may hide.
  Numbers random_parameters() const {
    Numbers values;
    for (auto const& segment : model.layout().segments()) {
      auto part = random_numbers<Scalar>(static_cast<std::size_t>(segment.size), values.size(),
                                         segment.shape.size() > 1 ? 0.4 : 0.3);
      if (segment.name.find("norm") != std::string::npos && segment.name.ends_with("weight"))
        for (double& w : part) w = static_cast<double>(static_cast<Scalar>(1 + w));
      values.insert(values.end(), part.begin(), part.end());
    }
    return values;
  }

  /// A workspace full of NaN.
  model::TransformerWorkspace<Scalar, Space> workspace(
      model::TransformerWorkspaceOptions options) const {
    options.active = reference.active;
    model::TransformerWorkspace<Scalar, Space> ws(context, model, shape, options);
    ws.memory().poison();
    return ws;
  }

  struct Result {
    double loss = 0, derivative = 0;
    Numbers gradient = {}, hu = {};
    friend bool operator==(Result const&, Result const&) = default;
  };

  View zeros() const { return View("test::zeros", static_cast<std::size_t>(theta.size())); }

  Result gradient(model::TransformerWorkspaceOptions const& options = {}) const {
    auto ws = workspace(options);
    auto const g = zeros();
    double const loss = model.gradient(ws, on_device<Scalar>(theta), batch, g);
    return {.loss = loss, .gradient = on_host(g)};
  }

  Result gradient_and_hvp(Numbers const& u, bool recompute = false) const {
    auto ws = workspace({.tangents = true, .recompute = recompute});
    auto const g = zeros(), hu = zeros();
    auto const d =
        model.gradient_and_hvp(ws, on_device<Scalar>(theta), on_device<Scalar>(u), batch, g, hu);
    return {d.loss, d.derivative, on_host(g), on_host(hu)};
  }

  Result hvp_after_gradient(Numbers const& u) const {
    auto ws = workspace({.tangents = true, .keep_adjoints = true});
    auto const g = zeros(), hu = zeros();
    auto const t = on_device<Scalar>(theta);
    double const loss = model.gradient(ws, t, batch, g);
    double const derivative = model.hvp_after_gradient(ws, t, on_device<Scalar>(u), batch, hu);
    return {loss, derivative, on_host(g), on_host(hu)};
  }

  Result hvp(Numbers const& u) const {
    auto ws = workspace({.tangents = true});
    auto const hu = zeros();
    auto const d = model.hvp(ws, on_device<Scalar>(theta), on_device<Scalar>(u), batch, hu);
    return {d.loss, d.derivative, {}, on_host(hu)};
  }

  Numbers gauss_newton(Numbers const& u) const {
    auto ws = workspace({.tangents = true});
    auto const gu = zeros();
    model.gauss_newton(ws, on_device<Scalar>(theta), on_device<Scalar>(u), batch, gu);
    return on_host(gu);
  }

  /// ℓ(θ + ε₁u + ε₂δ): ⟨g, δ⟩ and ⟨Hu, δ⟩ are among its derivatives.
  Dual2 reference_loss(Numbers const& u, Numbers const& delta) const {
    std::vector<Dual2> t;
    for (std::size_t i = 0; i < theta.size(); ++i) t.push_back(seed(theta[i], u[i], delta[i]));
    return reference.loss_of(reference.outputs(t));
  }

  /// The loss of the batch as a function of θ, for what works on objectives.
  struct AtTheta {
    explicit AtTheta(ModelRun const& run)
        : memory(on_device<Scalar>(run.theta)),
          theta(run.context, memory),
          loss(run.context, run.model, theta,
               {.workspace = {.active = run.reference.active, .tangents = true}}, run.shape) {
      loss.workspace()->memory().poison();
      loss.set_batches({run.batch});
    }
    View memory;
    model::Parameters<Scalar, Space> theta;
    model::Objective<Scalar, Space> loss;
  };

  Context<Space> context{MPI_COMM_SELF, {.gemm = {}, .poison_scratch = true}};
  model::Transformer<Scalar, Space> model;
  SequenceShape shape;
  reference::Transformer reference;
  Numbers theta;
  Batch batch;

 private:
  Vector<Token, Space> tokens_, targets_;
  View fields_, target_fields_;
};

}  // namespace kyrtos::testing
