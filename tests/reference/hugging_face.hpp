// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/model/transformer_config.hpp>

#include <cmath>
#include <map>
#include <string>
#include <vector>

namespace kyrtos::reference {

/// GPT-2 and Llama for one sequence, straight from the tensors as Hugging Face names and lays them
/// out: `Conv1D` computes xW + b, `Linear` xWᵀ; `rotate_half` and `repeat_kv` as they stand there.
/// It shares nothing with the other references, so that names, transposes and the order of heads
/// are compared too.
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

  Rows llama(std::vector<Token> const& tokens) const {
    Rows h;
    for (Token const token : tokens) h.push_back(row("model.embed_tokens.weight", token));
    for (Index i = 0; i < c.depth; ++i) {
      auto const at = "model.layers." + std::to_string(i) + ".";
      Rows q, k, v;
      for (std::size_t t = 0; t < h.size(); ++t) {
        auto const x = rms_norm(at + "input_layernorm", h[t]);
        q.push_back(rotated(linear(at + "self_attn.q_proj", x), t));
        k.push_back(repeated(rotated(linear(at + "self_attn.k_proj", x), t)));
        v.push_back(repeated(linear(at + "self_attn.v_proj", x)));
      }
      auto const mixed = attention(q, k, v);
      for (std::size_t t = 0; t < h.size(); ++t) {
        h[t] = sum(h[t], linear(at + "self_attn.o_proj", mixed[t]));
        auto const x = rms_norm(at + "post_attention_layernorm", h[t]);
        auto inner = linear(at + "mlp.gate_proj", x);
        auto const up = linear(at + "mlp.up_proj", x);
        for (std::size_t j = 0; j < inner.size(); ++j)
          inner[j] = inner[j] / (1 + std::exp(-inner[j])) * up[j];
        h[t] = sum(h[t], linear(at + "mlp.down_proj", inner));
      }
    }
    for (auto& x : h) x = linear("lm_head", rms_norm("model.norm", x));
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

  /// xWᵀ, W [outputs, inputs].
  Row linear(std::string const& name, Row const& x) const {
    auto const& w = tensors.at(name + ".weight");
    Row y(w.size() / x.size(), 0.0);
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

  /// x·cos + rotate_half(x)·sin, head by head.
  Row rotated(Row const& x, std::size_t position) const {
    std::size_t const d = size(c.head_size), half = d / 2;
    Row y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      std::size_t const j = i % d;
      double const frequency =
          std::pow(c.rotary_base, -2.0 * static_cast<double>(j % half) / static_cast<double>(d));
      double const angle = static_cast<double>(position) * frequency;
      double const other = j < half ? -x[i + half] : x[i - half];
      y[i] = x[i] * std::cos(angle) + other * std::sin(angle);
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

  /// Causal, as many heads in k and v as in q.
  Rows attention(Rows const& q, Rows const& k, Rows const& v) const {
    std::size_t const d = size(c.head_size);
    Rows out(q.size(), Row(q.front().size(), 0.0));
    for (std::size_t t = 0; t < q.size(); ++t)
      for (std::size_t head = 0; head < size(c.heads); ++head) {
        Row p(t + 1, 0.0);
        double total = 0;
        for (std::size_t s = 0; s <= t; ++s) {
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
