// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/random.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

#include <array>
#include <cmath>
#include <vector>

/// \file
/// \brief Algebra on a few long vectors at once: the inner loops of the eigenvalue estimators.
///
/// A set of vectors is a row-major matrix, one vector a row. Sums are formed in double precision
/// and in an order that depends on the length alone, as in linalg/vector_operations.hpp; those over
/// vectors that are split over ranks (DistributedView) are collective.

namespace kyrtos::curvature::detail {

/// K numbers; what a term of K simultaneous sums returns.
template <int K>
struct Tuple {
  double value[K];
};

/// Σᵢ terms(i) for i in [0, n): K sums that read their vectors once, on this rank alone. Waits for
/// the instance.
template <int K, class Space, class Terms>
std::array<double, K> local_sums(Context<Space> const& context, char const* label, Index n,
                                 Terms const& terms) {
  constexpr Index shortest_chunk = 1024;
  constexpr Index most_chunks = Context<Space>::reduction_buffer_size / K;
  Index const chunks = std::clamp<Index>(n / shortest_chunk, 1, most_chunks);
  Index const length = (n + chunks - 1) / chunks;
  auto const partial = context.reduction_buffer();
  using Range = Kokkos::RangePolicy<Space, Kokkos::IndexType<Index>>;
  Kokkos::parallel_for(
      label, Range(context.space(), 0, chunks), KOKKOS_LAMBDA(Index chunk) {
        Index const end = (chunk + 1) * length < n ? (chunk + 1) * length : n;
        constexpr int lanes = 8;
        double lane[K][lanes] = {};
        Index i = chunk * length;
        for (; i + lanes <= end; i += lanes)
          for (int l = 0; l < lanes; ++l) {
            auto const term = terms(i + l);
            for (int k = 0; k < K; ++k) lane[k][l] += term.value[k];
          }
        for (; i < end; ++i) {
          auto const term = terms(i);
          for (int k = 0; k < K; ++k) lane[k][0] += term.value[k];
        }
        for (int k = 0; k < K; ++k) {
          double sum = 0;
          for (int l = 0; l < lanes; ++l) sum += lane[k][l];
          partial(chunk * K + k) = sum;
        }
      });
  auto const sums = context.reduced(chunks * K, label);
  std::array<double, K> total{};
  for (Index chunk = 0; chunk < chunks; ++chunk)
    for (int k = 0; k < K; ++k) total[k] += sums(chunk * K + k);
  return total;
}

/// The same over all elements of vectors that lie on the ranks as `v` does.
template <int K, class Space, class V, class Terms>
std::array<double, K> sums_over(Context<Space> const& context, char const* label, V const& v,
                                Terms const& terms) {
  auto sums = local_sums<K>(context, label, static_cast<Index>(v.size()), terms);
  linalg::detail::sum_over_ranks(context, v, sums);
  return sums;
}

/// How well a vector u is an eigenvector of A, from u and its image w = A u.
struct RayleighQuotient {
  double value = 0;     ///< λ = ⟨u, w⟩ / ⟨u, u⟩
  double residual = 0;  ///< ‖w − λu‖ / ‖u‖
  double norm = 0;      ///< ‖u‖
  double image = 0;     ///< ‖w‖ / ‖u‖
};

/// The share of ‖w‖² below which the remainder's square is summed by itself: as a difference of
/// sums it has an error of ε‖w‖², and the remainder one of ε‖w‖/(2√share).
inline constexpr double least_remainder = 1e-4;

/// Reads u and w once, and again where ‖w‖² − λ²‖u‖² would lose its digits to cancellation.
template <class Space, class U, class W>
RayleighQuotient rayleigh_quotient(Context<Space> const& context, U const& u, W const& w) {
  linalg::detail::common_size(u, w, "rayleigh_quotient");
  auto const [uu, uw, ww] = sums_over<3>(
      context, "kyrtos::curvature::rayleigh_quotient", u, KOKKOS_LAMBDA(Index i) {
        double const a = u(i), b = w(i);
        return Tuple<3>{{a * a, a * b, b * b}};
      });
  double const lambda = uw / uu;
  double square = ww - lambda * uw;
  if (!(square > least_remainder * ww))
    square = sums_over<1>(
        context, "kyrtos::curvature::residual", u, KOKKOS_LAMBDA(Index i) {
          double const r = w(i) - lambda * static_cast<double>(u(i));
          return Tuple<1>{{r * r}};
        })[0];
  return {lambda, std::sqrt(square / uu), std::sqrt(uu), std::sqrt(ww / uu)};
}

/// out[j] = ⟨v_first+j, w⟩ for K rows of V.
template <int K, class Space, class V, class W>
void project_rows(Context<Space> const& context, V const& v, Index first, W const& w, double* out) {
  Index const n = static_cast<Index>(w.size());
  auto const* row = v.data() + first * n;
  auto const sums = sums_over<K>(
      context, "kyrtos::curvature::project", w, KOKKOS_LAMBDA(Index i) {
        Tuple<K> term;
        for (int k = 0; k < K; ++k)
          term.value[k] = static_cast<double>(row[k * n + i]) * static_cast<double>(w(i));
        return term;
      });
  std::copy(sums.begin(), sums.end(), out);
}

/// ⟨v_j, w⟩ for the first `rows` rows of V: reads V once and w rows/8 times. Waits.
template <class Space, class V, class W>
std::vector<double> project(Context<Space> const& context, V const& v, Index rows, W const& w) {
  std::vector<double> c(static_cast<std::size_t>(rows));
  Index j = 0;
  for (; j + 8 <= rows; j += 8) project_rows<8>(context, v, j, w, c.data() + j);
  for (; j + 2 <= rows; j += 2) project_rows<2>(context, v, j, w, c.data() + j);
  for (; j < rows; ++j) project_rows<1>(context, v, j, w, c.data() + j);
  return c;
}

/// w ← βw + Σⱼ cⱼ vⱼ over the first c.size() rows of V; with β = 0 the old w is not read.
/// Reads V once, w once for every eight rows. Asynchronous.
template <class Space, class V, class W>
void combine(Context<Space> const& context, std::vector<double> const& c, V const& v, double beta,
             W const& w) {
  using Scalar = typename W::non_const_value_type;
  constexpr int width = 8;
  Index const n = static_cast<Index>(w.size()), rows = static_cast<Index>(c.size());
  if (rows == 0 && beta != 1) linalg::scale(context, beta, w);
  for (Index first = 0; first < rows; first += width) {
    int const count = static_cast<int>(std::min<Index>(width, rows - first));
    Tuple<width> coefficient{};
    std::copy_n(c.begin() + first, count, coefficient.value);
    auto const* row = v.data() + first * n;
    double const keep = first == 0 ? beta : 1;
    linalg::detail::for_each(
        context, "kyrtos::curvature::combine", n, KOKKOS_LAMBDA(Index i) {
          double sum = keep == 0 ? 0 : keep * static_cast<double>(w(i));
          for (int k = 0; k < count; ++k)
            sum += coefficient.value[k] * static_cast<double>(row[k * n + i]);
          w(i) = static_cast<Scalar>(sum);
        });
  }
}

/// Removes from w its components along the first `rows` (orthonormal) rows of V, twice: the
/// second pass brings orthogonality to rounding (Giraud, Langou and Rozložník 2005).
/// \return the coefficients removed.
template <class Space, class V, class W>
std::vector<double> orthogonalize(Context<Space> const& context, V const& v, Index rows,
                                  W const& w) {
  std::vector<double> removed(static_cast<std::size_t>(rows), 0.0);
  for (int pass = 0; pass < 2; ++pass) {
    auto c = project(context, v, rows, w);
    for (std::size_t j = 0; j < c.size(); ++j) {
      removed[j] += c[j];
      c[j] = -c[j];
    }
    combine(context, c, v, 1.0, w);
  }
  return removed;
}

/// v(i) ← number(first + i), with i counted in the whole vector where v is split over ranks
/// (padding becomes zero). Asynchronous.
template <class Space, class V, class Number>
void fill_by_index(Context<Space> const& context, char const* label, V const& v,
                   std::uint64_t first, Number const& number) {
  using Scalar = typename V::non_const_value_type;
  auto const fill = [&](VectorView<Scalar, Space> values, std::uint64_t begin) {
    linalg::detail::for_each(
        context, label, static_cast<Index>(values.size()), KOKKOS_LAMBDA(Index i) {
          values(i) = static_cast<Scalar>(number(begin + static_cast<std::uint64_t>(i)));
        });
  };
  DistributedView<Scalar, Space> const vector(v);
  if (vector.partition() == nullptr) return fill(vector.local(), first);
  linalg::fill(context, v, 0);
  ParameterLayout::Range const all{0, vector.partition()->size()};
  for (auto const& s : vector.slices(all))
    fill(slice(vector.local(), s.local, s.size), first + static_cast<std::uint64_t>(s.offset));
}

/// v(i) ← a standard normal number of (seed, stream, first + i). Asynchronous.
template <class Space, class V>
void fill_normal(Context<Space> const& context, V const& v, Philox random,
                 std::uint64_t first = 0) {
  fill_by_index(
      context, "kyrtos::curvature::fill_normal", v, first,
      KOKKOS_LAMBDA(std::uint64_t i) { return random.normal(i); });
}

/// v(i) ← ±1 with equal probability (Rademacher). Asynchronous.
template <class Space, class V>
void fill_signs(Context<Space> const& context, V const& v, Philox random) {
  fill_by_index(
      context, "kyrtos::curvature::fill_signs", v, 0,
      KOKKOS_LAMBDA(std::uint64_t i) { return random.sign(i); });
}

/// Scales v to length one. \return its former length; v is left alone where that is 0 or not
/// finite.
template <class Space, class V>
double normalize(Context<Space> const& context, V const& v) {
  double const length = linalg::norm(context, v);
  if (std::isfinite(length) && length > 0) linalg::scale(context, 1 / length, v);
  return length;
}

/// Row j of a matrix as a vector, without a copy.
template <class T, class... Properties>
auto row(Kokkos::View<T**, Properties...> const& m, Index j) {
  using Space = typename Kokkos::View<T**, Properties...>::memory_space;
  return VectorView<T, Space>(m.data() + j * static_cast<Index>(m.extent(1)), m.extent(1));
}

}  // namespace kyrtos::curvature::detail
