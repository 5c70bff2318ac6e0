// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/train/run_history.hpp>
#include <kyrtos/train/run_record.hpp>
#include <kyrtos/train/run_training.hpp>

#include "info.hpp"
#include "io/hdf5/hdf5.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sstream>

namespace kyrtos::program {

namespace {

namespace fs = std::filesystem;
namespace hdf5 = io::hdf5;

// ---- The configuration -------------------------------------------------------------------------

/// TOML as JSON: the same but for some strings.
Facts value_of(std::string const& toml) {
  auto const value = Facts::parse(toml, nullptr, /*allow_exceptions=*/false);
  return value.is_discarded() ? Facts(toml) : value;
}

/// [model], all that is derived filled in.
Facts model_facts(train::RunConfig const& config) {
  std::istringstream toml(train::to_toml(config));
  Facts facts;
  bool is_model = false;
  for (std::string line; std::getline(toml, line);) {
    if (line.starts_with("[")) is_model = line == "[model]";
    auto const equals = line.find(" = ");
    if (!is_model || equals == std::string::npos) continue;
    facts[line.substr(0, equals)] = value_of(line.substr(equals + 3));
  }
  return facts;
}

/// The model, and every other setting that is not the default. A configuration that can't be read
/// is worth knowing, but the rest is too.
void add_config(std::string const& text, std::string const& source, Facts& facts) {
  try {
    auto const config = train::parse_config(text, source);
    facts["model"] = model_facts(config);
    for (auto const& change : train::changes_from_defaults(config))
      facts["settings"][change.key] = value_of(change.now);
  } catch (Error const& error) {
    facts["model"] = std::string("can't be read: ") + error.what();
  }
}

// ---- HDF5 --------------------------------------------------------------------------------------

/// The datasets that lie in one group.
struct Group {
  Index datasets = 0, checksums = 0, elements = 0, bytes = 0;
  std::string type;
};

std::string type_name(hid_t type) {
  auto const bits = 8 * H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_FLOAT:
      return fmt::format("float{}", bits);
    case H5T_INTEGER:
      return fmt::format("int{}", bits);
    case H5T_STRING:
      return "text";
    default:
      return "other";
  }
}

Group& operator+=(Group& group, hdf5::Handle const& dataset) {
  hdf5::Handle const type(H5Dget_type(dataset), H5Tclose);
  Index elements = 1;
  for (Index const extent : hdf5::shape_of(dataset)) elements *= extent;
  ++group.datasets;
  group.checksums += hdf5::read_checksum(dataset, "checksum") ? 1 : 0;
  group.elements += elements;
  group.bytes += elements * static_cast<Index>(H5Tget_size(type));
  auto const name = type_name(type);
  if (group.type.empty()) group.type = name;
  if (group.type != name) group.type = "mixed";
  return group;
}

/// Every group below, with the datasets that lie directly in it. Groups of a hostile file may
/// contain themselves.
void collect(hid_t location, std::string const& path,
             std::vector<std::pair<std::string, Group>>& groups) {
  if (std::count(path.begin(), path.end(), '/') > 32)
    throw FileError(path + ": groups are nested more than 32 deep");
  Group own;
  std::vector<std::string> inner;
  for (auto const& name : hdf5::names_in(location)) {
    auto const object = hdf5::open_object(location, name);
    if (hdf5::is_group(object))
      inner.push_back(name);
    else
      own += object;
  }
  if (own.datasets > 0) groups.emplace_back(path.empty() ? "/" : path, own);
  for (auto const& name : inner)
    collect(hdf5::open_object(location, name), path.empty() ? name : path + "/" + name, groups);
}

Facts to_facts(std::vector<std::pair<std::string, Group>> const& groups) {
  Facts list = Facts::array();
  for (auto const& [name, group] : groups)
    list.push_back({{"name", name},
                    {"datasets", group.datasets},
                    {"elements", group.elements},
                    {"type", group.type},
                    {"size_bytes", group.bytes}});
  return list;
}

std::string checksum_status(std::vector<std::pair<std::string, Group>> const& groups) {
  Index datasets = 0, checksums = 0;
  for (auto const& [name, group] : groups) {
    datasets += group.datasets;
    checksums += group.checksums;
  }
  return fmt::format("on {} of {} datasets", checksums, datasets);
}

Facts header_facts(std::string const& path, hid_t file) {
  auto const format = hdf5::read_text(file, "format");
  if (!format || !format->starts_with("kyrtos "))
    throw FileError(path +
                    ": is HDF5, but no attribute 'format' says that it is a checkpoint, run, "
                    "vectors or curvature of Kyrtos");
  Facts facts{{"file", path}, {"format", *format}};
  if (auto const version = hdf5::read_integer(file, "version")) facts["version"] = *version;
  if (auto const writer = hdf5::read_text(file, "writer")) facts["writer"] = *writer;
  facts["size_bytes"] = fs::file_size(path);
  return facts;
}

/// What a checkpoint says of its training, which a foreign one may not.
void add_state(hid_t file, Facts& facts) {
  auto const state = Facts::parse(hdf5::read_text(file, "state").value_or(""), nullptr, false);
  if (!state.is_object()) return;
  for (char const* key : {"step", "optimizer", "optimizer_steps"})
    if (state.contains(key)) facts[key] = state[key];
}

void add_checkpoint(std::string const& path, hid_t file, Facts& facts) {
  add_state(file, facts);
  std::vector<std::pair<std::string, Group>> groups;
  collect(file, "", groups);
  for (auto const& [name, group] : groups)
    if (name == "parameters") {
      facts["parameters"] = group.elements;
      facts["type"] = group.type;
    }
  if (auto const config = hdf5::read_text(file, "config")) add_config(*config, path, facts);
  facts["groups"] = to_facts(groups);
  facts["checksums"] = checksum_status(groups);
}

// ---- Runs --------------------------------------------------------------------------------------

void add_losses(std::vector<train::StepReport> const& steps, Facts& facts) {
  facts["steps"] = steps.back().step;
  facts["first_loss"] = steps.front().loss;
  facts["last_loss"] = steps.back().loss;
  train::StepReport const* best = nullptr;
  for (auto const& step : steps)
    if (step.validation_loss && (best == nullptr || *step.validation_loss < *best->validation_loss))
      best = &step;
  if (best != nullptr)
    facts["best_validation_loss"] = {{"value", *best->validation_loss}, {"step", best->step}};
}

void add_last_sharpness(std::vector<train::StepReport> const& steps, Facts& facts) {
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (!step->sharpness || !step->sharpness->lambda) continue;
    auto const& c = *step->sharpness;
    facts["last_lambda"] = {
        {"value", *c.lambda}, {"quality", curvature::to_string(c.quality)}, {"step", step->step}};
    if (c.residual) facts["last_lambda"]["residual"] = *c.residual;
    if (c.threshold_ratio) facts["last_lambda"]["threshold_ratio"] = *c.threshold_ratio;
    return;
  }
}

void add_run(std::string const& path, Facts& facts) {
  auto const steps = train::read_run(path);
  if (steps.empty()) {
    facts["steps"] = 0;
    return;
  }
  add_losses(steps, facts);
  add_last_sharpness(steps, facts);
}

void add_directory(std::string const& path, Facts& facts) {
  if (std::ifstream config(path + "/config.toml"); config) {
    std::stringstream text;
    text << config.rdbuf();
    add_config(text.str(), path + "/config.toml", facts);
  }
  for (auto const& resumption : train::read_resumptions(path)) {
    Facts changes = Facts::array();
    for (auto const& change : resumption.changes) changes.push_back(to_string(change));
    facts["resumes"].push_back({{"after_step", resumption.step}, {"changes", changes}});
  }
  auto const checkpoints = io::list_checkpoints(path + "/checkpoints");
  facts["checkpoints"] = checkpoints.size();
  if (!checkpoints.empty()) facts["newest_checkpoint"] = checkpoints.front();
}

Facts hdf5_facts(std::string const& path) {
  hdf5::QuietErrors const quiet;
  auto const file =
      hdf5::open_file(path, "a checkpoint, another HDF5 file of Kyrtos or a record (.jsonl)");
  auto facts = header_facts(path, file);
  auto const format = facts["format"].get<std::string>();
  if (format == "kyrtos run") {
    add_run(path, facts);
  } else if (format == "kyrtos curvature") {
    auto const summary = hdf5::read_text(file, "summary").value_or("");
    facts["summary"] = Facts::parse(summary, nullptr, false);
  } else {
    add_checkpoint(path, file, facts);
  }
  return facts;
}

}  // namespace

Facts file_facts(std::string const& path) {
  std::error_code none;
  bool const is_directory = fs::is_directory(path, none);
  bool const has_record =
      is_directory && (fs::exists(path + "/metrics.jsonl") || fs::exists(path + "/run.h5"));
  if (is_directory && !has_record) return hdf5_facts(train::find_checkpoint(path));
  if (!has_record && !path.ends_with(".jsonl")) return hdf5_facts(path);
  Facts facts{{is_directory ? "run" : "file", path}};
  add_run(path, facts);
  if (is_directory) add_directory(path, facts);
  return facts;
}

}  // namespace kyrtos::program
