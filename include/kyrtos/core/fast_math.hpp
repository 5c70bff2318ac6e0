// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/simd.hpp>

#include <Kokkos_Macros.hpp>

#include <cstdint>
#include <cstring>

/// \file
/// \brief Elementary functions without branches or calls, so that loops over them vectorise.
///
/// Compilers do not vectorise `std::exp` and its kin unless they may ignore NaN. These are
/// polynomials and exponent arithmetic only, for host and device; NaN in gives NaN out. Arguments
/// are numbers or, of all but log and cos_turn, vectors of numbers (`simd::Vector`). Greatest
/// errors found, in units in the last place of the result (tests/core/fast_math.hpp):
///
/// | function | float | double | method                                                          |
/// |----------|-------|--------|-----------------------------------------------------------------|
/// | exp      | 1.0   | 1.0    | e^x = 2^n e^r, |r| ≤ ln 2/2; +∞ and 0 beyond the range          |
/// | sigmoid  | 2.3   | 2.3    | e^-|x| over 1 + e^-|x|                                          |
/// | tanh     | 2.5   | 2.7    | m/(m + 2), m = e^2|x| - 1 without cancellation                  |
/// | erf      | 2.5   | 1.7    | |x| < 1: x p(x²); else 1 - e^-x² q(1/(1 + |x|/2))               |
/// | log      | 2.0   | 2.0    | n ln 2 + 2 artanh((m - 1)/(m + 1)), √½ ≤ m < √2; series         |
///
/// cos_turn errs by at most 1.5 spacings of 1. The polynomials of exp and erf are minimax in the
/// relative error of the function (Remez' algorithm, computed in 60 digits).

namespace kyrtos::fast {

namespace detail {

/// c₀ + x(c₁ + x(c₂ + …))
template <class T, class Scalar>
KOKKOS_FORCEINLINE_FUNCTION constexpr T horner(T, Scalar c0) {
  return c0;
}
template <class T, class Scalar, class... Rest>
KOKKOS_FORCEINLINE_FUNCTION constexpr T horner(T x, Scalar c0, Rest... rest) {
  return simd::multiply_add(x, horner(x, rest...), T(c0));
}

template <class To, class From>
KOKKOS_FORCEINLINE_FUNCTION To bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  memcpy(static_cast<void*>(&to), &from, sizeof to);
  return to;
}

/// What depends on the floating-point format.
template <class Scalar>
struct Format;

template <>
struct Format<float> {
  using Bits = std::uint32_t;
  using Signed = std::int32_t;
  static constexpr int mantissa = 23, bias = 127;
  static constexpr float round = 12582912.0f;            // 1.5·2^23: adding it rounds to integer
  static constexpr float ln2_high = 0.693359375f;        // 9 bits, so that n·ln2_high is exact
  static constexpr float ln2_low = -2.12194440e-4f;      // ln 2 - ln2_high
  static constexpr Bits root_half = 0x3f3504f3;          // √½
  static constexpr float min_x = -105, max_x = 89;       // e^x is 0 and ∞ beyond
  static constexpr float tanh_one = 10, erf_one = 4.5f;  // they round to 1 from here on

  /// (e^r - 1 - r)/r² for |r| ≤ ln 2/2
  template <class T>
  KOKKOS_FORCEINLINE_FUNCTION static T exp_tail(T r) {
    return horner(r, 0.49999993414f, 0.16666520111f, 0.04166839374f, 0.00836878026f,
                  0.00138144960f);
  }
  /// erf(√u)/√u for 0 ≤ u ≤ 1
  template <class T>
  KOKKOS_FORCEINLINE_FUNCTION static T erf_small(T u) {
    return horner(u, 1.1283791657f, -0.37612625825f, 0.11283585151f, -0.02685381185f,
                  0.00518832732f, -0.00080101892f, 0.00007853844f);
  }
  /// e^x² erfc(x) for x = 2/t - 2 ≥ 1
  template <class T>
  KOKKOS_FORCEINLINE_FUNCTION static T erfc_scaled(T t) {
    return horner(t, 0.00181797714f, 0.25973956501f, 0.39666782428f, -0.06423006206f,
                  0.63648268130f, -0.23073432033f);
  }
};

template <>
struct Format<double> {
  using Bits = std::uint64_t;
  using Signed = std::int64_t;
  static constexpr int mantissa = 52, bias = 1023;
  static constexpr double round = 6755399441055744.0;          // 1.5·2^52
  static constexpr double ln2_high = 0.693147180369123816490;  // 33 bits
  static constexpr double ln2_low = 1.90821492927058770002e-10;
  static constexpr Bits root_half = 0x3fe6a09e667f3bcd;  // √½
  static constexpr double min_x = -746, max_x = 710;
  static constexpr double tanh_one = 20, erf_one = 6;

  template <class T>
  KOKKOS_FORCEINLINE_FUNCTION static T exp_tail(T r) {
    return horner(r, 0.50000000000000107212, 0.16666666666666410364, 0.0416666666665291851,
                  0.0083333333334955594058, 0.0013888888943923625828, 0.00019841269504878626036,
                  0.000024801492761707251, 2.7557587256957846938e-6, 2.7630379039924465312e-7,
                  2.4999988775310957296e-8);
  }
  template <class T>
  KOKKOS_FORCEINLINE_FUNCTION static T erf_small(T u) {
    return horner(u, 1.1283791670955125657, -0.37612638903183519542, 0.11283791670944184313,
                  -0.026866170643111374111, 0.0052239776061176199902, -0.00085483259292715757149,
                  0.00012055293575585291957, -0.000014924712276399660302, 1.6447131253159389677e-6,
                  -1.6206311317613115874e-7, 1.3710969859773255304e-8, -7.7794489132478199253e-10);
  }
  template <class T>
  KOKKOS_FORCEINLINE_FUNCTION static T erfc_scaled(T t) {
    return horner(t, 0.000028907968380678399979, 0.28146497264976733311, 0.28828492667124556581,
                  0.21075094910123294879, 0.31390749656990642562, -0.27182985526378079791,
                  0.61317743937295941208, -0.72882104557985589555, 0.2938984268749939844,
                  0.073972341575893534619, -0.098950475946609783935, 0.024118161586465669868);
  }
};

/// What T consists of, a number or a vector of numbers: their type, and integers of the same size.
template <class T>
struct Parts {
  using Scalar = T;
  using Bits = typename Format<T>::Bits;
  using Signed = typename Format<T>::Signed;
};
template <class T, int width>
struct Parts<simd::Vector<T, width>> {
  using Scalar = T;
  using Bits = simd::Vector<typename Format<T>::Bits, width>;
  using Signed = simd::Vector<typename Format<T>::Signed, width>;
};
template <class T>
using ScalarOf = typename Parts<T>::Scalar;
template <class T>
using BitsOf = typename Parts<T>::Bits;
template <class T>
using SignedOf = typename Parts<T>::Signed;
template <class T>
using FormatOf = Format<ScalarOf<T>>;

template <class T>
inline constexpr BitsOf<ScalarOf<T>> all_but_sign = ~BitsOf<ScalarOf<T>>(0) >> 1;

/// 2^n for n within the exponent's range.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T power_of_two(SignedOf<T> n) {
  using F = FormatOf<T>;
  return bit_cast<T>(bit_cast<BitsOf<T>>(n + F::bias) << F::mantissa);
}

/// x = n ln 2 + r with n the nearest integer, and e^r - 1.
template <class T>
struct Reduced {
  SignedOf<T> n;
  T expm1;
};

template <class T>
KOKKOS_FORCEINLINE_FUNCTION Reduced<T> reduce(T x) {
  using F = FormatOf<T>;
  using Scalar = ScalarOf<T>;
  T const shifted = simd::multiply_add(x, T(Scalar(1.4426950408889634074)), T(F::round));
  T const n = shifted - F::round;
  T const r = simd::multiply_add(n, T(-F::ln2_low), simd::multiply_add(n, T(-F::ln2_high), x));
  auto const integer =
      bit_cast<SignedOf<T>>(bit_cast<BitsOf<T>>(shifted) - bit_cast<BitsOf<Scalar>>(F::round));
  return {integer, simd::multiply_add(r * r, F::exp_tail(r), r)};
}

template <class T>
KOKKOS_FORCEINLINE_FUNCTION T magnitude(T x) {
  return bit_cast<T>(bit_cast<BitsOf<T>>(x) & all_but_sign<T>);
}

template <class T>
KOKKOS_FORCEINLINE_FUNCTION T with_sign_of(T positive, T x) {
  BitsOf<T> const sign = bit_cast<BitsOf<T>>(x) & ~all_but_sign<T>;
  return bit_cast<T>(bit_cast<BitsOf<T>>(positive) | sign);
}

/// The same as exp for the x whose e^x is a normal number; outside the result means nothing.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T exp_normal(T x) {
  auto const e = reduce(x);
  T const scale = power_of_two<T>(e.n);
  return simd::multiply_add(scale, e.expm1, scale);
}

}  // namespace detail

/// e^x; 0 for -∞.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T exp(T x) {
  using F = detail::FormatOf<T>;
  x = simd::condition(x < F::min_x, T(F::min_x), x);  // a NaN stays one
  x = simd::condition(x > F::max_x, T(F::max_x), x);
  auto const e = detail::reduce(x);
  auto const half = e.n >> 1;  // 2^n in two factors: n itself may be out of the exponent's range
  T const first = detail::power_of_two<T>(half);
  return simd::multiply_add(first, e.expm1, first) * detail::power_of_two<T>(e.n - half);
}

/// e^x for x ≤ 0, 0 where that is not a normal number: the weights of a softmax, at less cost.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T exp_nonpositive(T x) {
  using F = detail::FormatOf<T>;
  using Scalar = detail::ScalarOf<T>;
  constexpr Scalar smallest = Scalar(0.69314718055994530942) * (1 - F::bias);
  T const value = detail::exp_normal(x);
  return simd::condition(x < smallest, T(0), value);
}

/// 1/(1 + e^-x)
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T sigmoid(T x) {
  T const e = exp(-detail::magnitude(x));
  return simd::condition(x < 0, e, T(1)) / (1 + e);
}

template <class T>
KOKKOS_FORCEINLINE_FUNCTION T tanh(T x) {
  using F = detail::FormatOf<T>;
  T a = detail::magnitude(x);
  a = simd::condition(a > F::tanh_one, T(F::tanh_one), a);
  auto const e = detail::reduce(2 * a);
  T const scale = detail::power_of_two<T>(e.n);
  T const m = simd::multiply_add(scale, e.expm1, scale - 1);
  return detail::with_sign_of(m / (m + 2), x);
}

template <class T>
KOKKOS_FORCEINLINE_FUNCTION T erf(T x) {
  using F = detail::FormatOf<T>;
  using Scalar = detail::ScalarOf<T>;
  T a = detail::magnitude(x);
  a = simd::condition(a > F::erf_one, T(F::erf_one), a);
  T const square = a * a;
  T const small = a * F::erf_small(square);
  T const large = 1 - detail::exp_normal(-square) * F::erfc_scaled(1 / (1 + Scalar(0.5) * a));
  return detail::with_sign_of(simd::condition(a < 1, small, large), x);
}

/// erf x where e^-x² is known already.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T erf(T x, T gaussian) {
  using F = detail::FormatOf<T>;
  using Scalar = detail::ScalarOf<T>;
  T const a = detail::magnitude(x);
  T const small = a * F::erf_small(a * a);
  T const large = 1 - gaussian * F::erfc_scaled(1 / (1 + Scalar(0.5) * a));
  return detail::with_sign_of(simd::condition(a < 1, small, large), x);
}

/// ln x of a positive normal number; of others the result means nothing.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T log(T x) {
  using F = detail::Format<T>;
  using Bits = typename F::Bits;
  // x = 2^n m: the bits from those of √½ on count powers of two.
  constexpr Bits root = F::root_half, mantissa = (Bits(1) << F::mantissa) - 1;
  Bits const offset = detail::bit_cast<Bits>(x) - root;
  T const n = static_cast<T>(static_cast<typename F::Signed>(offset) >> F::mantissa);
  T const m = detail::bit_cast<T>(static_cast<Bits>((offset & mantissa) + root));
  T const s = (m - 1) / (m + 1), square = s * s;  // |s| < 0.1716
  T const tail = square * detail::horner(square, T(1) / 3, T(1) / 5, T(1) / 7, T(1) / 9, T(1) / 11,
                                         T(1) / 13, T(1) / 15, T(1) / 17, T(1) / 19);
  return n * F::ln2_high + (2 * s + (2 * s * tail + n * F::ln2_low));
}

/// cos 2πt for 0 ≤ t ≤ 1.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T cos_turn(T t) {
  // cos 2πt = sin 2πw with w within a quarter of a turn, and the series of sine.
  T const w = detail::magnitude(t - T(0.5)) - T(0.25);
  T const x = T(6.283185307179586477) * w, square = x * x;
  constexpr auto inverse_factorial = [](int n) {
    double product = 1;
    for (int k = 2; k <= n; ++k) product *= k;
    return static_cast<T>(1 / product);
  };
  constexpr T c3 = -inverse_factorial(3), c5 = inverse_factorial(5), c7 = -inverse_factorial(7),
              c9 = inverse_factorial(9), c11 = -inverse_factorial(11), c13 = inverse_factorial(13),
              c15 = -inverse_factorial(15), c17 = inverse_factorial(17),
              c19 = -inverse_factorial(19), c21 = inverse_factorial(21);
  return x + x * square * detail::horner(square, c3, c5, c7, c9, c11, c13, c15, c17, c19, c21);
}

}  // namespace kyrtos::fast
