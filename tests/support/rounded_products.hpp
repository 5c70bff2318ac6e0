// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/linalg/rounded_products.hpp>

#include "numbers.hpp"

#include <catch2/catch_test_macros.hpp>
#include <memory>

namespace kyrtos::testing {

/// What half a unit in the last place of 1 is: the largest relative error of a rounded factor.
inline double unit_roundoff(linalg::FactorFormat format) {
  return format == linalg::FactorFormat::bfloat16 ? 1.0 / 256 : 1.0 / 2048;
}

/// The context with products of rounded factors; where there are none, the test case ends here.
inline Context<Space> rounding_or_skip(Context<Space> const& context, linalg::FactorFormat format) {
  using Products = linalg::RoundedProducts<Space>;
  if (auto const missing = Products::missing(format); !missing.empty()) SKIP(missing);
  return context.with_products(std::make_shared<Products>(context, format));
}

}  // namespace kyrtos::testing
