// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../common/json_text.hpp"
#include "report.hpp"

#include <nlohmann/json.hpp>

namespace kyrtos::program {

namespace {

using json = nlohmann::ordered_json;
using curvature::Eigenvalue;

json to_array(std::vector<Eigenvalue> const& pairs) {
  json array = json::array();
  for (auto const& e : pairs) array.push_back({{"value", e.value}, {"residual", e.residual}});
  return array;
}

json to_object(SpectrumEnds const& ends) {
  return {{"largest", to_array(ends.largest)},
          {"smallest", to_array(ends.smallest)},
          {"hvps", ends.hvps},
          {"converged", ends.converged}};
}

json options_of(CurvatureOptions const& o) {
  json j{{"matrix", name_of(o.matrix)}};
  if (o.matrix == train::CurvatureConfig::Matrix::preconditioned)
    j["preconditioner"] = name_of(*o.preconditioner);
  j["match"] = o.match;
  j["data"] = o.data;
  j["batches"] = o.batches;
  j["sequences"] = *o.sequences;
  j["length"] = *o.length;
  j["seed"] = *o.seed;
  j["precision"] = name_of(*o.precision);
  j["method"] = name_of(o.method);
  j["tolerance"] = o.tolerance;
  j["residuals"] = o.float64_residuals ? "float64" : "products";
  j["max_hvps"] = o.max_hvps;
  return j;
}

json batches_of(CurvatureResult const& r) {
  auto const s = spread_of(r.batches);
  json j{{"mean", s.mean},
         {"standard_deviation", s.standard_deviation},
         {"standard_error", s.standard_error},
         {"least", s.least},
         {"most", s.most}};
  for (auto const& batch : r.batches) j["each"].push_back(to_object(batch));
  return j;
}

json parts_of(CurvatureResult const& r) {
  json array = json::array();
  for (auto const& [name, parameters, ends] : r.parts) {
    json row{{"name", name}, {"parameters", parameters}};
    row.update(to_object(ends));
    array.push_back(row);
  }
  return array;
}

json spectrum_of(curvature::SpectralDensity const& s, Detail detail) {
  if (detail == Detail::summary) return {{"width", s.width}, {"hvps", s.hvps}};
  return {{"grid", s.grid},
          {"density", s.density},
          {"standard_error", s.standard_error},
          {"width", s.width},
          {"hvps", s.hvps}};
}

}  // namespace

std::string to_json(CurvatureResult const& r, Detail detail) {
  json j{{"checkpoint", r.checkpoint}};
  if (r.step) j["step"] = *r.step;
  j["parameters"] = r.parameters;
  j["model_parameters"] = r.model_parameters;
  j["depth"] = r.depth;
  j["active_depth"] = r.active_depth;
  j["loss"] = r.loss;
  j["options"] = options_of(r.options);
  j["eigenvalues"] = to_object(r.ends);
  if (r.gauss_newton) j["gauss_newton"] = to_object(*r.gauss_newton);
  if (r.learning_rate) j["learning_rate"] = *r.learning_rate;
  if (r.threshold_ratio) j["threshold_ratio"] = *r.threshold_ratio;
  if (!r.batches.empty()) j["batches"] = batches_of(r);
  if (!r.parts.empty()) j["parts"] = parts_of(r);
  if (r.trace)
    j["trace"] = {{"value", r.trace->value},
                  {"standard_error", r.trace->standard_error},
                  {"hvps", r.trace->hvps}};
  if (r.spectrum) j["spectrum"] = spectrum_of(*r.spectrum, detail);
  j["hvps"] = r.hvps;
  j["seconds"] = r.seconds;
  j["seconds_per_hvp"] = r.seconds_per_hvp;
  j["ranks"] = r.ranks;
  j["model_bytes"] = r.model_bytes;
  j["solver_bytes"] = r.solver_bytes;
  return json_text(j);
}

}  // namespace kyrtos::program
