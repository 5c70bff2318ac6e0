// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <catch2/catch_test_macros.hpp>
#include <cstddef>
#include <vector>

// Faults of compilers that cmake/KyrtosTargets.cmake works around.

namespace kyrtos::testing::compiler {

TEST_CASE("constants are copied as they are", "[compiler]") {
  std::size_t const volatile first = 0, last = 3;  // what the compiler must not know
  std::vector<double> numbers{0.5, 0.5, 0, 0};
  std::vector<long> integers{7, 7, 0, 0};
  numbers[first] += 1;
  integers[first] += 1;
  CHECK(numbers[last] == 0);
  CHECK(integers[last] == 0);
}

}  // namespace kyrtos::testing::compiler
