// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/version.hpp>
#include <kyrtos/parallel/agreement.hpp>
#include <kyrtos/train/run_record.hpp>

#include "io/files/file_kind.hpp"
#include "io/files/replacement.hpp"
#include "io/hdf5/hdf5.hpp"
#include "step_fields.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <unistd.h>

namespace kyrtos::train {

namespace {

namespace hdf5 = io::hdf5;
using step_fields::Field;
using step_fields::Kind;

constexpr char run_format[] = "kyrtos run";
constexpr std::int64_t run_version = 1;
/// Numbers by name: objects in a JSON line, and groups of columns in run.h5.
struct NamedField {
  char const* name;
  NamedNumbers StepReport::*member;
};
constexpr NamedField named_fields[] = {{"mass", &StepReport::mass},
                                       {"part_lambda", &StepReport::part_lambda},
                                       {"weight_norms", &StepReport::weight_norms},
                                       {"update_norms", &StepReport::update_norms}};

constexpr char wanted_record[] = "the record of a run (metrics.jsonl or run.h5)";
constexpr char steps_path[] = "metrics/step", quality_path[] = "metrics/quality";

}  // namespace

// ---- One step as JSON --------------------------------------------------------------------------

std::string to_json(StepReport const& report) {
  nlohmann::ordered_json object;
  for (Field const& field : step_fields::all) {
    auto const value = field.get(report);
    if (!value || !std::isfinite(*value)) continue;
    if (field.kind == Kind::real) object[field.name] = *value;
    if (field.kind == Kind::integer) object[field.name] = static_cast<std::int64_t>(*value);
    if (field.kind == Kind::flag) object[field.name] = *value != 0;
  }
  if (report.sharpness) object["quality"] = curvature::to_string(report.sharpness->quality);
  for (auto const& [key, member] : named_fields)
    for (auto const& [name, value] : report.*member)
      if (std::isfinite(value)) object[key][name] = value;
  return object.dump();
}

namespace {

/// What a record may hold under the field's name.
std::string wanted(Field const& field) {
  if (field.kind == Kind::integer)
    return fmt::format("an integer from 0 to {}", static_cast<std::int64_t>(field.largest));
  return field.kind == Kind::flag ? "true or false" : "a number";
}

/// Nothing for another word.
std::optional<curvature::Quality> quality_from(std::string_view word) {
  using curvature::Quality;
  for (auto const quality : {Quality::converged, Quality::following, Quality::lost})
    if (curvature::to_string(quality) == word) return quality;
  return std::nullopt;
}

/// What the object holds under the field's name.
std::optional<double> number_in(nlohmann::ordered_json const& object, Field const& field) {
  auto const found = object.find(field.name);
  if (found == object.end()) return std::nullopt;
  bool const fits = field.kind == Kind::flag ? found->is_boolean()
                    : field.kind == Kind::integer
                        ? found->is_number_integer() && field.takes(found->get<double>())
                        : found->is_number();
  if (!fits) throw FileError(fmt::format("'{}' must be {}", field.name, wanted(field)));
  return field.kind == Kind::flag ? found->get<bool>() : found->get<double>();
}

NamedNumbers named_numbers_in(nlohmann::ordered_json const& object, char const* key) {
  NamedNumbers numbers;
  auto const found = object.find(key);
  if (found == object.end()) return numbers;
  if (!found->is_object()) throw FileError(fmt::format("'{}' must be an object of numbers", key));
  for (auto const& [name, value] : found->items()) {
    if (!value.is_number()) throw FileError(fmt::format("'{}.{}' must be a number", key, name));
    numbers.emplace_back(name, value.template get<double>());
  }
  return numbers;
}

}  // namespace

StepReport from_json(std::string const& line) {
  auto const object = nlohmann::ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) throw FileError("is not a JSON object");
  if (!object.contains("step")) throw FileError("has no 'step'");
  StepReport report;
  for (Field const& field : step_fields::all) field.set(report, number_in(object, field));
  if (auto const quality = object.find("quality"); quality != object.end()) {
    auto const known = quality_from(quality->is_string() ? quality->get<std::string>() : "");
    if (!known) throw FileError("'quality' must be converged, following or lost");
    if (!report.sharpness) report.sharpness.emplace();
    report.sharpness->quality = *known;
  }
  for (auto const& [key, member] : named_fields) report.*member = named_numbers_in(object, key);
  return report;
}

// ---- metrics.jsonl -----------------------------------------------------------------------------

namespace {

struct Line {
  std::string text;  ///< As it stands, unknown keys included.
  StepReport report;
};

/// Of a line that has no meaning.
[[noreturn]] void refuse_line(std::string const& path, std::size_t number, char const* fault) {
  auto const advice = number == 1 ? "is it a run's metrics.jsonl? then repair" : "repair";
  throw FileError(fmt::format("{}:{}: {}; {} or remove this line", path, number, fault, advice));
}

/// All lines; but for the last one where it has no end and is no JSON, because the program was
/// killed while it wrote it.
std::vector<Line> read_lines(std::string const& path) {
  auto const look = io::look_at(path);
  if (look.kind == io::FileKind::special) io::refuse(path, look, wanted_record);
  std::ifstream file(path, std::ios::binary);
  bool const is_record = file.peek() == '{' && look.kind != io::FileKind::json_index;
  if (!is_record && look.kind != io::FileKind::empty) io::refuse(path, look, wanted_record);
  std::vector<Line> lines;
  for (std::string text; std::getline(file, text);) {
    bool const is_torn = file.eof() && !nlohmann::json::accept(text);
    try {
      lines.push_back({text, from_json(text)});
    } catch (FileError const& error) {
      if (!is_torn) refuse_line(path, lines.size() + 1, error.what());
    }
  }
  return lines;
}

// ---- run.h5 ------------------------------------------------------------------------------------

void write_column(hid_t file, std::string const& name, std::vector<double> const& values) {
  hdf5::write_numbers(file, "metrics/" + name, values, {static_cast<Index>(values.size())});
}

void write_field(hid_t file, Field const& field, std::vector<StepReport> const& reports) {
  std::vector<double> values;
  for (auto const& report : reports)
    values.push_back(field.get(report).value_or(std::numeric_limits<double>::quiet_NaN()));
  write_column(file, field.name, values);
}

/// One column for each name that some step has.
void write_named(hid_t file, NamedField const& field, std::vector<StepReport> const& reports) {
  std::vector<double> const empty(reports.size(), std::numeric_limits<double>::quiet_NaN());
  std::map<std::string, std::vector<double>> columns;
  for (std::size_t step = 0; step < reports.size(); ++step)
    for (auto const& [name, value] : reports[step].*field.member)
      columns.try_emplace(name, empty).first->second[step] = value;
  for (auto const& [name, values] : columns)
    write_column(file, std::string(field.name) + '/' + name, values);
}

void write_quality(hid_t file, std::vector<StepReport> const& reports) {
  std::vector<std::string> words;
  for (auto const& report : reports)
    words.emplace_back(report.sharpness ? curvature::to_string(report.sharpness->quality) : "");
  hdf5::write_texts(file, quality_path, words);
}

std::size_t bytes_of(std::vector<StepReport> const& reports) {
  std::size_t columns = std::size(step_fields::all) + 2;  // with the words on quality
  for (auto const& field : named_fields) {
    std::size_t most = 0;
    for (auto const& report : reports) most = std::max(most, (report.*field.member).size());
    columns += most;
  }
  return columns * (reports.size() * sizeof(double) + 1024);
}

void write_hdf5(std::string const& path, std::string const& config,
                std::vector<StepReport> const& reports) {
  auto const bytes = bytes_of(reports) + config.size() + 65536;
  hdf5::replace_file(path, bytes, [&](hid_t file) {
    hdf5::write_text(file, "format", run_format);
    hdf5::write_integer(file, "version", run_version);
    hdf5::write_text(file, "writer", std::string("kyrtos ") + version());
    hdf5::write_text(file, "config", config);
    for (Field const& field : step_fields::all) write_field(file, field, reports);
    for (auto const& field : named_fields) write_named(file, field, reports);
    write_quality(file, reports);
  });
}

/// A column of the group `metrics`; not-a-number where a step has none.
std::vector<double> read_column(hid_t file, std::string const& path, std::string const& name,
                                std::size_t steps) {
  auto const values = hdf5::read_values<double>(hdf5::open_object(file, name), name);
  if (values.size() != steps)
    throw FileError(fmt::format("{}: '{}' has {} steps, not {}", path, name, values.size(), steps));
  return values;
}

void read_field(hid_t file, std::string const& path, Field const& field,
                std::vector<StepReport>& reports) {
  auto const name = std::string("metrics/") + field.name;
  std::vector<double> values(reports.size(), std::numeric_limits<double>::quiet_NaN());
  if (hdf5::exists(file, name)) values = read_column(file, path, name, reports.size());
  bool const is_in_every_step = name == steps_path;
  for (std::size_t i = 0; i < values.size(); ++i) {
    bool const is_absent = std::isnan(values[i]) && !is_in_every_step;
    if (!is_absent && !field.takes(values[i]))
      throw FileError(
          fmt::format("{}: '{}' holds {}, which must be {}", path, name, values[i], wanted(field)));
    field.set(reports[i], is_absent ? std::nullopt : std::optional(values[i]));
  }
}

void read_named(hid_t file, std::string const& path, NamedField const& field,
                std::vector<StepReport>& reports) {
  auto const group = std::string("metrics/") + field.name;
  if (!hdf5::exists(file, group)) return;
  for (auto const& name : hdf5::names_in(hdf5::open_object(file, group))) {
    auto const values = read_column(file, path, group + '/' + name, reports.size());
    for (std::size_t step = 0; step < values.size(); ++step)
      if (!std::isnan(values[step])) (reports[step].*field.member).emplace_back(name, values[step]);
  }
}

void read_quality(hid_t file, std::string const& path, std::vector<StepReport>& reports) {
  auto const dataset = hdf5::open_object(file, quality_path);
  hdf5::Handle const type(H5Dget_type(dataset), H5Tclose);
  std::size_t const length = H5Tget_size(type);
  if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) > 0 ||
      hdf5::shape_of(dataset) != std::vector{static_cast<Index>(reports.size())})
    throw FileError(fmt::format("{}: '{}' must hold {} strings of a fixed length", path,
                                quality_path, reports.size()));
  std::string texts(hdf5::count_values(dataset, quality_path) * length, '\0');
  hdf5::checked(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts.data()), file,
                std::string("can't read '") + quality_path + "'");
  for (std::size_t i = 0; i < reports.size(); ++i) {
    std::string const quality = texts.substr(i * length, length).c_str();  // without filling zeros
    auto const known = quality_from(quality);
    if (!known && !quality.empty())
      throw FileError(
          fmt::format("{}: '{}' must hold converged, following or lost", path, quality_path));
    if (known && reports[i].sharpness) reports[i].sharpness->quality = *known;
  }
}

std::vector<StepReport> read_hdf5(std::string const& path) {
  hdf5::QuietErrors const quiet;
  auto const file = hdf5::open_file(path, wanted_record);
  if (hdf5::read_text(file, "format") != run_format)
    throw FileError(
        fmt::format("{}: is no record of a run; its 'format' must be '{}'", path, run_format));
  hdf5::require_version(file, path, run_version);
  auto const steps = hdf5::open_object(file, steps_path);
  if (hdf5::shape_of(steps).size() != 1)
    throw FileError(fmt::format("{}: '{}' must have one dimension", path, steps_path));
  std::vector<StepReport> reports(hdf5::count_values(steps, steps_path));
  for (Field const& field : step_fields::all) read_field(file, path, field, reports);
  for (auto const& field : named_fields) read_named(file, path, field, reports);
  read_quality(file, path, reports);
  return reports;
}

std::vector<StepReport> reports_of(std::vector<Line> const& lines) {
  std::vector<StepReport> reports;
  for (auto const& line : lines) reports.push_back(line.report);
  return reports;
}

}  // namespace

// ---- The record --------------------------------------------------------------------------------

RunRecord::RunRecord(Communicator const& communicator, std::string const& directory,
                     std::string const& config, Index last_step)
    : communicator_(communicator), directory_(directory), config_(config) {
  parallel::on_root<FileError>(communicator_, [&] {
    std::error_code error;
    std::filesystem::create_directories(directory_, error);
    if (error) throw FileError(directory_ + ": can't be made: " + error.message());
    std::vector<Line> lines;
    if (std::filesystem::exists(jsonl_path())) lines = read_lines(jsonl_path());
    std::erase_if(lines, [&](Line const& line) { return line.report.step > last_step; });
    std::string text;
    for (auto const& line : lines) text += line.text + '\n';
    io::write_text_file(jsonl_path(), text);
    reports_ = reports_of(lines);
  });
  save();
}

void RunRecord::append(StepReport const& report) {
  if (communicator_.is_root()) {
    reports_.push_back(report);
    unwritten_ += to_json(report) + '\n';
  }
  flush();
}

void RunRecord::flush() {
  parallel::on_root<FileError>(communicator_, [&] {
    if (unwritten_.empty()) return;
    auto const path = jsonl_path();
    int const file = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0) throw FileError(path + ": can't be opened: " + std::strerror(errno));
    auto const before = lseek(file, 0, SEEK_END);
    ssize_t const written = write(file, unwritten_.data(), unwritten_.size());
    int const error = written < 0 ? errno : ENOSPC;
    bool const is_whole = written == static_cast<ssize_t>(unwritten_.size());
    // Half a line would spoil the next.
    bool const is_undone = !is_whole && ftruncate(file, before) == 0;
    close(file);
    if (!is_whole)
      throw FileError(fmt::format("{}: can't be written: {}; make room on the disk{}", path,
                                  std::strerror(error), is_undone ? "" : ", and repair its end"));
    unwritten_.clear();
  });
}

void RunRecord::save() {
  hdf5::QuietErrors const quiet;
  parallel::on_root<FileError>(communicator_, [&] { write_hdf5(hdf5_path(), config_, reports_); });
}

std::vector<StepReport> read_run(std::string const& path) {
  namespace fs = std::filesystem;
  std::error_code none;
  if (fs::is_directory(path, none)) {
    auto const lines = path + "/metrics.jsonl", columns = path + "/run.h5";
    return read_run(fs::exists(lines, none) || !fs::exists(columns, none) ? lines : columns);
  }
  bool const has_columns = io::look_at(path).kind == io::FileKind::hdf5 || path.ends_with(".h5");
  return has_columns ? read_hdf5(path) : reports_of(read_lines(path));
}

}  // namespace kyrtos::train
