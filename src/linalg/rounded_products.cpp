// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/region.hpp>
#include <kyrtos/linalg/rounded_products.hpp>
#include <kyrtos/linalg/rounding.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

#include "gemm_providers.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <optional>

namespace kyrtos::linalg {

namespace rounding {

KOKKOS_INLINE_FUNCTION void round_to(float x, Bfloat16& y) {
  y = to_bfloat16(x);
}
KOKKOS_INLINE_FUNCTION void round_to(float x, float& y) {
  y = to_tf32(x);
}

/// Rows of `columns` numbers at distances; where these are the columns, one long row.
struct RowsToRound {
  Index rows, columns, from_stride, to_stride;

  RowsToRound(Index r, Index c, Index from, Index to)
      : rows(r), columns(c), from_stride(from), to_stride(to) {
    if (from == c && to == c) {
      columns *= rows;
      rows = 1;
    }
  }
};

/// The elements of a matrix, rounded.
template <class Number, class Space>
void round_elements(Context<Space> const& context, MatrixView<float const, Space> const& from,
                    RoundedRows const& to) {
  RowsToRound const all(static_cast<Index>(from.extent(0)), static_cast<Index>(from.extent(1)),
                        static_cast<Index>(from.stride(0)), to.stride);
  // Of a piece, the work of one thread: neighbours on a device are worked on by neighbours.
  constexpr Index length = compat::runs_on_host<Space> ? 4096 : 1;
  Index const pieces = (all.columns + length - 1) / length;
  float const* const first = from.data();
  auto* const target = static_cast<Number*>(to.data);
  using Range = Kokkos::RangePolicy<Space, Kokkos::IndexType<Index>>;
  Kokkos::parallel_for(
      "kyrtos::linalg::round_factor", Range(context.space(), 0, all.rows * pieces),
      KOKKOS_LAMBDA(Index index) {
        Index const row = index / pieces, begin = index % pieces * length;
        float const* KOKKOS_RESTRICT const x = first + row * all.from_stride;
        Number* KOKKOS_RESTRICT const y = target + row * all.to_stride;
        Index const end = begin + length < all.columns ? begin + length : all.columns;
        for (Index i = begin; i < end; ++i) round_to(x[i], y[i]);
      });
}

/// The rows of a factor of so many columns in this memory.
template <class Space>
RoundedRows rounded_rows(FactorFormat format, Index columns,
                         VectorView<std::byte, Space> const& memory) {
  return {memory.data(), static_cast<int>(factor_stride<Space>(format, columns)),
          format == FactorFormat::bfloat16};
}

template <class Space>
void round(Context<Space> const& context, MatrixView<float const, Space> const& from,
           RoundedRows const& to) {
  auto const format = to.is_bfloat16 ? FactorFormat::bfloat16 : FactorFormat::tf32;
  Region<Space> const region(context, "kyrtos::linalg::round_factor",
                             {.bytes = rounding_bytes(format, static_cast<double>(from.size()))});
  if (to.is_bfloat16)
    round_elements<Bfloat16, Space>(context, from, to);
  else
    round_elements<float, Space>(context, from, to);
}

template <class Space>
inline constexpr bool device_library = cublaslt::supports<Space> || rocblas::supports<Space>;

/// Where a product's factors and the library's memory begin and end, in bytes; each starts where a
/// cache line and a device's widest load may.
struct Places {
  Index a_bytes = 0, b_bytes = 0, b = 0, scratchpad = 0, end = 0;
};

inline Index padded(Index bytes) {
  return (bytes + 255) / 256 * 256;
}

template <class Space>
Index bytes_of_factor(FactorFormat format, Transpose op, Index rows, Index columns) {
  if (op == Transpose::yes) std::swap(rows, columns);
  return rows * factor_stride<Space>(format, columns) * bytes_of(format);
}

/// A product, and which of its factors lie elsewhere already.
struct ProductOfKept {
  RoundedProduct product;
  bool has_a = false, has_b = false;
  auto operator<=>(ProductOfKept const&) const = default;
};

template <class Space>
Places places_of(ProductOfKept const& of) {
  auto const& p = of.product;
  std::size_t library = 0;
  if constexpr (!device_library<Space>)
    if (p.format == FactorFormat::bfloat16 && onednn::bf16_missing().empty())
      library = onednn::bf16_scratchpad(p);
  Places places;
  if (!of.has_a) places.a_bytes = bytes_of_factor<Space>(p.format, p.a_op, p.m, p.k);
  if (!of.has_b) places.b_bytes = bytes_of_factor<Space>(p.format, p.b_op, p.k, p.n);
  places.b = padded(places.a_bytes);
  places.scratchpad = places.b + padded(places.b_bytes);
  places.end = places.scratchpad + padded(static_cast<Index>(library));
  return places;
}

/// C ← op(A)·op(B) + β·C of rounded factors.
template <class Space>
void multiply_in_bfloat16(Context<Space> const& context, RoundedProduct const& p,
                          RoundedOperands<Space> const& in, MatrixView<float, Space> const& c,
                          [[maybe_unused]] Addends<float, Space> const& plus) {
  if constexpr (cublaslt::supports<Space>)
    cublaslt::gemm(context, p, in, c, plus);
  else if constexpr (rocblas::supports<Space>)
    rocblas::gemm(context, p, in, c);
  else if constexpr (onednn::has_plans<Space>)
    onednn::gemm(context, p, in, c);
}

/// Likewise. The unit that multiplies TF32 would drop bits by itself, but not to the nearest.
template <class Space>
void multiply_in_tf32(Context<Space> const& context, RoundedProduct const& p,
                      RoundedOperands<Space> const& in, MatrixView<float, Space> const& c,
                      [[maybe_unused]] Addends<float, Space> const& plus) {
  [[maybe_unused]] auto const matrix = [&](Transpose op, Index rows, Index columns,
                                           auto const& memory) {
    if (op == Transpose::yes) std::swap(rows, columns);
    return strided_matrix<float const, Space>(reinterpret_cast<float const*>(memory.data()), rows,
                                              columns, factor_stride<Space>(p.format, columns));
  };
  if constexpr (cublaslt::supports<Space>)
    cublaslt::gemm(context, p, in, c, plus);
  else
    gemm_full_precision<float, Space>(context, p.a_op, p.b_op, 1, matrix(p.a_op, p.m, p.k, in.a),
                                      matrix(p.b_op, p.k, p.n, in.b), p.beta, c);
}

}  // namespace rounding

template <class Space>
struct RoundedProducts<Space>::State {
  using Matrix = MatrixView<float const, Space>;
  using Bytes = VectorView<std::byte, Space>;

  Vector<std::byte, Space> memory;  ///< Of the other factors and of the library.
  struct Kept {
    Vector<std::byte, Space> memory;
    Matrix matrix;  ///< Empty: none.
    Bytes rounded;  ///< Its elements.
    bool is_vector = false;

    /// Where the elements of a matrix are, which may be rows of this one, or lie in this vector.
    std::optional<Bytes> find(FactorFormat format, Matrix const& m) const {
      auto const extent = [](Matrix const& of, int i) { return static_cast<Index>(of.extent(i)); };
      auto const* const first = matrix.data();
      std::less<float const*> const is_before;
      if (first == nullptr || is_before(m.data(), first) ||
          !is_before(m.data(), first + matrix.span()))
        return {};
      Index const at = m.data() - first, columns = extent(m, 1);
      Index const stride = rounding::rounded_rows<Space>(format, columns, rounded).stride;
      auto const bytes = [&](Index elements) { return elements * bytes_of(format); };
      if (is_vector) {
        bool const is_dense = m.size() == m.span() && stride == columns;
        return is_dense ? std::optional<Bytes>(
                              slice(rounded, bytes(at), bytes(static_cast<Index>(m.size()))))
                        : std::nullopt;
      }
      auto const own_stride = static_cast<Index>(matrix.stride(0));
      Index const row = at / own_stride;
      bool const is_rows = columns == extent(matrix, 1) && at % own_stride == 0 &&
                           static_cast<Index>(m.stride(0)) == own_stride &&
                           row + extent(m, 0) <= extent(matrix, 0);
      return is_rows ? std::optional<Bytes>(
                           slice(rounded, bytes(row * stride), bytes(extent(m, 0) * stride)))
                     : std::nullopt;
    }
  };
  std::array<Kept, kinds_of_kept> kept;
  std::map<rounding::ProductOfKept, rounding::Places> products;

  static void reserve(Context<Space> const& context, Vector<std::byte, Space>& memory,
                      Index bytes) {
    if (static_cast<std::size_t>(bytes) <= memory.size()) return;
    memory = {};  // give back first
    memory = Vector<std::byte, Space>(
        Kokkos::view_alloc(context.space(), Kokkos::WithoutInitializing, "kyrtos::rounded_factors"),
        static_cast<std::size_t>(bytes));
  }

  std::optional<Bytes> rounded(FactorFormat format, Matrix const& m) const {
    for (auto const& known : kept)
      if (auto const found = known.find(format, m)) return found;
    return {};
  }

  /// Makes room for a matrix, or a vector.
  Kept& keep(Context<Space> const& context, KeptAs as, Matrix const& matrix, Index bytes) {
    auto& one = kept[static_cast<std::size_t>(as)];
    require(one.matrix.data() == nullptr, "KeptFactor: there is one of this kind already");
    reserve(context, one.memory, bytes);
    one.rounded = slice(one.memory, 0, bytes);
    one.matrix = matrix;
    return one;
  }

  /// Rounds what is not kept.
  RoundedOperands<Space> operands(Context<Space> const& context, RoundedProduct const& p,
                                  Matrix const& a, Matrix const& b) {
    auto const known_a = rounded(p.format, a), known_b = rounded(p.format, b);
    rounding::ProductOfKept const of{p, known_a.has_value(), known_b.has_value()};
    auto const known = products.find(of);
    auto const& places = known != products.end()
                             ? known->second
                             : products.emplace(of, rounding::places_of<Space>(of)).first->second;
    reserve(context, memory, places.end);
    auto const factor = [&](std::optional<Bytes> const& before, Matrix const& m, Index at,
                            Index bytes) {
      if (before) return *before;
      Bytes const to = slice(memory, at, bytes);
      auto const columns = static_cast<Index>(m.extent(1));
      rounding::round<Space>(context, m, rounding::rounded_rows<Space>(p.format, columns, to));
      return to;
    };
    return {factor(known_a, a, 0, places.a_bytes), factor(known_b, b, places.b, places.b_bytes),
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
                                    Index n, Index k, bool adds, bool keeps_a, bool keeps_b) {
  return rounding::places_of<Space>(
             {{format, a_op, b_op, m, n, k, adds ? 1.0f : 0.0f}, keeps_a, keeps_b})
      .end;
}

template <class Space>
Index RoundedProducts<Space>::kept_bytes(FactorFormat format, Index rows, Index columns) {
  return rounding::padded(rounding::bytes_of_factor<Space>(format, Transpose::no, rows, columns));
}

template <class Space>
bool RoundedProducts<Space>::pads(FactorFormat format, Index columns) {
  return factor_stride<Space>(format, columns) != columns;
}

template <class Space>
RoundedRows RoundedProducts<Space>::keep(KeptAs as, MatrixView<float const, Space> const& matrix) {
  if (state_->rounded(format_, matrix)) return {};
  auto const rows = static_cast<Index>(matrix.extent(0)),
             columns = static_cast<Index>(matrix.extent(1));
  auto& kept = state_->keep(context_, as, matrix, kept_bytes(format_, rows, columns));
  kept.is_vector = false;
  return rounding::rounded_rows<Space>(format_, columns, kept.rounded);
}

template <class Space>
void RoundedProducts<Space>::keep_vector(KeptAs as, VectorView<float const, Space> const& vector) {
  auto const size = static_cast<Index>(vector.size());
  auto const row = as_matrix(vector, 0, 1, size);
  auto& kept = state_->keep(context_, as, row, kept_bytes(format_, 1, size));
  kept.is_vector = true;
  round(row, {kept.rounded.data(), 0, format_ == FactorFormat::bfloat16});
}

template <class Space>
void RoundedProducts<Space>::round(MatrixView<float const, Space> const& matrix,
                                   RoundedRows const& to) const {
  rounding::round<Space>(context_, matrix, to);
}

template <class Space>
void RoundedProducts<Space>::forget(KeptAs as) {
  state_->kept[static_cast<std::size_t>(as)].matrix = {};
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
                                      MatrixView<float, Space> const& c,
                                      Addends<float, Space> const& plus) {
  if (alpha == 0) return beta == 0 ? fill(context_, flat(c), 0) : scale(context_, beta, flat(c));
  auto const extent = [](auto const& m, int i) { return static_cast<Index>(m.extent(i)); };
  Index const k = extent(a, a_op == Transpose::yes ? 0 : 1);
  auto const c_stride = static_cast<Index>(c.stride(0));
  RoundedProduct const product{format_,
                               a_op,
                               b_op,
                               extent(c, 0),
                               extent(c, 1),
                               k,
                               plus.matrix.size() > 0 ? 1 : beta / alpha,
                               c_stride == extent(c, 1) ? 0 : c_stride};
  auto const operands = state_->operands(context_, product, a, b);
  format_ == FactorFormat::bfloat16
      ? rounding::multiply_in_bfloat16<Space>(context_, product, operands, c, plus)
      : rounding::multiply_in_tf32<Space>(context_, product, operands, c, plus);
  if (alpha != 1) scale(context_, alpha, flat(c));
}

#define KYRTOS_ROUNDED_PRODUCTS(SPACE) template class RoundedProducts<SPACE>;
KYRTOS_FOR_EACH_SPACE(KYRTOS_ROUNDED_PRODUCTS)

}  // namespace kyrtos::linalg
