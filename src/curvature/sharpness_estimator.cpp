// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/sharpness_estimator.hpp>

namespace kyrtos::curvature {

std::string_view to_string(Quality quality) {
  switch (quality) {
    case Quality::converged:
      return "converged";
    case Quality::following:
      return "following";
    case Quality::lost:
      break;
  }
  return "lost";
}

std::string_view to_string(Stability stability) {
  switch (stability) {
    case Stability::stable:
      return "stable";
    case Stability::at_edge:
      return "at edge";
    case Stability::unstable:
      return "unstable";
    case Stability::unknown:
      break;
  }
  return "unknown";
}

Stability classify(std::optional<double> ratio, double margin) {
  if (!ratio) return Stability::unknown;
  if (*ratio > 1 + margin) return Stability::unstable;
  return *ratio >= 1 - margin ? Stability::at_edge : Stability::stable;
}

}  // namespace kyrtos::curvature
