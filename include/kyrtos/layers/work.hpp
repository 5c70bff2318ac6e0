// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>
#include <kyrtos/linalg/gemm.hpp>
#include <kyrtos/linalg/rounded_products.hpp>

#include <optional>

/// \file
/// \brief What passes have to do, and what decides how they do it: for predicted times.

namespace kyrtos::layers {

/// Of some kernels, and calls of the library of matrix products. The kernels run one after the
/// other, so that what products move hides behind what they compute, and nothing else does.
struct Work {
  double products = 0;       ///< FLOPs of matrix products, which matrix units can do,
  double product_bytes = 0;  ///< and the bytes that these move to and from memory.
  double flops = 0;          ///< All other FLOPs,
  double bytes = 0;          ///< and bytes.
  double launches = 0;       ///< Kernels and calls.

  Work& operator+=(Work const& other) {
    products += other.products;
    product_bytes += other.product_bytes;
    flops += other.flops;
    bytes += other.bytes;
    launches += other.launches;
    return *this;
  }
  friend Work operator*(double times, Work const& work) {
    return {times * work.products, times * work.product_bytes, times * work.flops,
            times * work.bytes, times * work.launches};
  }
};

/// All that decides how a pass is done, beside its shape.
struct Machine {
  bool is_host = true;                               ///< Otherwise a GPU.
  std::optional<linalg::FactorFormat> factors = {};  ///< What products round their factors to.
  bool adds_addends = false;  ///< As products are written: linalg::adds_addends().
  /// Weights are rounded before the passes, for all of them (linalg::KeptVector); likewise those of
  /// a direction.
  bool keeps_weights = false, keeps_direction = false;
};

template <class Space>
Machine machine_of(Context<Space> const& context) {
  Machine machine{.is_host = compat::runs_on_host<Space>,
                  .adds_addends = linalg::adds_addends<float>(context)};
  if (auto const* const products = context.products()) machine.factors = products->format();
  return machine;
}

/// A factor of so many values is rounded: one kernel, if factors are rounded at all.
inline Work rounding(Machine const& machine, double values) {
  if (!machine.factors) return {};
  return {.bytes = linalg::rounding_bytes(*machine.factors, values), .launches = 1};
}

/// Weights of so many values are for a pass, and with `tangent` those of a direction.
inline Work rounding_of_weights(Machine const& machine, double values, bool tangent) {
  double const times = (machine.keeps_weights ? 0 : 1) + (tangent && !machine.keeps_direction);
  return times * rounding(machine, values);
}

}  // namespace kyrtos::layers
