// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/model/transformer_config.hpp>

#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace kyrtos::hugging_face {

using Config = model::TransformerConfig;
using Json = nlohmann::ordered_json;

/// A JSON object of settings, with errors that name file and setting.
class Settings {
 public:
  /// \throws FileError when the text is no JSON object.
  Settings(std::string const& text, std::string source);

  [[noreturn]] void fail(std::string const& what) const;
  /// A setting's value would need what Kyrtos doesn't have.
  [[noreturn]] void refuse(std::string const& key, std::string const& needed) const;

  /// Whether it is given, and not null.
  bool has(std::string const& key) const;
  /// Whether it is given as null, which need not mean its default.
  bool is_null(std::string const& key) const;
  /// A setting that must be there: an integer from 1 on.
  Index integer(std::string const& key) const;
  Index integer(std::string const& key, Index otherwise) const;
  /// An integer from 0 on.
  Index count(std::string const& key, Index otherwise) const;
  /// A positive number.
  double real(std::string const& key) const;
  double real(std::string const& key, double otherwise) const;
  bool flag(std::string const& key, bool otherwise) const;
  std::string text(std::string const& key, std::string const& otherwise) const;
  std::vector<std::string> texts(std::string const& key) const;
  /// The values of all keys, which must be texts.
  std::vector<std::string> all_texts() const;
  /// An object within this one.
  Settings inside(std::string const& key) const;

  /// \throws ConfigError for a setting that is none of these, unless it is null.
  void require_known(std::set<std::string> const& known, std::string const& of) const;

 private:
  Settings(nlohmann::json object, std::string source, std::string prefix)
      : object_(std::move(object)), source_(std::move(source)), prefix_(std::move(prefix)) {}
  std::string name(std::string const& key) const { return "'" + prefix_ + key + "'"; }
  Index integer_from(Index least, std::string const& key) const;

  nlohmann::json object_;
  std::string source_, prefix_;
};

/// A setting of config.json, or a few that belong together, and what they are here.
struct Setting {
  std::vector<std::string> keys;
  std::function<void(Settings const&, Config&)> read;
  std::function<void(Config const&, Json&)> write;
};

Setting size(std::string const& key, Index Config::*member);
Setting size(std::string const& key, Index Config::*member, Index otherwise);
Setting real(std::string const& key, double Config::*member, double otherwise);
Setting flag(std::string const& key, bool Config::*member, bool otherwise);
/// Biases of all linear layers of attention.
Setting attention_bias(std::string const& key, bool otherwise);

/// One of several words; what is written is the first that means it.
struct ActivationName {
  std::string word;
  model::MlpActivation activation;
};
Setting activation(std::string const& key, std::vector<ActivationName> names,
                   std::string const& otherwise);

/// A flag that can have one value only; the other would need `needed`.
Setting fixed(std::string const& key, bool value, std::string const& needed);

/// Attention within a window: all layers must have the same, unless it is as long as the context.
enum class SlidingWindow {
  always,     ///< Of all layers, 4096 tokens where none is given (Mistral).
  on_demand,  ///< With `use_sliding_window`, of the layers from `max_window_layers` on (Qwen).
};
Setting sliding_window(SlidingWindow kind);

/// Rotary positions: newer files have an object `rope_parameters`; older ones have `rope_scaling`,
/// and the base and the share of a head's features by themselves.
struct RotaryKeys {
  std::string base = "rope_theta", share = "";
  double share_otherwise = 1;
};
Setting rotary(RotaryKeys const& keys);

}  // namespace kyrtos::hugging_face
