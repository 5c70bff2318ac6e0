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

bool Settings::is_null(std::string const& key) const {
  return object_.contains(key) && object_[key].is_null();
}

Index Settings::integer_from(Index least, std::string const& key) const {
  auto const& value = object_[key];
  constexpr std::uint64_t most = std::numeric_limits<std::int32_t>::max();
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > most ||
      value.get<Index>() < least)
    fail(fmt::format("{} must be an integer from {} to {}", name(key), least, most));
  return value.get<Index>();
}

Index Settings::integer(std::string const& key) const {
  if (!has(key)) fail("has no " + name(key));
  return integer_from(1, key);
}

Index Settings::integer(std::string const& key, Index otherwise) const {
  return has(key) ? integer(key) : otherwise;
}

Index Settings::count(std::string const& key, Index otherwise) const {
  return has(key) ? integer_from(0, key) : otherwise;
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

namespace {

/// How many layers are said to attend within the window.
Index sliding_layers(Settings const& s, SlidingWindow kind, Index depth) {
  auto const types = s.texts("layer_types");
  for (auto const& type : types)
    if (type != "full_attention" && type != "sliding_attention")
      s.refuse("layer_types", "another kind of layer than attention");
  if (types.empty())
    return kind == SlidingWindow::always
               ? depth
               : depth - std::min(s.count("max_window_layers", 28), depth);
  if (static_cast<Index>(types.size()) != depth)
    s.fail(fmt::format("'layer_types' has {} entries for {} layers", types.size(), depth));
  return std::count(types.begin(), types.end(), "sliding_attention");
}

void read_sliding_window(Settings const& s, SlidingWindow kind, Config& c) {
  bool const is_on = kind == SlidingWindow::always || s.flag("use_sliding_window", false);
  bool const has_window = is_on && !s.is_null("sliding_window");
  Index const layers = sliding_layers(s, kind, c.depth);
  if (!has_window) {
    if (s.has("layer_types") && layers > 0)
      s.fail("'layer_types' has \"sliding_attention\", but there is no window: set '" +
             std::string(is_on ? "sliding_window" : "use_sliding_window") + "'");
    return;
  }
  Index const window = s.integer("sliding_window", 4096);
  if (layers == c.depth)
    c.attention_window = window;
  else if (window < c.context && (layers > 0 || kind == SlidingWindow::always))
    s.fail(fmt::format(
        "'{}' gives {} of {} layers a window of {} tokens; Kyrtos has one for all "
        "layers or for none",
        s.has("layer_types") ? "layer_types" : "max_window_layers", layers, c.depth, window));
}

}  // namespace

Setting sliding_window(SlidingWindow kind) {
  bool const has_switch = kind == SlidingWindow::on_demand;
  std::vector<std::string> keys{"sliding_window", "layer_types"};
  if (has_switch) keys.insert(keys.end(), {"use_sliding_window", "max_window_layers"});
  auto const write = [=](Config const& c, Json& j) {
    // Without the key, those who read the file would assume a window.
    j["sliding_window"] = nullptr;
    if (c.attention_window == 0) return;
    j["sliding_window"] = c.attention_window;
    if (!has_switch) return;
    j["use_sliding_window"] = true;
    j["max_window_layers"] = 0;
  };
  return {keys, [=](Settings const& s, Config& c) { read_sliding_window(s, kind, c); }, write};
}

}  // namespace kyrtos::hugging_face
