// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <Kokkos_Macros.hpp>

#include <cstring>
#include <type_traits>
#include <utility>

/// \file
/// \brief Vectors of a fixed number of lanes, one a register of the CPU.
///
/// For kernels whose speed depends on what is kept in which register: compilers that are left to
/// vectorise a loop choose well for one instruction set and spill on another. The interface is a
/// part of `Kokkos::Experimental::simd`, which the oldest Kokkos that is supported does not have;
/// below are the vector types of GCC and Clang, `__attribute__((vector_size))`, which carry the
/// usual operators on every CPU. With one lane a vector is a number, which is what devices use.

// nvcc hands the host compiler a source in which the argument's parameter pack is not expanded.
#if defined(__has_builtin) && !defined(__NVCC__)
#if __has_builtin(__builtin_shufflevector)
#define KYRTOS_HAS_SHUFFLEVECTOR
#endif
#endif

namespace kyrtos::simd {

// What the instruction set has that the compiler was told to use: the bytes of a vector register,
// and how many there are.
#if defined(__AVX512F__)
inline constexpr int register_bytes = 64, registers = 32;
#elif defined(__ARM_FEATURE_SVE_BITS) && __ARM_FEATURE_SVE_BITS > 0  // -msve-vector-bits
inline constexpr int register_bytes = __ARM_FEATURE_SVE_BITS / 8, registers = 32;
#elif defined(__AVX__)
inline constexpr int register_bytes = 32, registers = 16;
#elif defined(__x86_64__)
inline constexpr int register_bytes = 16, registers = 16;
#else  // NEON, VSX
inline constexpr int register_bytes = 16, registers = 32;
#endif

/// How many values of T fill a register. For nvcc one: it compiles each function of host and device
/// for devices too, where it refuses a CPU's vectors.
#if defined(__NVCC__)
template <class T>
inline constexpr int native_width = 1;
#else
template <class T>
inline constexpr int native_width = register_bytes / static_cast<int>(sizeof(T));
#endif

namespace detail {

template <class T, int width>
struct Native {
  typedef T type __attribute__((vector_size(sizeof(T) * width)));
};
template <class T>
struct Native<T, 1> {
  using type = T;
};

}  // namespace detail

/// Tells address alignment of copy_from and copy_to: that of one element.
struct ElementAligned {};
inline constexpr ElementAligned element_aligned{};

/// One truth value a lane: what comparisons of vectors give.
template <class T, int width>
class Mask {
  using Vector = typename detail::Native<T, width>::type;

 public:
  using Native = decltype(Vector{} < Vector{});

  KOKKOS_FORCEINLINE_FUNCTION explicit Mask(Native value) : value_(value) {}
  KOKKOS_FORCEINLINE_FUNCTION Native native() const { return value_; }
  KOKKOS_FORCEINLINE_FUNCTION friend Mask operator&&(Mask a, Mask b) {
    return Mask(a.value_ & b.value_);
  }

 private:
  Native value_;
};

/// `width` values of T.
template <class T, int width>
class Vector {
 public:
  using value_type = T;
  using mask_type = Mask<T, width>;
  using Native = typename detail::Native<T, width>::type;

  Vector() = default;
  /// The same value in each lane. (x - 0 is x, -0 too.)
  KOKKOS_FORCEINLINE_FUNCTION Vector(T value) : value_(value - Native{}) {}
  /// generator(lane) in each lane.
  template <class Generator, class = std::enable_if_t<std::is_invocable_v<Generator, int>>>
  KOKKOS_FORCEINLINE_FUNCTION explicit Vector(Generator const& generator) : value_{} {
    if constexpr (width == 1) {
      value_ = generator(0);
    } else {
      for (int lane = 0; lane < width; ++lane) value_[lane] = generator(lane);
    }
  }
  KOKKOS_FORCEINLINE_FUNCTION static Vector from_native(Native value) {
    Vector result;
    result.value_ = value;
    return result;
  }

  static constexpr int size() { return width; }
  KOKKOS_FORCEINLINE_FUNCTION Native native() const { return value_; }
  KOKKOS_FORCEINLINE_FUNCTION T operator[](int lane) const {
    if constexpr (width == 1)
      return value_;
    else
      return value_[lane];
  }

  KOKKOS_FORCEINLINE_FUNCTION void copy_from(T const* from, ElementAligned) {
    if constexpr (width == 1)
      value_ = *from;
    else
      memcpy(&value_, from, sizeof value_);
  }
  KOKKOS_FORCEINLINE_FUNCTION void copy_to(T* to, ElementAligned) const {
    if constexpr (width == 1)
      *to = value_;
    else
      memcpy(to, &value_, sizeof value_);
  }

  KOKKOS_FORCEINLINE_FUNCTION Vector& operator+=(Vector other) { return *this = *this + other; }

  KOKKOS_FORCEINLINE_FUNCTION friend Vector operator-(Vector a) { return from_native(-a.value_); }
  KOKKOS_FORCEINLINE_FUNCTION friend Vector operator+(Vector a, Vector b) {
    return from_native(a.value_ + b.value_);
  }
  KOKKOS_FORCEINLINE_FUNCTION friend Vector operator-(Vector a, Vector b) {
    return from_native(a.value_ - b.value_);
  }
  KOKKOS_FORCEINLINE_FUNCTION friend Vector operator*(Vector a, Vector b) {
    return from_native(a.value_ * b.value_);
  }
  KOKKOS_FORCEINLINE_FUNCTION friend Vector operator/(Vector a, Vector b) {
    return from_native(a.value_ / b.value_);
  }
  KOKKOS_FORCEINLINE_FUNCTION friend Vector operator&(Vector a, Vector b) {
    return from_native(a.value_ & b.value_);
  }
  KOKKOS_FORCEINLINE_FUNCTION friend Vector operator|(Vector a, Vector b) {
    return from_native(a.value_ | b.value_);
  }
  KOKKOS_FORCEINLINE_FUNCTION friend Vector operator<<(Vector a, int bits) {
    return from_native(a.value_ << bits);
  }
  KOKKOS_FORCEINLINE_FUNCTION friend Vector operator>>(Vector a, int bits) {
    return from_native(a.value_ >> bits);
  }
  KOKKOS_FORCEINLINE_FUNCTION friend mask_type operator<(Vector a, Vector b) {
    return mask_type(a.value_ < b.value_);
  }
  KOKKOS_FORCEINLINE_FUNCTION friend mask_type operator>(Vector a, Vector b) {
    return mask_type(a.value_ > b.value_);
  }
  KOKKOS_FORCEINLINE_FUNCTION friend mask_type operator>=(Vector a, Vector b) {
    return mask_type(a.value_ >= b.value_);
  }

 private:
  Native value_;
};

/// Of each lane, `yes` where the mask is true, else `no`; on numbers, the same by a bool.
template <class T, int width>
KOKKOS_FORCEINLINE_FUNCTION Vector<T, width> condition(Mask<T, width> mask, Vector<T, width> yes,
                                                       std::type_identity_t<Vector<T, width>> no) {
  return Vector<T, width>::from_native(mask.native() ? yes.native() : no.native());
}
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T condition(bool mask, T yes, std::type_identity_t<T> no) {
  return mask ? yes : no;
}

/// a·b + c, rounded once where the CPU has an instruction for it. Clang fuses only what stands in
/// one expression of the source, so not through the operators above.
template <class T, int width>
KOKKOS_FORCEINLINE_FUNCTION Vector<T, width> multiply_add(Vector<T, width> a, Vector<T, width> b,
                                                          Vector<T, width> c) {
  return Vector<T, width>::from_native(a.native() * b.native() + c.native());
}
template <class T>
KOKKOS_FORCEINLINE_FUNCTION constexpr T multiply_add(T a, T b, T c) {
  return a * b + c;
}

/// The larger of each lane.
template <class T, int width>
KOKKOS_FORCEINLINE_FUNCTION Vector<T, width> max(Vector<T, width> a, Vector<T, width> b) {
  return condition(a < b, b, a);
}

/// The vector at `from`, of consecutive values.
template <class V>
KOKKOS_FORCEINLINE_FUNCTION V load(typename V::value_type const* from) {
  V result;
  result.copy_from(from, element_aligned);
  return result;
}

namespace detail {

/// Lane l of the result is lane half·width/2 + l/2 of a if l is even, of b if it is odd.
template <int half, class T, int width, int... lane>
KOKKOS_FORCEINLINE_FUNCTION Vector<T, width> interleave(Vector<T, width> a, Vector<T, width> b,
                                                        std::integer_sequence<int, lane...>) {
  if constexpr (width == 1) {
    return half == 0 ? a : b;
  } else {
#if defined(KYRTOS_HAS_SHUFFLEVECTOR)
    return Vector<T, width>::from_native(__builtin_shufflevector(
        a.native(), b.native(), (half * width / 2 + lane / 2 + lane % 2 * width)...));
#else
    return Vector<T, width>([&](int l) { return (l % 2 == 0 ? a : b)[half * width / 2 + l / 2]; });
#endif
  }
}

}  // namespace detail

/// a₀ b₀ a₁ b₁ …, from the lower half of both vectors; the other from the upper half.
template <class T, int width>
KOKKOS_FORCEINLINE_FUNCTION Vector<T, width> interleave_low(Vector<T, width> a,
                                                            Vector<T, width> b) {
  return detail::interleave<0>(a, b, std::make_integer_sequence<int, width>());
}
template <class T, int width>
KOKKOS_FORCEINLINE_FUNCTION Vector<T, width> interleave_high(Vector<T, width> a,
                                                             Vector<T, width> b) {
  return detail::interleave<1>(a, b, std::make_integer_sequence<int, width>());
}

}  // namespace kyrtos::simd
