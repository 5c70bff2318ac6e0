// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/train/step_report.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <limits>
#include <optional>
#include <type_traits>

/// \file
/// \brief The numbers of a StepReport by name: the keys of a JSON line and the columns of run.h5.
/// All of it but for the word on quality.

namespace kyrtos::train::step_fields {

enum class Kind { real, integer, flag };

/// One number. Any of them fits a double; integers below 2⁵³ exactly.
struct Field {
  char const* name;
  Kind kind;
  double largest;  ///< Of what counts: no more than its type holds, and a double exactly.
  std::optional<double> (*get)(StepReport const&);
  /// Nothing is a NaN where a report must have a number, and 0 where it counts.
  void (*set)(StepReport&, std::optional<double>);

  /// Whether set() may have it: what counts, and what is true or false, takes few of all doubles.
  bool takes(double value) const {
    return kind == Kind::real || (value >= 0 && value <= largest && value == std::floor(value));
  }
};

namespace detail {

using curvature::SharpnessReport;

template <class T>
constexpr Kind kind_of() {
  if constexpr (std::same_as<T, bool>)
    return Kind::flag;
  else
    return std::integral<T> ? Kind::integer : Kind::real;
}

template <class T>
constexpr double largest_of() {
  constexpr double exact = 0x1p53 - 1;
  if constexpr (std::integral<T>)
    return std::min(exact, static_cast<double>(std::numeric_limits<T>::max()));
  else
    return std::numeric_limits<double>::infinity();
}

template <class T>
std::optional<double> number(T value) {
  return static_cast<double>(value);
}
inline std::optional<double> number(std::optional<double> value) {
  return value;
}

template <class T>
void assign(T& target, std::optional<double> value) {
  if constexpr (std::same_as<T, std::optional<double>>)
    target = value;
  else if constexpr (std::same_as<T, double>)
    target = value.value_or(std::numeric_limits<double>::quiet_NaN());
  else
    target = static_cast<T>(value.value_or(0));
}

template <auto member>
constexpr Field of_step(char const* name) {
  using T = std::remove_cvref_t<decltype(StepReport().*member)>;
  return {name, kind_of<T>(), largest_of<T>(),
          [](StepReport const& r) { return number(r.*member); },
          [](StepReport& r, std::optional<double> value) { assign(r.*member, value); }};
}

/// Of a part of the report, which has one as soon as it has one of its numbers.
template <auto part, auto member>
constexpr Field of_part(char const* name) {
  using Part = typename std::remove_cvref_t<decltype(StepReport().*part)>::value_type;
  using T = std::remove_cvref_t<decltype(Part().*member)>;
  return {name, kind_of<T>(), largest_of<T>(),
          [](StepReport const& r) { return r.*part ? number((*(r.*part)).*member) : std::nullopt; },
          [](StepReport& r, std::optional<double> value) {
            if (!value) return;
            if (!(r.*part)) (r.*part).emplace();
            assign((*(r.*part)).*member, value);
          }};
}
template <auto member>
constexpr Field of_sharpness(char const* name) {
  return of_part<&StepReport::sharpness, member>(name);
}
template <auto member>
constexpr Field of_check(char const* name) {
  return of_part<&StepReport::check, member>(name);
}
template <auto member>
constexpr Field of_update(char const* name) {
  return of_part<&StepReport::update, member>(name);
}

/// Follows from the numbers that it stands for, which are read before.
template <double (UpdateReport::*function)() const>
constexpr Field derived_of_update(char const* name) {
  return {name, Kind::real, largest_of<double>(),
          [](StepReport const& r) {
            return r.update ? number(((*r.update).*function)()) : std::nullopt;
          },
          [](StepReport&, std::optional<double>) {}};
}

/// Whether λη is at its threshold or above. Follows from the ratio, which is read before.
inline constexpr Field edge_of_stability{
    "edge_of_stability", Kind::flag, 1,
    [](StepReport const& r) -> std::optional<double> {
      if (!r.sharpness) return std::nullopt;
      return r.sharpness->stability == curvature::Stability::at_edge ||
             r.sharpness->stability == curvature::Stability::unstable;
    },
    [](StepReport& r, std::optional<double> value) {
      if (value && r.sharpness)
        r.sharpness->stability = curvature::classify(r.sharpness->threshold_ratio);
    }};

}  // namespace detail

inline constexpr Field all[] = {
    detail::of_step<&StepReport::step>("step"),
    detail::of_step<&StepReport::loss>("loss"),
    detail::of_step<&StepReport::validation_loss>("validation_loss"),
    detail::of_step<&StepReport::gradient_norm>("gradient_norm"),
    detail::of_step<&StepReport::learning_rate>("learning_rate"),
    detail::of_step<&StepReport::active_depth>("active_depth"),
    detail::of_sharpness<&curvature::SharpnessReport::lambda>("lambda"),
    detail::of_sharpness<&curvature::SharpnessReport::residual>("residual"),
    detail::of_sharpness<&curvature::SharpnessReport::threshold_ratio>("threshold_ratio"),
    detail::of_step<&StepReport::small_batch_ratio>("small_batch_ratio"),
    detail::of_step<&StepReport::lambda_reference>("lambda_reference"),
    detail::of_check<&CheckReport::held_out>("lambda_held_out"),
    detail::of_check<&CheckReport::held_out_error>("lambda_held_out_error"),
    detail::of_check<&CheckReport::precision_error>("precision_error"),
    detail::of_check<&CheckReport::product_error>("product_error"),
    detail::of_sharpness<&curvature::SharpnessReport::hvps>("hvps"),
    detail::edge_of_stability,
    detail::of_update<&UpdateReport::slope>("update_slope"),
    detail::of_update<&UpdateReport::curvature>("update_curvature"),
    detail::derived_of_update<&UpdateReport::ratio>("directional_ratio"),
    detail::derived_of_update<&UpdateReport::predicted>("predicted_change"),
    detail::of_update<&UpdateReport::actual>("actual_change"),
    detail::of_step<&StepReport::rms_ratio>("rms_ratio"),
    detail::of_step<&StepReport::weight_norm>("weight_norm"),
    detail::of_step<&StepReport::update_norm>("update_norm"),
    detail::of_step<&StepReport::loss_z>("loss_z"),
    detail::of_step<&StepReport::gradient_z>("gradient_z"),
    detail::of_step<&StepReport::skipped>("skipped"),
    detail::of_step<&StepReport::largest_logit>("largest_logit"),
    detail::of_step<&StepReport::clipped_heads>("clipped_heads"),
    detail::of_step<&StepReport::tokens>("tokens"),
    detail::of_step<&StepReport::seconds>("seconds"),
    detail::of_step<&StepReport::tokens_per_s>("tokens_per_s"),
};

}  // namespace kyrtos::train::step_fields
