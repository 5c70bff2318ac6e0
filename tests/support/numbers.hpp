// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/random.hpp>
#include <kyrtos/core/types.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

/// \file
/// \brief Vectors of doubles on the host, for references, and their way to the device and back.

namespace kyrtos::testing {

using Space = Kokkos::DefaultExecutionSpace;
using Numbers = std::vector<double>;

/// N(0, scale²) rounded to Scalar, so that head and reference start from the same numbers.
template <class Scalar>
Numbers random_numbers(std::size_t size, std::uint64_t seed, double scale = 1) {
  Numbers v(size);
  for (std::size_t i = 0; i < size; ++i)
    v[i] = static_cast<double>(static_cast<Scalar>(scale * Philox{seed, 3}.normal(i)));
  return v;
}

template <class T, class From>
Vector<T, Space> on_device(std::vector<From> const& v) {
  Vector<T, Space> device("test::vector", v.size());
  auto const host = Kokkos::create_mirror_view(device);
  for (std::size_t i = 0; i < v.size(); ++i) host(i) = static_cast<T>(v[i]);
  Kokkos::deep_copy(device, host);
  return device;
}

template <class V>
Numbers on_host(V const& device) {
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), device);
  return Numbers(host.data(), host.data() + host.size());
}

inline double dot(Numbers const& a, Numbers const& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}
inline double norm(Numbers const& a) {
  return std::sqrt(dot(a, a));
}
inline double distance(Numbers a, Numbers const& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return norm(a);
}

inline Numbers joined(Numbers a, Numbers const& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
inline Numbers piece(Numbers const& a, std::size_t begin, std::size_t size) {
  auto const first = a.begin() + static_cast<std::ptrdiff_t>(begin);
  return Numbers(first, first + static_cast<std::ptrdiff_t>(size));
}
/// a + scale·b
inline Numbers plus(Numbers a, double scale, Numbers const& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += scale * b[i];
  return a;
}

/// Rounding of sums of some hundred products, relative to a result's norm.
template <class Scalar>
constexpr double rounding() {
  return 200 * static_cast<double>(std::numeric_limits<Scalar>::epsilon());
}

inline bool near(double a, double b, double tolerance) {
  return std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b));
}
inline bool near(Numbers const& a, Numbers const& b, double tolerance) {
  return a.size() == b.size() && distance(a, b) <= tolerance * norm(b);
}

}  // namespace kyrtos::testing
