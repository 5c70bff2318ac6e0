// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "settings.hpp"

#include <cmath>
#include <fmt/format.h>

namespace kyrtos::hugging_face {

namespace {

using Kind = layers::RotaryScaling::Kind;

/// Base, share and scaling, wherever the file has them.
struct RotaryValues {
  double base, share;
  layers::RotaryScaling scaling;
};

/// YaRN's amplitude for two multipliers, as the authors of DeepSeek define it.
double yarn_amplitude(Settings const& rope, double factor) {
  if (rope.has("attention_factor")) return rope.real("attention_factor");
  if (!rope.has("mscale") || !rope.has("mscale_all_dim")) return 0;  // as it follows from `factor`
  auto const scaled = [&](char const* key) { return 1 + 0.1 * rope.real(key) * std::log(factor); };
  return scaled("mscale") / scaled("mscale_all_dim");
}

layers::RotaryScaling read_scaling(Settings const& rope, double context) {
  auto const key = rope.has("rope_type") ? "rope_type" : "type";
  auto const type = rope.text(key, "default");
  double const original = rope.real("original_max_position_embeddings", context);
  layers::RotaryScaling s;
  if (type == "default") return s;
  if (type == "dynamic") {
    if (original < context)
      rope.refuse("original_max_position_embeddings", "frequencies that depend on the sequence");
    return s;  // up to the context it changes nothing
  }
  s.context = original;
  s.factor = type != "linear" && !rope.has("factor") ? context / original : rope.real("factor");
  if (type == "linear") {
    s.kind = Kind::linear;
  } else if (type == "llama3") {
    s.kind = Kind::llama3;
    s.slow = rope.real("low_freq_factor");
    s.fast = rope.real("high_freq_factor");
  } else if (type == "yarn") {
    s.kind = Kind::yarn;
    s.slow = rope.real("beta_slow", 1);
    s.fast = rope.real("beta_fast", 32);
    s.amplitude = yarn_amplitude(rope, s.factor);
    if (!rope.flag("truncate", true)) rope.refuse("truncate", "a ramp between fractions of pairs");
  } else {
    rope.refuse(key,
                "other rotary frequencies than \"linear\", \"llama3\", \"yarn\" and \"dynamic\"");
  }
  return s;
}

RotaryValues read_values(Settings const& s, Config const& c, RotaryKeys const& keys) {
  RotaryValues v{
      s.real(keys.base, 10000),
      s.real("partial_rotary_factor",
             keys.share.empty() ? keys.share_otherwise : s.real(keys.share, keys.share_otherwise)),
      {}};
  for (char const* key : {"rope_parameters", "rope_scaling"}) {
    if (!s.has(key)) continue;
    auto const rope = s.inside(key);
    rope.require_known(
        {"rope_type", "type", "rope_theta", "partial_rotary_factor", "factor",
         "original_max_position_embeddings", "low_freq_factor", "high_freq_factor", "beta_fast",
         "beta_slow", "attention_factor", "mscale", "mscale_all_dim", "truncate"},
        "rotary positions");
    v.base = rope.real("rope_theta", v.base);
    v.share = rope.real("partial_rotary_factor", v.share);
    v.scaling = read_scaling(rope, static_cast<double>(c.context));
    break;
  }
  return v;
}

/// The share of which the product with D, cut off, is R.
double share_of(Index features, Index head_size) {
  auto const size = static_cast<double>(head_size);
  double const share = static_cast<double>(features) / size;
  return static_cast<Index>(size * share) < features ? std::nextafter(share, 2.0) : share;
}

Json scaling_of(layers::RotaryScaling const& s) {
  switch (s.kind) {
    case Kind::none:
      return nullptr;
    case Kind::linear:
      return {{"rope_type", "linear"}, {"factor", s.factor}};
    case Kind::llama3:
      return {{"rope_type", "llama3"},
              {"factor", s.factor},
              {"low_freq_factor", s.slow},
              {"high_freq_factor", s.fast},
              {"original_max_position_embeddings", static_cast<Index>(s.context)}};
    case Kind::yarn:
      return {{"rope_type", "yarn"},
              {"factor", s.factor},
              {"beta_slow", s.slow},
              {"beta_fast", s.fast},
              {"attention_factor", s.amplitude},
              {"original_max_position_embeddings", static_cast<Index>(s.context)}};
  }
  return nullptr;
}

}  // namespace

Setting rotary(RotaryKeys const& keys) {
  std::vector<std::string> all{keys.base, "rope_parameters", "rope_scaling",
                               "partial_rotary_factor"};
  if (!keys.share.empty()) all.push_back(keys.share);
  auto const read = [=](Settings const& s, Config& c) {
    auto const v = read_values(s, c, keys);
    c.rotary_base = v.base;
    c.rotary_scaling = v.scaling;
    Index const size = c.head_size > 0 ? c.head_size : c.width / c.heads;
    if (v.share == 1) return;
    c.rotary_features = static_cast<Index>(static_cast<double>(size) * v.share);
    if (keys.share.empty() || c.rotary_features == 0)
      s.fail(fmt::format("a share of {} of a head's features can't be rotated in this model",
                         v.share));
  };
  auto const write = [=](Config const& c, Json& j) {
    j[keys.base] = c.rotary_base;
    if (!keys.share.empty()) j[keys.share] = share_of(c.rotary_features, c.head_size);
    if (c.rotary_scaling.kind != Kind::none) j["rope_scaling"] = scaling_of(c.rotary_scaling);
  };
  return {all, read, write};
}

}  // namespace kyrtos::hugging_face
