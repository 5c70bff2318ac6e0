// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/linalg/rounded_products.hpp>

#include "numbers.hpp"

#include <memory>
#include <vector>

namespace kyrtos::testing {

/// What half a unit in the last place of 1 is: the largest relative error of a rounded factor.
inline double unit_roundoff(linalg::FactorFormat format) {
  return format == linalg::FactorFormat::bfloat16 ? 1.0 / 256 : 1.0 / 2048;
}

/// The formats that this build and processor can round to. TF32 is always among them;
/// tests/linalg/rounded_products.hpp reports the others as skipped.
inline std::vector<linalg::FactorFormat> available_formats() {
  std::vector<linalg::FactorFormat> formats;
  for (auto const format : {linalg::FactorFormat::bfloat16, linalg::FactorFormat::tf32})
    if (linalg::RoundedProducts<Space>::missing(format).empty()) formats.push_back(format);
  return formats;
}

/// The context with products of rounded factors.
inline Context<Space> rounding_context(Context<Space> const& context, linalg::FactorFormat format) {
  return context.with_products(std::make_shared<linalg::RoundedProducts<Space>>(context, format));
}

}  // namespace kyrtos::testing
