// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

#include <vector>

namespace kyrtos::reference {

/// y = g x, where g is no parameter that anyone differentiates with respect to.
struct Gate {
  template <class T>
  std::vector<T> operator()(SequenceShape, std::vector<T> x, std::vector<T> const& theta) const {
    T const g(number(theta[0]));
    for (T& v : x) v = g * v;
    return x;
  }

 private:
  static double number(double v) { return v; }
  template <class T>
  static double number(T const& v) {
    return number(v.value);
  }
};

}  // namespace kyrtos::reference
