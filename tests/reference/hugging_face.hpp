// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/model/transformer_config.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

namespace kyrtos::reference {

/// GPT-2, GPT-NeoX, and Llama with the families that follow it, for one sequence, straight from the
/// tensors as Hugging Face names and lays them out: `Conv1D` computes xW + b, `Linear` xWᵀ;
/// `rotate_half` and `repeat_kv` as they stand there. It shares nothing with the other references,
/// so that names, transposes and the order of heads are compared too.
struct HuggingFace {
  using Row = std::vector<double>;
  using Rows = std::vector<Row>;

  model::TransformerConfig c;          ///< Resolved.
  std::map<std::string, Row> tensors;  ///< With prefix, row-major.

  /// Logits of every token.
  Rows gpt2(std::vector<Token> const& tokens) const {
    Rows h;
    for (std::size_t t = 0; t < tokens.size(); ++t)
      h.push_back(sum(row("transformer.wte.weight", tokens[t]),
                      row("transformer.wpe.weight", static_cast<Index>(t))));
    for (Index i = 0; i < c.depth; ++i) {
      auto const at = "transformer.h." + std::to_string(i) + ".";
      Rows q, k, v;
      for (auto const& x : h) {
        auto const all = conv1d(at + "attn.c_attn", layer_norm(at + "ln_1", x));
        q.push_back(part(all, 0, c.width));
        k.push_back(part(all, c.width, c.width));
        v.push_back(part(all, 2 * c.width, c.width));
      }
      auto const mixed = attention(q, k, v);
      for (std::size_t t = 0; t < h.size(); ++t) {
        h[t] = sum(h[t], conv1d(at + "attn.c_proj", mixed[t]));
        auto inner = conv1d(at + "mlp.c_fc", layer_norm(at + "ln_2", h[t]));
        for (double& x : inner)
          x = 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
        h[t] = sum(h[t], conv1d(at + "mlp.c_proj", inner));
      }
    }
    for (auto& x : h) x = linear("transformer.wte", layer_norm("transformer.ln_f", x));
    return h;
  }

  /// Llama, Mistral, Qwen2, Qwen3, and OLMo 2, which differ by the tensors that there are, and by
  /// the place of norms.
  Rows llama(std::vector<Token> const& tokens) const {
    bool const is_olmo = c.norm_position == model::NormPosition::reordered;
    auto const before = [&](std::string const& name, Row const& x) {
      return is_olmo ? x : rms_norm(name, x);
    };
    auto const after = [&](std::string const& name, Row const& x) {
      return is_olmo ? rms_norm(name, x) : x;
    };
    Rows h;
    for (Token const token : tokens) h.push_back(row("model.embed_tokens.weight", token));
    for (Index i = 0; i < c.depth; ++i) {
      auto const at = "model.layers." + std::to_string(i) + ".";
      auto const projected = [&](char const* name, Row const& x) {
        auto const full = at + "self_attn." + name;
        return normed(full + "_norm", linear(full + "_proj", x));
      };
      Rows q, k, v;
      for (std::size_t t = 0; t < h.size(); ++t) {
        auto const x = before(at + "input_layernorm", h[t]);
        q.push_back(rotated(projected("q", x), t, size(c.head_size)));
        k.push_back(repeated(rotated(projected("k", x), t, size(c.head_size))));
        v.push_back(repeated(projected("v", x)));
      }
      auto const mixed = attention(q, k, v);
      for (std::size_t t = 0; t < h.size(); ++t) {
        h[t] = sum(h[t], after(at + "post_attention_layernorm",
                               linear(at + "self_attn.o_proj", mixed[t])));
        auto const x = before(at + "post_attention_layernorm", h[t]);
        auto inner = linear(at + "mlp.gate_proj", x);
        auto const up = linear(at + "mlp.up_proj", x);
        for (std::size_t j = 0; j < inner.size(); ++j)
          inner[j] = inner[j] / (1 + std::exp(-inner[j])) * up[j];
        h[t] = sum(h[t],
                   after(at + "post_feedforward_layernorm", linear(at + "mlp.down_proj", inner)));
      }
    }
    auto const head = c.tied ? "model.embed_tokens" : "lm_head";
    for (auto& x : h) x = linear(head, rms_norm("model.norm", x));
    return h;
  }

  Rows gpt_neox(std::vector<Token> const& tokens) const {
    Rows h;
    for (Token const token : tokens) h.push_back(row("gpt_neox.embed_in.weight", token));
    for (Index i = 0; i < c.depth; ++i) {
      auto const at = "gpt_neox.layers." + std::to_string(i) + ".";
      Rows q, k, v;
      for (std::size_t t = 0; t < h.size(); ++t) {
        auto const all =
            linear(at + "attention.query_key_value", layer_norm(at + "input_layernorm", h[t]));
        Row of[3];  // of each head its query, key and value in turn
        for (Index j = 0; j < 3 * c.heads; ++j) {
          auto const one = part(all, j * c.head_size, c.head_size);
          of[j % 3].insert(of[j % 3].end(), one.begin(), one.end());
        }
        q.push_back(rotated(of[0], t, size(c.rotary_features)));
        k.push_back(rotated(of[1], t, size(c.rotary_features)));
        v.push_back(of[2]);
      }
      auto const mixed = attention(q, k, v);
      for (std::size_t t = 0; t < h.size(); ++t) {
        auto const attended = sum(h[t], linear(at + "attention.dense", mixed[t]));
        auto inner = linear(
            at + "mlp.dense_h_to_4h",
            layer_norm(at + "post_attention_layernorm", c.parallel_residual ? h[t] : attended));
        for (double& x : inner) x = 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
        h[t] = sum(attended, linear(at + "mlp.dense_4h_to_h", inner));
      }
    }
    for (auto& x : h) x = linear("embed_out", layer_norm("gpt_neox.final_layer_norm", x));
    return h;
  }

 private:
  static std::size_t size(Index i) { return static_cast<std::size_t>(i); }
  static Row part(Row const& x, Index begin, Index count) {
    return {x.begin() + begin, x.begin() + begin + count};
  }
  static Row sum(Row a, Row const& b) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
    return a;
  }
  Row row(std::string const& name, Index i) const {
    return part(tensors.at(name), i * c.width, c.width);
  }

  /// xW + b, W [inputs, outputs].
  Row conv1d(std::string const& name, Row const& x) const {
    auto const& w = tensors.at(name + ".weight");
    Row y = tensors.at(name + ".bias");
    for (std::size_t i = 0; i < x.size(); ++i)
      for (std::size_t j = 0; j < y.size(); ++j) y[j] += x[i] * w[i * y.size() + j];
    return y;
  }

  /// xWᵀ + b, W [outputs, inputs], b where there is one.
  Row linear(std::string const& name, Row const& x) const {
    auto const& w = tensors.at(name + ".weight");
    Row y(w.size() / x.size(), 0.0);
    if (tensors.count(name + ".bias") > 0) y = tensors.at(name + ".bias");
    for (std::size_t j = 0; j < y.size(); ++j)
      for (std::size_t i = 0; i < x.size(); ++i) y[j] += x[i] * w[j * x.size() + i];
    return y;
  }

  Row layer_norm(std::string const& name, Row x) const {
    double mean = 0, variance = 0;
    for (double const v : x) mean += v / static_cast<double>(x.size());
    for (double const v : x) variance += (v - mean) * (v - mean) / static_cast<double>(x.size());
    for (std::size_t i = 0; i < x.size(); ++i)
      x[i] =
          (x[i] - mean) / std::sqrt(variance + c.norm_epsilon) * tensors.at(name + ".weight")[i] +
          tensors.at(name + ".bias")[i];
    return x;
  }

  Row rms_norm(std::string const& name, Row x) const {
    double square = 0;
    for (double const v : x) square += v * v / static_cast<double>(x.size());
    for (std::size_t i = 0; i < x.size(); ++i)
      x[i] *= tensors.at(name + ".weight")[i] / std::sqrt(square + c.norm_epsilon);
    return x;
  }

  /// An RMSNorm over all of x, or over parts as long as the weight; none without a weight.
  Row normed(std::string const& name, Row const& x) const {
    auto const weight = tensors.find(name + ".weight");
    if (weight == tensors.end()) return x;
    auto const length = static_cast<Index>(weight->second.size());
    Row y;
    for (Index at = 0; at < static_cast<Index>(x.size()); at += length) {
      auto const one = rms_norm(name, part(x, at, length));
      y.insert(y.end(), one.begin(), one.end());
    }
    return y;
  }

  /// The frequency of pair j of d features, as `_compute_llama3_parameters` and
  /// `_compute_yarn_parameters` say.
  double frequency(std::size_t j, std::size_t d) const {
    using Kind = layers::RotaryScaling::Kind;
    auto const& s = c.rotary_scaling;
    auto const n = static_cast<double>(d), two_j = 2 * static_cast<double>(j);
    double const plain = 1 / std::pow(c.rotary_base, two_j / n);
    if (s.kind == Kind::linear) return plain / s.factor;
    if (s.kind == Kind::llama3) {
      double const wavelength = 2 * M_PI / plain;
      if (wavelength < s.context / s.fast) return plain;
      if (wavelength > s.context / s.slow) return plain / s.factor;
      double const smooth = (s.context / wavelength - s.slow) / (s.fast - s.slow);
      return (1 - smooth) * plain / s.factor + smooth * plain;
    }
    if (s.kind == Kind::yarn) {
      auto const dimension = [&](double rotations) {
        return n * std::log(s.context / (rotations * 2 * M_PI)) / (2 * std::log(c.rotary_base));
      };
      double const low = std::max(std::floor(dimension(s.fast)), 0.0),
                   high = std::min(std::ceil(dimension(s.slow)), n - 1);
      double const ramp =
          std::min(1.0, std::max(0.0, (static_cast<double>(j) - low) / (high - low)));
      return plain / s.factor * ramp + plain * (1 - ramp);
    }
    return plain;
  }

  /// x·cos + rotate_half(x)·sin of the first `turned` features of each head.
  Row rotated(Row const& x, std::size_t position, std::size_t turned) const {
    std::size_t const d = size(c.head_size), half = turned / 2;
    double const amplitude = c.rotary_scaling.resolved().amplitude;
    Row y = x;
    for (std::size_t i = 0; i < x.size(); ++i) {
      std::size_t const j = i % d;
      if (j >= turned) continue;
      double const angle = static_cast<double>(position) * frequency(j % half, turned);
      double const other = j < half ? -x[i + half] : x[i - half];
      y[i] = amplitude * (x[i] * std::cos(angle) + other * std::sin(angle));
    }
    return y;
  }

  /// Every key or value head as often as there are query heads for it.
  Row repeated(Row const& x) const {
    Row y;
    for (Index head = 0; head < c.heads; ++head) {
      auto const one = part(x, head / (c.heads / c.kv_heads) * c.head_size, c.head_size);
      y.insert(y.end(), one.begin(), one.end());
    }
    return y;
  }

  /// As the mask of a Mistral: causal, and within the window where there is one.
  bool is_seen(std::size_t query, std::size_t key) const {
    bool const is_within = c.attention_window == 0 || query - key < size(c.attention_window);
    return key <= query && is_within;
  }

  /// As many heads in k and v as in q.
  Rows attention(Rows const& q, Rows const& k, Rows const& v) const {
    std::size_t const d = size(c.head_size);
    Rows out(q.size(), Row(q.front().size(), 0.0));
    for (std::size_t t = 0; t < q.size(); ++t)
      for (std::size_t head = 0; head < size(c.heads); ++head) {
        Row p(t + 1, 0.0);
        double total = 0;
        for (std::size_t s = 0; s <= t; ++s) {
          if (!is_seen(t, s)) continue;
          for (std::size_t i = head * d; i < (head + 1) * d; ++i) p[s] += q[t][i] * k[s][i];
          total += p[s] = std::exp(p[s] / std::sqrt(static_cast<double>(d)));
        }
        for (std::size_t s = 0; s <= t; ++s)
          for (std::size_t i = head * d; i < (head + 1) * d; ++i)
            out[t][i] += p[s] / total * v[s][i];
      }
    return out;
  }
};

}  // namespace kyrtos::reference
