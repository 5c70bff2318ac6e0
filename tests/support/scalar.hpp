// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <type_traits>

namespace kyrtos::testing {

/// The precision in which a test is compiled: kyrtos_test() in cmake/KyrtosTest.cmake.
using Scalar = KYRTOS_TEST_SCALAR;
inline constexpr bool is_double = std::is_same_v<Scalar, double>;

}  // namespace kyrtos::testing
