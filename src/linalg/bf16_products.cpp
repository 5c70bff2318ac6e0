// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/linalg/bf16_products.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

#include "gemm_providers.hpp"

#include <cstring>
#include <map>

namespace kyrtos::linalg {

namespace bf16 {

/// bfloat16 is the upper half of a float: to the nearest, ties to even. A NaN stays one.
KOKKOS_INLINE_FUNCTION std::uint16_t rounded(float x) {
  std::uint32_t bits = 0;
  memcpy(&bits, &x, sizeof bits);
  bool const is_nan = (bits & 0x7fffffff) > 0x7f800000;
  std::uint32_t const nearest = bits + 0x7fff + ((bits >> 16) & 1);
  return static_cast<std::uint16_t>((is_nan ? bits | 0x400000 : nearest) >> 16);
}

template <class Space>
void round(Context<Space> const& context, MatrixView<float const, Space> const& from,
           VectorView<std::uint16_t, Space> const& to) {
  // Of a piece, the work of one thread: neighbours on a device are worked on by neighbours.
  constexpr Index length = compat::runs_on_host<Space> ? 4096 : 1;
  auto const n = static_cast<Index>(from.size());
  using Range = Kokkos::RangePolicy<Space, Kokkos::IndexType<Index>>;
  Kokkos::parallel_for(
      "kyrtos::linalg::round_to_bf16", Range(context.space(), 0, (n + length - 1) / length),
      KOKKOS_LAMBDA(Index piece) {
        float const* KOKKOS_RESTRICT const x = from.data();
        std::uint16_t* KOKKOS_RESTRICT const y = to.data();
        Index const end = (piece + 1) * length < n ? (piece + 1) * length : n;
        for (Index i = piece * length; i < end; ++i) y[i] = rounded(x[i]);
      });
}

template <class Space>
inline constexpr bool on_device = cublaslt::supports<Space> || rocblas::supports<Space>;

/// Where a product's factors and the library's memory begin and end, in words of 16 bits; each
/// starts where a cache line and a device's widest load may.
struct Places {
  Index b, scratchpad, end;

  Places(Bf16Product const& p, std::size_t scratchpad_bytes)
      : b(padded(p.m * p.k)),
        scratchpad(b + padded(p.k * p.n)),
        end(scratchpad + padded(static_cast<Index>(scratchpad_bytes + 1) / 2)) {}

 private:
  static Index padded(Index words) { return (words + 127) / 128 * 128; }
};

template <class Space>
Places places_of(Bf16Product const& p) {
  if constexpr (on_device<Space>)
    return {p, 0};
  else
    return {p, onednn::bf16_scratchpad(p)};
}

template <class Space>
void multiply(Context<Space> const& context, Bf16Product const& p, Bf16Operands<Space> const& in,
              MatrixView<float, Space> const& c) {
  if constexpr (cublaslt::supports<Space>)
    cublaslt::gemm(context, p, in, c);
  else if constexpr (rocblas::supports<Space>)
    rocblas::gemm(context, p, in, c);
  else if constexpr (onednn::supports_bf16<Space>)
    onednn::gemm(context, p, in, c);
}

}  // namespace bf16

template <class Space>
struct Bf16Products<Space>::State {
  Vector<std::uint16_t, Space> memory;  ///< Of the factors and of the library.
  std::map<Bf16Product, bf16::Places> products;

  Bf16Operands<Space> operands(Context<Space> const& context, Bf16Product const& p) {
    auto const known = products.find(p);
    auto const& places = known != products.end()
                             ? known->second
                             : products.emplace(p, bf16::places_of<Space>(p)).first->second;
    if (static_cast<std::size_t>(places.end) > memory.size()) {
      memory = {};  // give back first
      memory = Vector<std::uint16_t, Space>(
          Kokkos::view_alloc(context.space(), Kokkos::WithoutInitializing, "kyrtos::bf16_factors"),
          static_cast<std::size_t>(places.end));
    }
    return {slice(memory, 0, p.m * p.k), slice(memory, places.b, p.k * p.n),
            slice(memory, places.scratchpad, places.end - places.scratchpad)};
  }
};

template <class Space>
std::string Bf16Products<Space>::missing() {
  if constexpr (bf16::on_device<Space>)
    return "";
  else if constexpr (compat::runs_on_host<Space>)
    return onednn::bf16_missing();
  else
    return "this build has neither cuBLASLt nor rocBLAS (Kyrtos_ENABLE_DEVICE_BLAS), which "
           "multiply in bfloat16";
}

template <class Space>
Index Bf16Products<Space>::bytes(Transpose a_op, Transpose b_op, Index m, Index n, Index k,
                                 bool adds) {
  Bf16Product const p{a_op, b_op, m, n, k, adds ? 1.0f : 0.0f};
  Index const words = missing().empty() ? bf16::places_of<Space>(p).end : bf16::Places(p, 0).end;
  return words * Index{sizeof(std::uint16_t)};
}

template <class Space>
Bf16Products<Space>::Bf16Products(Context<Space> const& context) : context_(context) {
  auto const what = missing();
  require<ConfigError>(what.empty(), "products in bfloat16: " + what + "; multiply in float32");
  state_ = std::make_unique<State>();
}

template <class Space>
Bf16Products<Space>::~Bf16Products() = default;

template <class Space>
void Bf16Products<Space>::multiply(Transpose a_op, Transpose b_op, float alpha,
                                   MatrixView<float const, Space> const& a,
                                   MatrixView<float const, Space> const& b, float beta,
                                   MatrixView<float, Space> const& c) {
  if (alpha == 0) return beta == 0 ? fill(context_, flat(c), 0) : scale(context_, beta, flat(c));
  auto const extent = [](auto const& m, int i) { return static_cast<Index>(m.extent(i)); };
  Index const k = extent(a, a_op == Transpose::yes ? 0 : 1);
  Bf16Product const product{a_op, b_op, extent(c, 0), extent(c, 1), k, beta / alpha};
  auto const operands = state_->operands(context_, product);
  bf16::round<Space>(context_, a, operands.a);
  bf16::round<Space>(context_, b, operands.b);
  bf16::multiply<Space>(context_, product, operands, c);
  if (alpha != 1) scale(context_, alpha, flat(c));
}

#define KYRTOS_BF16_PRODUCTS(SPACE) template class Bf16Products<SPACE>;
KYRTOS_FOR_EACH_SPACE(KYRTOS_BF16_PRODUCTS)

}  // namespace kyrtos::linalg
