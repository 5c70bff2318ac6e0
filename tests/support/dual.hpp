// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cmath>

/// \file
/// \brief Dual numbers a + bε, ε² = 0: a function evaluated on them carries its derivative along.
///
/// Nested, Dual<Dual<double>> carries two first derivatives and the mixed second one, all exact to
/// rounding. References written as templates on their number type so need no derivatives of their
/// own, and no finite differences.

namespace kyrtos::testing {

template <class T>
struct Dual {
  T value{};
  T tangent{};

  Dual() = default;
  Dual(double v) : value(v) {}
  Dual(T v, T t) : value(v), tangent(t) {}

  friend Dual operator-(Dual a) { return {-a.value, -a.tangent}; }
  friend Dual operator+(Dual a, Dual b) { return {a.value + b.value, a.tangent + b.tangent}; }
  friend Dual operator-(Dual a, Dual b) { return {a.value - b.value, a.tangent - b.tangent}; }
  friend Dual operator*(Dual a, Dual b) {
    return {a.value * b.value, a.tangent * b.value + a.value * b.tangent};
  }
  friend Dual operator/(Dual a, Dual b) {
    T const q = a.value / b.value;
    return {q, (a.tangent - q * b.tangent) / b.value};
  }
  Dual& operator+=(Dual b) { return *this = *this + b; }
  Dual& operator-=(Dual b) { return *this = *this - b; }
  Dual& operator*=(Dual b) { return *this = *this * b; }
  Dual& operator/=(Dual b) { return *this = *this / b; }

  friend bool operator<(Dual a, Dual b) { return a.value < b.value; }
  friend bool operator>(Dual a, Dual b) { return b < a; }

  friend Dual exp(Dual a) {
    using std::exp;
    T const e = exp(a.value);
    return {e, e * a.tangent};
  }
  friend Dual log(Dual a) {
    using std::log;
    return {log(a.value), a.tangent / a.value};
  }
  friend Dual sqrt(Dual a) {
    using std::sqrt;
    T const root = sqrt(a.value);
    return {root, a.tangent / (T(2) * root)};
  }
  friend Dual tanh(Dual a) {
    using std::tanh;
    T const t = tanh(a.value);
    return {t, (T(1) - t * t) * a.tangent};
  }
  friend Dual erf(Dual a) {
    using std::erf;
    using std::exp;
    return {erf(a.value), T(1.12837916709551257390) * exp(-a.value * a.value) * a.tangent};
  }
};

/// The double at the bottom of nested duals.
inline double number(double v) {
  return v;
}
template <class T>
double number(Dual<T> v) {
  return number(v.value);
}

using Dual1 = Dual<double>;
using Dual2 = Dual<Dual<double>>;

/// v + ε₁·first + ε₂·second
inline Dual2 seed(double v, double first, double second) {
  return {Dual1(v, first), Dual1(second, 0.0)};
}
inline double along_first(Dual2 v) {
  return v.value.tangent;
}
inline double along_second(Dual2 v) {
  return v.tangent.value;
}
inline double along_both(Dual2 v) {
  return v.tangent.tangent;
}

}  // namespace kyrtos::testing
