// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "file.hpp"

#include <kyrtos/core/version.hpp>

#include "../common/output.hpp"
#include "io/hdf5/hdf5.hpp"
#include "report.hpp"
#include "series.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <map>

namespace kyrtos::program {

namespace {

namespace hdf5 = io::hdf5;
constexpr char format[] = "kyrtos curvature";
constexpr std::uint64_t most_bytes = 1 << 20;  // or hardly more

using curvature::Eigenvalue;
using Numbers = std::vector<double>;

void write(hid_t file, std::string const& name, Numbers const& values, std::vector<Index> shape) {
  if (!values.empty()) hdf5::write_numbers(file, name, values, shape);
}

void write(hid_t file, std::string const& name, Numbers const& values) {
  write(file, name, values, {static_cast<Index>(values.size())});
}

/// The outermost of each, NaN where there is none: `which` is &Eigenvalue::value or ::residual.
Numbers column(std::vector<PartEnds> const& parts, std::vector<Eigenvalue> SpectrumEnds::*end,
               double Eigenvalue::*which) {
  Numbers values;
  for (auto const& part : parts) {
    auto const& pairs = part.ends.*end;
    values.push_back(pairs.empty() ? NAN : pairs.front().*which);
  }
  return values;
}

Numbers column(std::vector<Eigenvalue> const& pairs, double Eigenvalue::*which) {
  Numbers values;
  for (auto const& pair : pairs) values.push_back(pair.*which);
  return values;
}

void write_parts(hid_t file, std::vector<PartEnds> const& parts) {
  Numbers sizes;
  std::vector<std::string> names;
  for (auto const& part : parts) {
    sizes.push_back(static_cast<double>(part.parameters));
    names.push_back(part.name);
  }
  hdf5::write_texts(file, "parts/name", names);
  write(file, "parts/parameters", sizes);
  for (auto const& [name, end] : {std::pair("parts/largest", &SpectrumEnds::largest),
                                  {"parts/smallest", &SpectrumEnds::smallest}}) {
    write(file, name, column(parts, end, &Eigenvalue::value));
    write(file, std::string(name) + "_residual", column(parts, end, &Eigenvalue::residual));
  }
}

/// Rows of one length: probes that ended early are filled up with nodes of no weight.
void write_quadrature(hid_t file, std::vector<curvature::Quadrature> const& probes) {
  std::size_t length = 0;
  for (auto const& probe : probes) length = std::max(length, probe.nodes.size());
  Numbers nodes, weights;
  for (auto const& probe : probes)
    for (std::size_t j = 0; j < length; ++j) {
      bool const is_there = j < probe.nodes.size();
      nodes.push_back(is_there ? probe.nodes[j] : NAN);
      weights.push_back(is_there ? probe.weights[j] : 0);
    }
  std::vector<Index> const shape{static_cast<Index>(probes.size()), static_cast<Index>(length)};
  write(file, "spectrum/nodes", nodes, shape);
  write(file, "spectrum/weights", weights, shape);
}

void write_head(hid_t file, CurvatureOptions const& o) {
  hdf5::write_text(file, "format", format);
  hdf5::write_integer(file, "version", 1);
  hdf5::write_text(file, "writer", std::string("kyrtos ") + version());
  hdf5::write_text(file, "matrix", name_of(o.matrix));
  hdf5::write_text(file, "method", name_of(o.method));
}

void write_attributes(hid_t file, CurvatureResult const& r) {
  write_head(file, r.options);
  hdf5::write_text(file, "checkpoint", r.checkpoint);
  hdf5::write_integer(file, "hvps", r.hvps);
  hdf5::write_text(file, "summary", to_json(r, Detail::summary));
  hdf5::write_text(file, "config", r.config);
}

void write_series(hid_t file, std::vector<CurvatureResult> const& series) {
  std::map<std::string, Numbers> columns;
  auto const add = [&](std::string const& name, bool is_there, double value) {
    columns["series/" + name].push_back(is_there ? value : NAN);
  };
  auto const add_end = [&](std::string const& name, std::vector<Eigenvalue> const& values) {
    auto const found = values.empty() ? Eigenvalue{NAN, NAN} : values.front();
    add(name, true, found.value);
    add(name + "_residual", true, found.residual);
  };
  for (auto const& r : series) {
    auto const spread = spread_of(r.batches);
    auto const trace = r.trace.value_or(curvature::TraceEstimate());
    add("step", r.step.has_value(), static_cast<double>(r.step.value_or(0)));
    add("loss", true, r.loss);
    add_end("largest", r.ends.largest);
    add_end("smallest", r.ends.smallest);
    auto const gauss_newton = r.gauss_newton.value_or(SpectrumEnds());
    add_end("gauss_newton", gauss_newton.largest);
    add("batch_mean", !r.batches.empty(), spread.mean);
    add("batch_standard_error", !r.batches.empty(), spread.standard_error);
    add("threshold_ratio", r.threshold_ratio.has_value(), r.threshold_ratio.value_or(0));
    add("trace", r.trace.has_value(), trace.value);
    add("trace_standard_error", r.trace.has_value(), trace.standard_error);
    add("hvps", true, static_cast<double>(r.hvps));
  }
  for (auto const& [name, values] : columns) write(file, name, values);
}

void write_results(hid_t file, CurvatureResult const& r) {
  for (auto const& [name, pairs] : {std::pair("eigenvalues/largest", &r.ends.largest),
                                    {"eigenvalues/smallest", &r.ends.smallest}}) {
    write(file, name, column(*pairs, &Eigenvalue::value));
    write(file, std::string(name) + "_residual", column(*pairs, &Eigenvalue::residual));
  }
  if (r.gauss_newton) {
    write(file, "gauss_newton/largest", column(r.gauss_newton->largest, &Eigenvalue::value));
    write(file, "gauss_newton/largest_residual",
          column(r.gauss_newton->largest, &Eigenvalue::residual));
  }
  std::vector<Eigenvalue> batches;
  for (auto const& batch : r.batches) batches.push_back(batch.largest.at(0));
  write(file, "batches/largest", column(batches, &Eigenvalue::value));
  write(file, "batches/residual", column(batches, &Eigenvalue::residual));
  if (!r.parts.empty()) write_parts(file, r.parts);
  if (r.trace) {
    write(file, "trace/value", {r.trace->value}, {});
    write(file, "trace/standard_error", {r.trace->standard_error}, {});
  }
  if (r.spectrum) {
    write(file, "spectrum/grid", r.spectrum->grid);
    write(file, "spectrum/density", r.spectrum->density);
    write(file, "spectrum/standard_error", r.spectrum->standard_error);
    write_quadrature(file, r.spectrum->probes);
  }
}

}  // namespace

std::string new_curvature_file(std::string const& checkpoint) {
  auto const path = std::filesystem::path(checkpoint);
  auto directory = path.parent_path();
  if (directory.filename() == "checkpoints") directory = directory.parent_path();
  auto const base = (directory / ("curvature-" + path.stem().string())).string();
  std::string file = base + ".h5";
  for (int number = 2; std::filesystem::exists(file); ++number)
    file = fmt::format("{}-{}.h5", base, number);
  return file;
}

CurvatureFile::CurvatureFile(std::string path, std::vector<std::string> const& inputs)
    : path_(std::move(path)) {
  hdf5::QuietErrors const quiet;
  require_output({.option = "--out",
                  .path = path_,
                  .writer = "kyrtos curvature",
                  .inputs = inputs,
                  .is_result =
                      [](std::string const& there) {
                        return hdf5::read_text(hdf5::open_file(there, "a result (HDF5)"),
                                               "format") == format;
                      }},
                 most_bytes);
}

void CurvatureFile::write(CurvatureResult const& result) {
  hdf5::QuietErrors const quiet;
  hdf5::replace_file(path_, most_bytes, [&](hid_t file) {
    write_attributes(file, result);
    write_results(file, result);
  });
}

void CurvatureFile::write(std::vector<CurvatureResult> const& series) {
  hdf5::QuietErrors const quiet;
  auto const& options = series.front().options;
  hdf5::replace_file(path_, most_bytes, [&](hid_t file) {
    write_head(file, options);
    hdf5::write_text(file, "summary", series_json(series));
    write_series(file, series);
  });
}

}  // namespace kyrtos::program
