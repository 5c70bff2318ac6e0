// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "report.hpp"

#include "../common/format.hpp"

#include <algorithm>
#include <fmt/ranges.h>

namespace kyrtos::program {

namespace {

using Matrix = train::CurvatureConfig::Matrix;
using curvature::Eigenvalue;

std::string plural(Index count, std::string const& one, char const* ending = "s") {
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : ending);
}

std::string heading(CurvatureResult const& r) {
  auto const& o = r.options;
  std::string text = fmt::format("{} of {}", describe(o), r.checkpoint);
  if (r.step) text += fmt::format(", step {}", *r.step);
  text += fmt::format("\n{}", plural(r.parameters, "parameter"));
  if (r.parameters < r.model_parameters) text += fmt::format(" of {}", r.model_parameters);
  if (r.active_depth < r.depth)
    text += fmt::format(", {} of {} blocks active", r.active_depth, r.depth);
  if (!o.match.empty()) text += fmt::format(", only '{}'", fmt::join(o.match, "' '"));
  return text + fmt::format("; {}; {} of {} of {}; mean loss {:.4f}\n", name_of(*o.precision),
                            plural(o.batches, "batch", "es"), plural(*o.sequences, "sequence"),
                            plural(*o.length, "token"), r.loss);
}

std::string eigenvalues(SpectrumEnds const& ends) {
  std::string text = fmt::format("\n{:10}{:>14}{:>12}\n", "", "eigenvalue", "residual");
  auto const rows = [&](char const* name, std::vector<Eigenvalue> const& values) {
    for (auto const& e : values) {
      text += fmt::format("{:10}{:>14.6g}{:>12.1e}\n", name, e.value, e.residual);
      name = "";
    }
  };
  rows("largest", ends.largest);
  rows("smallest", ends.smallest);
  return text;
}

bool is_zero(SpectrumEnds const& ends) {
  auto const is_null = [](Eigenvalue const& e) { return e.value == 0 && e.residual == 0; };
  return ends.exhausted && !ends.largest.empty() &&
         std::all_of(ends.largest.begin(), ends.largest.end(), is_null) &&
         std::all_of(ends.smallest.begin(), ends.smallest.end(), is_null);
}

std::string method_line(CurvatureResult const& r) {
  auto const& o = r.options;
  bool const is_power = o.method == EigenMethod::power;
  bool const is_short = !r.ends.converged && !r.ends.exhausted;
  auto text = fmt::format("{}: {} of at most {}; {} to residuals of {:g}{}\n",
                          is_power ? "power iteration" : "Lanczos", plural(r.ends.hvps, "HVP"),
                          o.max_hvps * (is_power ? o.top + o.smallest : 1),
                          r.ends.converged ? "converged" : "not converged", o.tolerance,
                          is_short ? " (raise --max-hvps, or use --precision float64)" : "");
  if (!o.float64_residuals && o.precision != train::Precision::float64)
    text +=
        fmt::format("residuals leave out the rounding of products in {}\n", name_of(*o.precision));
  if (is_zero(r.ends))
    return text + "the matrix is zero as far as can be seen: all its eigenvalues are 0\n";
  if (r.ends.exhausted && !r.ends.converged)
    text += "the matrix has no other eigenvalues than these, some of them perhaps several times\n";
  return text;
}

std::string threshold_line(CurvatureResult const& r) {
  return fmt::format("λη/threshold {:.3g} at the learning rate {:.4g} of step {}\n",
                     *r.threshold_ratio, *r.learning_rate, *r.step);
}

std::string gauss_newton_text(CurvatureResult const& r) {
  auto const& ends = *r.gauss_newton;
  return fmt::format("\nGauss-Newton matrix, on the same batches{}{}",
                     ends.converged ? "" : "; not converged", eigenvalues(ends));
}

/// λmax is convex in the matrix: its mean over batches is never below λmax of the mean.
std::string batches_text(CurvatureResult const& r) {
  std::string text =
      fmt::format("\n{:10}{:>14}{:>12}{:>7}\n", "batch", "largest", "residual", "HVPs");
  for (std::size_t i = 0; i < r.batches.size(); ++i) {
    auto const& b = r.batches[i];
    text += fmt::format("{:<10}{:>14.6g}{:>12.1e}{:>7}{}\n", i, b.largest.at(0).value,
                        b.largest.at(0).residual, b.hvps, b.converged ? "" : "  not converged");
  }
  auto const s = spread_of(r.batches);
  text += fmt::format(
      "{} alone: mean {:.6g}, standard deviation {:.2g}, standard error {:.2g}, from {:.6g} to "
      "{:.6g}\n",
      plural(static_cast<Index>(r.batches.size()), "batch", "es"), s.mean, s.standard_deviation,
      s.standard_error, s.least, s.most);
  if (r.ends.largest.empty() || r.ends.largest[0].value <= 0) return text;
  double const whole = r.ends.largest[0].value;
  return text + fmt::format(
                    "all together: {:.6g}; a batch alone overstates it by {:.1f} % on "
                    "average, with a spread of {:.1f} %\n",
                    whole, 100 * (s.mean / whole - 1), 100 * s.standard_deviation / whole);
}

std::string parts_text(CurvatureResult const& r) {
  std::size_t width = 6;
  for (auto const& part : r.parts) width = std::max(width, part.name.size() + 2);
  std::string text =
      fmt::format("\n{:{}}{:>12}{:>14}{:>10}{:>14}{:>10}{:>7}\n", "part", width, "parameters",
                  "largest", "residual", "smallest", "residual", "HVPs");
  auto const pair = [](std::vector<Eigenvalue> const& values) {
    return values.empty() ? fmt::format("{:>14}{:>10}", "-", "-")
                          : fmt::format("{:>14.6g}{:>10.1e}", values[0].value, values[0].residual);
  };
  for (auto const& [name, parameters, ends] : r.parts)
    text += fmt::format("{:{}}{:>12}{}{}{:>7}{}\n", name, width, parameters, pair(ends.largest),
                        pair(ends.smallest), ends.hvps, ends.converged ? "" : "  not converged");
  return text;
}

std::string trace_line(CurvatureResult const& r) {
  return fmt::format("\ntrace {:.6g} ± {:.2g} (Hutch++, {}); mean eigenvalue {:.4g}\n",
                     r.trace->value, r.trace->standard_error, plural(r.trace->hvps, "HVP"),
                     r.trace->value / static_cast<double>(r.parameters));
}

std::string spectrum_line(CurvatureResult const& r) {
  auto const mean = r.spectrum->moment(1), square = r.spectrum->moment(2);
  return fmt::format(
      "\nspectrum from {:.6g} to {:.6g}, mean {:.4g} ± {:.2g}, mean square {:.4g} ± {:.2g} "
      "(Lanczos quadrature, {})\n",
      r.spectrum->grid.front(), r.spectrum->grid.back(), mean.value, mean.standard_error,
      square.value, square.standard_error, plural(r.spectrum->hvps, "HVP"));
}

std::string cost_line(CurvatureResult const& r) {
  return fmt::format(
      "\n{} in {} ({:.3g} s each) on {}; memory a rank: model and activations {}, solver {}\n",
      plural(r.hvps, "HVP"),
      r.seconds < 60 ? fmt::format("{:.1f} s", r.seconds) : duration(r.seconds), r.seconds_per_hvp,
      plural(r.ranks, "rank"), bytes_text(r.model_bytes), bytes_text(r.solver_bytes));
}

}  // namespace

std::string describe(CurvatureOptions const& o) {
  switch (o.matrix) {
    case Matrix::preconditioned:
      return fmt::format("Preconditioned Hessian (P {})", name_of(*o.preconditioner));
    case Matrix::gauss_newton:
      return "Gauss-Newton matrix";
    case Matrix::hessian:
    case Matrix::spectral:  // which this command does not offer
      break;
  }
  return "Hessian";
}

std::string to_text(CurvatureResult const& r) {
  std::string text = heading(r);
  if (r.ends.hvps > 0) text += eigenvalues(r.ends) + method_line(r);
  if (r.threshold_ratio) text += threshold_line(r);
  if (r.gauss_newton) text += gauss_newton_text(r);
  if (!r.batches.empty()) text += batches_text(r);
  if (!r.parts.empty()) text += parts_text(r);
  if (r.trace) text += trace_line(r);
  if (r.spectrum) text += spectrum_line(r);
  return text + cost_line(r);
}

}  // namespace kyrtos::program
