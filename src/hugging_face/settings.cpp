// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "settings.hpp"

#include <kyrtos/core/error.hpp>
#include <kyrtos/core/text.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>

namespace kyrtos::hugging_face {

using nlohmann::json;

// ---- Reading -----------------------------------------------------------------------------------

Settings::Settings(std::string const& text, std::string source) : source_(std::move(source)) {
  constexpr int deepest = 20;
  bool too_deep = false;
  object_ = json::parse(
      text,
      [&](int depth, json::parse_event_t, json&) {
        too_deep = too_deep || depth > deepest;
        return !too_deep;
      },
      /*allow_exceptions=*/false);
  require<FileError>(!too_deep && object_.is_object(),
                     source_ + ": must be a JSON object, as those of Hugging Face are");
}

void Settings::fail(std::string const& what) const {
  throw ConfigError(source_ + ": " + what);
}

void Settings::refuse(std::string const& key, std::string const& needed) const {
  fail(fmt::format("{} = {} needs {}, which Kyrtos doesn't have", name(key),
                   shown(object_[key].dump(-1, ' ', true, json::error_handler_t::replace)),
                   needed));
}

bool Settings::has(std::string const& key) const {
  return object_.contains(key) && !object_[key].is_null();
}

Index Settings::integer(std::string const& key) const {
  if (!has(key)) fail("has no " + name(key));
  auto const& value = object_[key];
  constexpr std::uint64_t most = std::numeric_limits<std::int32_t>::max();
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > most || value == 0)
    fail(fmt::format("{} must be an integer from 1 to {}", name(key), most));
  return value.get<Index>();
}

Index Settings::integer(std::string const& key, Index otherwise) const {
  return has(key) ? integer(key) : otherwise;
}

double Settings::real(std::string const& key) const {
  if (!has(key)) fail("has no " + name(key));
  if (!object_[key].is_number() || object_[key].get<double>() <= 0)
    fail(name(key) + " must be a positive number");
  return object_[key].get<double>();
}

double Settings::real(std::string const& key, double otherwise) const {
  return has(key) ? real(key) : otherwise;
}

bool Settings::flag(std::string const& key, bool otherwise) const {
  if (!has(key)) return otherwise;
  if (!object_[key].is_boolean()) fail(name(key) + " must be true or false");
  return object_[key].get<bool>();
}

std::string Settings::text(std::string const& key, std::string const& otherwise) const {
  if (!has(key)) return otherwise;
  if (!object_[key].is_string()) fail(name(key) + " must be a text");
  return object_[key].get<std::string>();
}

std::vector<std::string> Settings::texts(std::string const& key) const {
  if (!has(key)) return {};
  auto const& value = object_[key];
  if (!value.is_array() ||
      !std::all_of(value.begin(), value.end(), [](json const& v) { return v.is_string(); }))
    fail(name(key) + " must be a list of texts");
  return value.get<std::vector<std::string>>();
}

std::vector<std::string> Settings::all_texts() const {
  std::vector<std::string> found;
  for (auto const& [key, value] : object_.items()) found.push_back(text(key, ""));
  return found;
}

Settings Settings::inside(std::string const& key) const {
  if (!has(key) || !object_[key].is_object()) fail(name(key) + " must be an object");
  return {object_[key], source_, prefix_ + key + "."};
}

void Settings::require_known(std::set<std::string> const& known, std::string const& of) const {
  for (auto const& [key, value] : object_.items())
    if (!value.is_null() && known.count(key) == 0)
      fail(fmt::format(
          "'{}' is no setting of {} that Kyrtos knows; where it changes nothing that the "
          "model computes, take it out of the file",
          shown(prefix_ + key), of));
}

// ---- Settings ----------------------------------------------------------------------------------

Setting size(std::string const& key, Index Config::*member) {
  return {{key},
          [=](Settings const& s, Config& c) { c.*member = s.integer(key); },
          [=](Config const& c, Json& j) { j[key] = c.*member; }};
}

Setting size(std::string const& key, Index Config::*member, Index otherwise) {
  auto setting = size(key, member);
  setting.read = [=](Settings const& s, Config& c) { c.*member = s.integer(key, otherwise); };
  return setting;
}

Setting real(std::string const& key, double Config::*member, double otherwise) {
  return {{key},
          [=](Settings const& s, Config& c) { c.*member = s.real(key, otherwise); },
          [=](Config const& c, Json& j) { j[key] = c.*member; }};
}

Setting flag(std::string const& key, bool Config::*member, bool otherwise) {
  return {{key},
          [=](Settings const& s, Config& c) { c.*member = s.flag(key, otherwise); },
          [=](Config const& c, Json& j) { j[key] = c.*member; }};
}

Setting attention_bias(std::string const& key, bool otherwise) {
  using Bias = model::AttentionBias;
  return {{key},
          [=](Settings const& s, Config& c) {
            c.attention_bias = s.flag(key, otherwise) ? Bias::all : Bias::none;
          },
          [=](Config const& c, Json& j) { j[key] = c.attention_output_bias(); }};
}

Setting activation(std::string const& key, std::vector<ActivationName> names,
                   std::string const& otherwise) {
  return {{key},
          [=](Settings const& s, Config& c) {
            auto const word = s.text(key, otherwise);
            std::vector<std::string> words;
            for (auto const& name : names) {
              if (name.word == word) return void(c.activation = name.activation);
              words.push_back('"' + name.word + '"');
            }
            s.fail(fmt::format("'{}' must be {}", key, fmt::join(words, " or ")));
          },
          [=](Config const& c, Json& j) {
            j[key] = names.front().word;
            for (auto name = names.rbegin(); name != names.rend(); ++name)
              if (name->activation == c.activation) j[key] = name->word;
          }};
}

Setting fixed(std::string const& key, bool value, std::string const& needed) {
  return {{key},
          [=](Settings const& s, Config&) {
            if (s.flag(key, value) != value) s.refuse(key, needed);
          },
          [](Config const&, Json&) {}};
}

Setting sliding_window(bool has_switch) {
  std::vector<std::string> keys{"sliding_window", "layer_types", "max_window_layers"};
  if (has_switch) keys.push_back("use_sliding_window");
  auto const read = [=](Settings const& s, Config& c) {
    auto const types = s.texts("layer_types");
    for (auto const& type : types)
      if (type != "full_attention" && type != "sliding_attention")
        s.refuse("layer_types", "another kind of layer than attention");
    bool const is_on = !has_switch || s.flag("use_sliding_window", false);
    bool const slides =
        types.empty() ? is_on
                      : std::find(types.begin(), types.end(), "sliding_attention") != types.end();
    if (slides && s.has("sliding_window") && s.integer("sliding_window") < c.context)
      s.fail(
          fmt::format("'sliding_window' = {} is shorter than 'max_position_embeddings' = {}, which "
                      "needs attention within a window; Kyrtos doesn't have it, and sequences "
                      "within the window don't need it: lower 'max_position_embeddings' to it",
                      s.integer("sliding_window"), c.context));
  };
  // Without it, those who read the file would assume a window.
  return {keys, read, [](Config const&, Json& j) { j["sliding_window"] = nullptr; }};
}

}  // namespace kyrtos::hugging_face
