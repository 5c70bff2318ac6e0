// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/text.hpp>
#include <kyrtos/io/path.hpp>

#include "config_keys.hpp"
#include "io/files/file_kind.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <sstream>

namespace kyrtos::train {

namespace {

using config::Key;

std::string const preset_key = "model.preset";

/// A TOML value with the key and the place that it was given at.
struct Setting {
  std::string path;
  toml::node const* value;
  std::string source;
};

[[noreturn]] void fail(Setting const& setting, std::string const& what) {
  auto const line = setting.value->source().begin.line;
  bool const is_file = !setting.source.starts_with("--set");
  throw ConfigError(is_file && line > 0 ? fmt::format("{}:{}: {}", setting.source, line, what)
                                        : fmt::format("{}: {}", setting.source, what));
}

/// Every value below `table`, with its full path.
void collect(toml::table const& table, std::string const& prefix, std::string const& source,
             std::vector<Setting>& settings) {
  for (auto const& [name, value] : table) {
    auto const path = prefix + std::string(name.str());
    if (auto const* const inner = value.as_table(); inner != nullptr && !inner->empty())
      collect(*inner, path + ".", source, settings);
    else
      settings.push_back({path, &value, source});
  }
}

/// Whether it is the heading of a known section without any keys.
bool is_section(Setting const& setting, std::vector<Key> const& keys) {
  return setting.value->is_table() && std::any_of(keys.begin(), keys.end(), [&](Key const& key) {
           return key.path.starts_with(setting.path + ".");
         });
}

/// `; did you mean …?` for a path: the same name in another section, else the nearest path.
std::string suggestion(std::string const& path, std::vector<Key> const& keys) {
  std::vector<std::string> paths{preset_key};
  for (auto const& key : keys) paths.push_back(key.path);
  auto const last = std::string_view(path).substr(path.find('.') + 1);  // npos + 1 is 0
  for (auto const& known : paths)
    if (std::string_view(known).substr(known.find('.') + 1) == last)
      return "; did you mean '" + known + "'?";
  return did_you_mean(path, paths);
}

/// Keys of earlier versions, which old configurations and checkpoints hold.
struct RetiredKey {
  char const* path;
  char const* harmless;  ///< As TOML: the value that changes nothing.
  char const* answer;    ///< To any other value.
};
constexpr RetiredKey retired_keys[] = {
    {"output.collective", "false",
     "is no more: collective MPI-IO may hang when a write fails; each rank writes for itself"}};

/// Whether it is a retired key that may be passed over. \throws ConfigError for one that may not.
bool is_retired(Setting const& setting) {
  for (auto const& key : retired_keys) {
    if (key.path != setting.path) continue;
    std::ostringstream value;
    value << toml::node_view<toml::node const>(setting.value);
    if (value.str() != key.harmless) fail(setting, setting.path + " " + key.answer);
    return true;
  }
  return false;
}

void set_preset(RunConfig& config, Setting const& preset) {
  auto const name = preset.value->value<std::string>().value_or("");
  if (name == "gpt2")
    config.model = model::gpt2_config();
  else if (name == "llama")
    config.model = model::llama_config();
  else
    fail(preset, preset_key + " must be one of \"gpt2\", \"llama\"");
}

/// Applies settings, the last of a key counts. A preset gives defaults, so it comes first.
void apply_settings(std::vector<Setting> const& settings, RunConfig& config) {
  for (auto const& setting : settings)
    if (setting.path == preset_key) set_preset(config, setting);
  auto const keys = config::keys_of(config);
  for (auto const& setting : settings) {
    if (setting.path == preset_key) continue;
    auto const key = std::find_if(keys.begin(), keys.end(),
                                  [&](Key const& k) { return k.path == setting.path; });
    if (key == keys.end()) {
      if (is_section(setting, keys) || is_retired(setting)) continue;
      fail(setting, "unknown key '" + shown(setting.path) + "'" + suggestion(setting.path, keys));
    }
    if (!key->set(*setting.value)) fail(setting, setting.path + " must be " + key->allowed);
  }
}

/// `a.b=c` as a table; c is TOML, or a bare word taken as a string.
toml::table parse_override(std::string const& text) {
  auto const equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw ConfigError("--set " + text + ": must have the form section.key=value");
  auto const key = text.substr(0, equals), value = text.substr(equals + 1);
  try {
    return toml::parse(key + " = " + value);
  } catch (toml::parse_error const&) {
    std::ostringstream string;
    string << toml::value<std::string>(value);
    try {
      return toml::parse(key + " = " + string.str());
    } catch (toml::parse_error const& error) {
      throw ConfigError("--set " + text + ": " + std::string(error.description()));
    }
  }
}

/// Muon's own norm, and what the sharpness in it goes with.
void check_spectral(RunConfig& c, std::string const& source) {
  using C = CurvatureConfig;
  auto& k = c.curvature;
  bool const is_muon = c.optimizer.kind == OptimizerConfig::Kind::muon;
  if (is_muon && k.matrix == C::Matrix::preconditioned && k.method != C::Method::critical)
    k.matrix = C::Matrix::spectral;
  bool const is_spectral = k.matrix == C::Matrix::spectral;
  auto const fail = [&](char const* what) { throw ConfigError(source + ": " + what); };
  if (!k.enabled) return;
  if (is_spectral && (k.method != C::Method::tracker || k.block > 1 || k.reference_every > 0))
    fail(
        "curvature.matrix = \"spectral\" is no eigenvalue: it needs curvature.method = "
        "\"tracker\", curvature.block = 1 and curvature.reference_every = 0");
  bool const needs_threshold =
      c.sharpness_cap > 0 || c.growth.when == growth::GrowthConfig::When::curvature;
  if (needs_threshold && is_muon != is_spectral && k.method != C::Method::critical)
    fail(
        "schedule.sharpness_cap and growth.when = \"curvature\" need a threshold: Muon has one "
        "with curvature.matrix = \"spectral\", which the others have none with");
}

/// What no single key can say.
void check_together(RunConfig& c, std::string const& source) {
  if (c.schedule.total_steps == 0) c.schedule.total_steps = c.training.steps;
  if (c.training.length == 0) c.training.length = c.model.context;
  auto const fail = [&](std::string const& what) { throw ConfigError(source + ": " + what); };
  if (c.curvature.min_hvps > c.curvature.max_hvps)
    fail("curvature.min_hvps must not exceed curvature.max_hvps");
  if (c.curvature.block > std::min(c.curvature.max_hvps, c.curvature.cold_hvps))
    fail(
        "curvature.max_hvps and cold_hvps must allow one product for each vector of "
        "curvature.block");
  if (c.growth.initial_depth > c.model.depth)
    fail(fmt::format("growth.initial_depth = {} exceeds model.depth = {}", c.growth.initial_depth,
                     c.model.depth));
  if (c.growth.entry == growth::GrowthConfig::Entry::gate &&
      c.growth.when != growth::GrowthConfig::When::never)
    c.model.gated = true;
  if (c.growth.when != growth::GrowthConfig::When::never &&
      c.model.norm_position == model::NormPosition::post)
    fail(
        "growth needs blocks that can enter as the identity, which model.norm_position = \"post\" "
        "does not have; take \"pre\" or \"reordered\"");
  if (c.growth.when == growth::GrowthConfig::When::curvature && !c.curvature.enabled)
    fail("growth.when = \"curvature\" needs curvature.enabled = true");
  if (c.training.qk_clip > 0 && c.model.qk_norm)
    fail("training.qk_clip has no effect on queries and keys that model.qk_norm normalises");
  if (c.curvature.reference_every > 0 && c.curvature.method == CurvatureConfig::Method::critical)
    fail("curvature.reference_every needs an operator: curvature.method = \"tracker\" or \"cold\"");
  if (c.curvature.parts && c.curvature.method == CurvatureConfig::Method::critical)
    fail("curvature.parts needs an operator: curvature.method = \"tracker\" or \"cold\"");
  bool const is_checked = c.curvature.enabled && c.curvature.check_every > 0;
  if (is_checked && c.curvature.method != CurvatureConfig::Method::tracker)
    fail("curvature.check_every needs a direction: curvature.method = \"tracker\"");
  if (c.sharpness_cap > 0 && !c.curvature.enabled)
    fail("schedule.sharpness_cap needs curvature.enabled = true");
  bool const rounds = c.curvature.precision != CurvatureConfig::Factors::training;
  if (rounds && c.training.precision != Precision::float32)
    fail(
        "curvature.precision rounds factors of float32: it needs training.precision = \"float32\"");
  if (rounds && c.curvature.probe == CurvatureConfig::Probe::batch)
    fail(
        "curvature.precision needs curvature.probe = \"fixed\" or \"stream\": the batch's own "
        "activations are in training's precision");
  bool const is_on_batch = c.curvature.probe == CurvatureConfig::Probe::batch;
  if (c.curvature.enabled && c.curvature.along_update && !is_on_batch)
    fail("curvature.along_update needs curvature.probe = \"batch\"");
  if (c.curvature.enabled && is_on_batch && c.curvature.probe_sequences > c.training.batch)
    fail(
        fmt::format("curvature.probe_sequences = {} exceeds training.batch = {}, of which they are",
                    c.curvature.probe_sequences, c.training.batch));
  if (c.training.micro_batch > 0 && c.training.batch % c.training.micro_batch != 0)
    fail(fmt::format("training.micro_batch = {} must divide training.batch = {}",
                     c.training.micro_batch, c.training.batch));
  if (c.model.positions == model::Positions::learned && c.training.length > c.model.context)
    fail(fmt::format("training.length = {} exceeds model.context = {}", c.training.length,
                     c.model.context));
  if (c.data.loss_until >= 0 && c.data.loss_after < 0)
    fail("data.loss_until needs data.loss_after, behind which targets count");
  for (auto const& [key, token] :
       {std::pair("loss_after", c.data.loss_after), {"loss_until", c.data.loss_until}})
    if (token >= c.model.vocabulary && !c.model.continuous())
      fail(fmt::format("data.{} = {} must be less than model.vocabulary = {}", key, token,
                       c.model.vocabulary));
  check_spectral(c, source);
  try {
    c.model = c.model.resolved();
  } catch (ConfigError const& error) {
    fail(error.what());
  }
  check_sizes(c, source);
}

/// Where a configuration is given, not where one that was stored is read: what a run was started
/// with may not be set any more.
void expand_paths(RunConfig& c, std::string const& source) {
  auto const expand = [&](char const* key, std::string& value) {
    try {
      value = io::expanded_path(value);
    } catch (FileError const& error) {
      throw ConfigError(fmt::format("{}: {} = {}", source, key, error.what()));
    }
  };
  for (auto& file : c.data.train) expand("data.train", file);
  for (auto& file : c.data.validation) expand("data.validation", file);
  expand("training.start", c.training.start);
  expand("output.directory", c.output.directory);
}

/// Where nobody says where to measure: what can't be measured on the step's own batch has a fixed
/// probe.
void choose_probe(std::vector<Setting> const& settings, CurvatureConfig& c) {
  bool const is_given = std::any_of(settings.begin(), settings.end(), [](Setting const& setting) {
    return setting.path == "curvature.probe";
  });
  bool const fits_batch = c.method != CurvatureConfig::Method::critical &&
                          c.matrix != CurvatureConfig::Matrix::gauss_newton &&
                          c.precision == CurvatureConfig::Factors::training;
  if (!is_given && !fits_batch) c.probe = CurvatureConfig::Probe::fixed;
}

/// `name = value` for every key, below the headings of their sections, with a remark each.
template <class Remark>
std::string by_section(RunConfig& config, Remark const& remark) {
  std::string text, section;
  for (auto const& key : config::keys_of(config)) {
    auto const dot = key.path.find('.');
    if (key.path.substr(0, dot) != section) {
      section = key.path.substr(0, dot);
      text += (text.empty() ? "[" : "\n[") + section + "]\n";
    }
    text += key.path.substr(dot + 1) + " = " + key.text() + remark(key) + "\n";
  }
  return text;
}

}  // namespace

void check_sizes(RunConfig const& c, std::string const& source) {
  constexpr double most = 0x1p60;  // bytes
  auto const number = [](Index value) { return static_cast<double>(value); };
  auto const check = [&](std::string const& key, Index value, char const* what, double bytes) {
    if (bytes > most)
      throw ConfigError(fmt::format("{}: {} = {}: {} would take {:.3g} TB of memory; lower it",
                                    source, key, value, what, bytes * 1e-12));
  };
  double const length = number(c.training.length), tokens = 2 * sizeof(Token) * length;
  double const widest = number(std::max({c.model.width, c.model.mlp_width, c.model.vocabulary}));
  double const activations =
      length * sizeof(double) * (number(c.model.depth) * 10 * number(c.model.width) + widest);
  check("training.length", c.training.length, "the activations of a sequence", activations);
  check("training.micro_batch", c.training.micro_batch, "its activations",
        number(c.training.micro_batch) * activations);
  bool const is_whole = c.training.micro_batch == 0;
  check("training.batch", c.training.batch, is_whole ? "its activations" : "its tokens",
        number(c.training.batch) * (is_whole ? activations : tokens));
  check("curvature.probe_sequences", c.curvature.probe_sequences,
        is_whole ? "its activations" : "its tokens",
        number(c.curvature.probe_sequences) * (is_whole ? activations : tokens));
}

Precision product_precision(RunConfig const& config) {
  using Factors = CurvatureConfig::Factors;
  return config.curvature.precision == Factors::bf16   ? Precision::bf16
         : config.curvature.precision == Factors::tf32 ? Precision::tf32
                                                       : config.training.precision;
}

RunConfig parse_config(std::string const& text, std::string const& source,
                       std::vector<std::string> const& overrides) {
  auto const table = config::parse_toml(text, source);
  std::vector<Setting> settings;
  collect(table, "", source, settings);
  std::vector<toml::table> tables;  // which the settings point into
  tables.reserve(overrides.size());
  for (auto const& one : overrides) {
    tables.push_back(parse_override(one));
    collect(tables.back(), "", "--set " + one, settings);
  }
  RunConfig config;
  apply_settings(settings, config);
  choose_probe(settings, config.curvature);
  check_together(config, source);
  return config;
}

RunConfig load_config(std::string const& path, std::vector<std::string> const& overrides) {
  constexpr char wanted[] = "a configuration (TOML)";
  auto const text = io::read_text_file(path, wanted);
  try {
    auto config = parse_config(text, path, overrides);
    expand_paths(config, path);
    return config;
  } catch (ConfigError const&) {
    auto const look = io::look_of(text, text.size());
    if (look.kind != io::FileKind::text) io::refuse(path, look, wanted);
    throw;
  }
}

std::map<std::string, Precision> const& precisions() {
  static std::map<std::string, Precision> const names{{"float32", Precision::float32},
                                                      {"float64", Precision::float64},
                                                      {"bf16", Precision::bf16},
                                                      {"tf32", Precision::tf32}};
  return names;
}

std::string name_of(Precision precision) {
  for (auto const& [name, named] : precisions())
    if (named == precision) return name;
  return {};
}

std::string to_toml(RunConfig const& config) {
  RunConfig copy = config;
  return by_section(copy, [](Key const&) { return std::string(); });
}

std::string config_reference() {
  RunConfig defaults;
  return "# model.preset = \"gpt2\" or \"llama\" replaces the defaults of [model].\n\n" +
         by_section(defaults, [](Key const& key) {
           return fmt::format("  # {} ({})", key.help, key.allowed);
         });
}

}  // namespace kyrtos::train
