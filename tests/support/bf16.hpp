// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/linalg/bf16_products.hpp>

#include "numbers.hpp"

#include <catch2/catch_test_macros.hpp>
#include <memory>

namespace kyrtos::testing {

/// The context with products in bfloat16; where there are none, the test case ends here.
inline Context<Space> with_bf16_or_skip(Context<Space> const& context) {
  using Products = linalg::Bf16Products<Space>;
  if (auto const missing = Products::missing(); !missing.empty()) SKIP(missing);
  return context.with_products(std::make_shared<Products>(context));
}

}  // namespace kyrtos::testing
