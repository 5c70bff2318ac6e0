// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/linalg/rounded_products.hpp>
#include <kyrtos/linalg/rounding.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

#include "gemm_providers.hpp"

#include <map>

namespace kyrtos::linalg {

namespace rounding {

KOKKOS_INLINE_FUNCTION void round_to(float x, Bfloat16& y) {
  y = to_bfloat16(x);
}
KOKKOS_INLINE_FUNCTION void round_to(float x, float& y) {
  y = to_tf32(x);
}

/// The elements of a matrix, rounded, in this memory.
template <class Number, class Space>
VectorView<Number, Space> round(Context<Space> const& context,
                                MatrixView<float const, Space> const& from,
                                VectorView<std::byte, Space> const& memory) {
  VectorView<Number, Space> const to(reinterpret_cast<Number*>(memory.data()), from.size());
  // Of a piece, the work of one thread: neighbours on a device are worked on by neighbours.
  constexpr Index length = compat::runs_on_host<Space> ? 4096 : 1;
  auto const n = static_cast<Index>(from.size());
  using Range = Kokkos::RangePolicy<Space, Kokkos::IndexType<Index>>;
  Kokkos::parallel_for(
      "kyrtos::linalg::round_factor", Range(context.space(), 0, (n + length - 1) / length),
      KOKKOS_LAMBDA(Index piece) {
        float const* KOKKOS_RESTRICT const x = from.data();
        Number* KOKKOS_RESTRICT const y = to.data();
        Index const end = (piece + 1) * length < n ? (piece + 1) * length : n;
        for (Index i = piece * length; i < end; ++i) round_to(x[i], y[i]);
      });
  return to;
}

template <class Space>
inline constexpr bool device_library = cublaslt::supports<Space> || rocblas::supports<Space>;

/// Where a product's factors and the library's memory begin and end, in bytes; each starts where a
/// cache line and a device's widest load may.
struct Places {
  Index a_bytes, b_bytes, b, scratchpad, end;

  Places(RoundedProduct const& p, std::size_t scratchpad_bytes)
      : a_bytes(p.m * p.k * bytes_of(p.format)),
        b_bytes(p.k * p.n * bytes_of(p.format)),
        b(padded(a_bytes)),
        scratchpad(b + padded(b_bytes)),
        end(scratchpad + padded(static_cast<Index>(scratchpad_bytes))) {}

 private:
  static Index bytes_of(FactorFormat format) { return format == FactorFormat::tf32 ? 4 : 2; }
  static Index padded(Index bytes) { return (bytes + 255) / 256 * 256; }
};

template <class Space>
Places places_of(RoundedProduct const& p) {
  if constexpr (!device_library<Space>)
    if (p.format == FactorFormat::bfloat16) return {p, onednn::bf16_scratchpad(p)};
  return {p, 0};
}

/// C ← op(A)·op(B) + β·C of float32 matrices, whose rounded factors go to `in`.
template <class Space>
void multiply_in_bfloat16(Context<Space> const& context, RoundedProduct const& p,
                          MatrixView<float const, Space> const& a,
                          MatrixView<float const, Space> const& b, RoundedOperands<Space> const& in,
                          MatrixView<float, Space> const& c) {
  round<Bfloat16, Space>(context, a, in.a);
  round<Bfloat16, Space>(context, b, in.b);
  if constexpr (cublaslt::supports<Space>)
    cublaslt::gemm(context, p, in, c);
  else if constexpr (rocblas::supports<Space>)
    rocblas::gemm(context, p, in, c);
  else if constexpr (onednn::has_plans<Space>)
    onednn::gemm(context, p, in, c);
}

/// Likewise. The unit that multiplies TF32 would drop bits by itself, but not to the nearest.
template <class Space>
void multiply_in_tf32(Context<Space> const& context, RoundedProduct const& p,
                      MatrixView<float const, Space> const& a,
                      MatrixView<float const, Space> const& b, RoundedOperands<Space> const& in,
                      MatrixView<float, Space> const& c) {
  auto const shaped_as = [](auto const& m, auto const& values) {
    return MatrixView<float const, Space>(values.data(), m.extent(0), m.extent(1));
  };
  auto const rounded_a = shaped_as(a, round<float, Space>(context, a, in.a));
  auto const rounded_b = shaped_as(b, round<float, Space>(context, b, in.b));
  if constexpr (cublaslt::supports<Space>)
    cublaslt::gemm(context, p, in, c);
  else
    gemm_full_precision<float, Space>(context, p.a_op, p.b_op, 1, rounded_a, rounded_b, p.beta, c);
}

}  // namespace rounding

template <class Space>
struct RoundedProducts<Space>::State {
  Vector<std::byte, Space> memory;  ///< Of the factors and of the library.
  std::map<RoundedProduct, rounding::Places> products;

  RoundedOperands<Space> operands(Context<Space> const& context, RoundedProduct const& p) {
    auto const known = products.find(p);
    auto const& places = known != products.end()
                             ? known->second
                             : products.emplace(p, rounding::places_of<Space>(p)).first->second;
    if (static_cast<std::size_t>(places.end) > memory.size()) {
      memory = {};  // give back first
      memory =
          Vector<std::byte, Space>(Kokkos::view_alloc(context.space(), Kokkos::WithoutInitializing,
                                                      "kyrtos::rounded_factors"),
                                   static_cast<std::size_t>(places.end));
    }
    return {slice(memory, 0, places.a_bytes), slice(memory, places.b, places.b_bytes),
            slice(memory, places.scratchpad, places.end - places.scratchpad)};
  }
};

template <class Space>
std::string RoundedProducts<Space>::missing(FactorFormat format) {
  if (format == FactorFormat::tf32 || rounding::device_library<Space>) return "";
  if constexpr (compat::runs_on_host<Space>) return onednn::bf16_missing();
  return "this build has neither cuBLASLt nor rocBLAS (Kyrtos_ENABLE_DEVICE_BLAS), which "
         "multiply in bfloat16";
}

template <class Space>
Index RoundedProducts<Space>::bytes(FactorFormat format, Transpose a_op, Transpose b_op, Index m,
                                    Index n, Index k, bool adds) {
  RoundedProduct const p{format, a_op, b_op, m, n, k, adds ? 1.0f : 0.0f};
  return missing(format).empty() ? rounding::places_of<Space>(p).end : rounding::Places(p, 0).end;
}

template <class Space>
RoundedProducts<Space>::RoundedProducts(Context<Space> const& context, FactorFormat format)
    : context_(context.with_products(nullptr)), format_(format) {
  auto const what = missing(format);
  require<ConfigError>(what.empty(), "products in bfloat16: " + what + "; multiply in float32");
  state_ = std::make_unique<State>();
}

template <class Space>
RoundedProducts<Space>::~RoundedProducts() = default;

template <class Space>
void RoundedProducts<Space>::multiply(Transpose a_op, Transpose b_op, float alpha,
                                      MatrixView<float const, Space> const& a,
                                      MatrixView<float const, Space> const& b, float beta,
                                      MatrixView<float, Space> const& c) {
  if (alpha == 0) return beta == 0 ? fill(context_, flat(c), 0) : scale(context_, beta, flat(c));
  auto const extent = [](auto const& m, int i) { return static_cast<Index>(m.extent(i)); };
  Index const k = extent(a, a_op == Transpose::yes ? 0 : 1);
  RoundedProduct const product{format_, a_op, b_op, extent(c, 0), extent(c, 1), k, beta / alpha};
  auto const operands = state_->operands(context_, product);
  format_ == FactorFormat::bfloat16
      ? rounding::multiply_in_bfloat16<Space>(context_, product, a, b, operands, c)
      : rounding::multiply_in_tf32<Space>(context_, product, a, b, operands, c);
  if (alpha != 1) scale(context_, alpha, flat(c));
}

#define KYRTOS_ROUNDED_PRODUCTS(SPACE) template class RoundedProducts<SPACE>;
KYRTOS_FOR_EACH_SPACE(KYRTOS_ROUNDED_PRODUCTS)

}  // namespace kyrtos::linalg
