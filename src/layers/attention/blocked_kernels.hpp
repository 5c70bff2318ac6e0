// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/fast_math.hpp>
#include <kyrtos/layers/detail/rows.hpp>

#include "blocked_memory.hpp"

/// \file
/// \brief From scores to the factors of the next products: the work of one row of a block in each
/// pass. What a row does not see gets factors of 0.

namespace kyrtos::layers::attention {

/// Where a block's scores are, and what is made of them: 24 bytes, where Views would be more than
/// kernels may have (run_small_kernel()).
template <class Scalar, class Factor>
struct ScorePlaces {
  Scalar* scores;
  Factor* factors;
  int parts;

  template <class Space>
  ScorePlaces(ScoreBlock<Scalar, Factor, Space> const& block)
      : scores(block.scores.memory.data()),
        factors(block.factors.memory.data()),
        parts(block.scores.parts) {}
};

/// A row of scores and what is made of it, from the first key that the row sees on.
template <class Scalar, class Factor>
struct ScoreSpan {
  Scalar* scores;
  Factor* factors;
};

/// Row `row`, part `part`, of a block.
template <class Scalar, class Factor>
KOKKOS_INLINE_FUNCTION ScoreSpan<Scalar, Factor> span_of(ScorePlaces<Scalar, Factor> const& block,
                                                         QueryBlock const& b, ScoreRow const& r,
                                                         Index row, int part = 0) {
  Index const at = (row * block.parts + part) * b.stride + r.begin;
  return {block.scores + at, block.factors + at};
}

/// Zeros before and after what the row sees.
template <class Factors, class Space, class Factor>
KOKKOS_INLINE_FUNCTION void hide_rest(detail::RowMember<Space> const& member, QueryBlock const& b,
                                      ScoreRow const& r, Factor* factors) {
  Factor* const first = factors - r.begin;
  Factor* const after = first + r.end;
  detail::row_for<Space>(member, r.begin, [=](Index j) { first[j] = Factors::of(0); });
  detail::row_for<Space>(member, b.keys - r.end, [=](Index j) { after[j] = Factors::of(0); });
}

/// z = c·tanh(s/c) and its slope 1 - (z/c)².
template <class Scalar>
struct SoftCap {
  Scalar cap, inverse;

  KOKKOS_FORCEINLINE_FUNCTION explicit SoftCap(Scalar c) : cap(c), inverse(c > 0 ? 1 / c : 0) {}
  KOKKOS_FORCEINLINE_FUNCTION Scalar operator()(Scalar s) const {
    return cap > 0 ? cap * fast::tanh(inverse * s) : s;
  }
  KOKKOS_FORCEINLINE_FUNCTION Scalar slope(Scalar z) const {
    return 1 - inverse * z * (inverse * z);
  }
};

/// P̂ = e^(Z - m) of each row, with m, 1/Σ P̂, and L = m + ln Σ P̂.
template <class Factors, class Scalar, class Space>
struct SoftmaxRow {
  Geometry<Scalar> g;
  QueryBlock b;
  ScorePlaces<Scalar, typename Factors::Factor> scores;
  Scalar *inverse_sum, *log_sum_exp, *max_score;

  KOKKOS_FUNCTION void operator()(detail::RowMember<Space> const& member, Index row) const {
    auto const r = score_row(g, b, row);
    auto const [s, p] = span_of(scores, b, r, row);
    Scalar* const z = s;
    auto* const weight = p;
    int const n = r.end - r.begin;
    SoftCap<Scalar> const cap(g.soft_cap);
    if (g.soft_cap > 0) detail::row_for<Space>(member, n, [=](Index j) { z[j] = cap(z[j]); });
    Scalar const max = detail::row_max<Scalar, Space>(member, n, [=](Index j) { return z[j]; });
    Scalar const sum = detail::row_sum<Scalar, Space>(member, n, [=](Index j) {
      Scalar const value = fast::exp_nonpositive(z[j] - max);
      weight[j] = Factors::of(value);
      return value;
    });
    hide_rest<Factors, Space>(member, b, r, weight);
    Kokkos::single(Kokkos::PerThread(member), [&] {
      inverse_sum[row] = 1 / sum;
      log_sum_exp[r.statistic] = max + math::log(sum);
      max_score[r.statistic] = max;
    });
  }
};

/// P∘Ż in the first part of each row and P in the second, of S and Ṡ there; μ = Σ P∘Ż.
template <class Factors, class Scalar, class Space>
struct TangentSoftmaxRow {
  Geometry<Scalar> g;
  QueryBlock b;
  ScorePlaces<Scalar, typename Factors::Factor> scores;
  Scalar const* log_sum_exp;
  Scalar* mean_dot;

  KOKKOS_FUNCTION void operator()(detail::RowMember<Space> const& member, Index row) const {
    auto const r = score_row(g, b, row);
    auto const first = span_of(scores, b, r, row, 0), second = span_of(scores, b, r, row, 1);
    Scalar const log_sum = log_sum_exp[r.statistic];
    bool const capped = g.soft_cap > 0;
    SoftCap<Scalar> const cap(g.soft_cap);
    Scalar const mean = detail::row_sum<Scalar, Space>(member, r.end - r.begin, [=](Index j) {
      Scalar z = first.scores[j], z_dot = second.scores[j];
      if (capped) {
        z = cap(z);
        z_dot *= cap.slope(z);
      }
      Scalar const p = fast::exp_nonpositive(z - log_sum);
      first.factors[j] = Factors::of(p * z_dot);
      second.factors[j] = Factors::of(p);
      return p * z_dot;
    });
    hide_rest<Factors, Space>(member, b, r, first.factors);
    hide_rest<Factors, Space>(member, b, r, second.factors);
    Kokkos::single(Kokkos::PerThread(member), [&] { mean_dot[r.statistic] = mean; });
  }
};

/// P of S, and dS = Z'∘P∘(dP - D) of dP.
template <class Factors, class Scalar, class Space>
struct BackwardRow {
  Geometry<Scalar> g;
  QueryBlock b;
  ScorePlaces<Scalar, typename Factors::Factor> scores, gradients;
  Scalar const *log_sum_exp, *row_sum;

  KOKKOS_FUNCTION void operator()(detail::RowMember<Space> const& member, Index row) const {
    auto const r = score_row(g, b, row);
    auto const s = span_of(scores, b, r, row), d = span_of(gradients, b, r, row);
    Scalar const log_sum = log_sum_exp[r.statistic], sum = row_sum[r.statistic];
    bool const capped = g.soft_cap > 0;
    SoftCap<Scalar> const cap(g.soft_cap);
    detail::row_for<Space>(member, r.end - r.begin, [=](Index j) {
      Scalar const z = capped ? cap(s.scores[j]) : s.scores[j];
      Scalar const p = fast::exp_nonpositive(z - log_sum);
      Scalar const dz = p * (d.scores[j] - sum);
      s.factors[j] = Factors::of(p);
      d.factors[j] = Factors::of(capped ? cap.slope(z) * dz : dz);
    });
    hide_rest<Factors, Space>(member, b, r, s.factors);
    hide_rest<Factors, Space>(member, b, r, d.factors);
  }
};

/// P and Ṗ of S and Ṡ; dS and dṠ of dP and dṖ, each beside its tangent:
///
///     Ṗ = P∘(Ż - μ),   dŻ = Ṗ∘(dP - D) + P∘(dṖ - Ḋ),   dṠ = Z'∘dŻ + Z''∘Ṡ∘dZ
template <class Factors, class Scalar, class Space>
struct TangentBackwardRow {
  Geometry<Scalar> g;
  QueryBlock b;
  ScorePlaces<Scalar, typename Factors::Factor> scores, gradients;
  Scalar const *log_sum_exp, *mean_dot, *row_sum, *row_sum_dot;

  KOKKOS_FUNCTION void operator()(detail::RowMember<Space> const& member, Index row) const {
    auto const r = score_row(g, b, row);
    auto const s = span_of(scores, b, r, row, 0), s_dot = span_of(scores, b, r, row, 1);
    auto const d = span_of(gradients, b, r, row, 0), d_dot = span_of(gradients, b, r, row, 1);
    Scalar const log_sum = log_sum_exp[r.statistic], mean = mean_dot[r.statistic];
    Scalar const sum = row_sum[r.statistic], sum_dot = row_sum_dot[r.statistic];
    bool const capped = g.soft_cap > 0;
    SoftCap<Scalar> const cap(g.soft_cap);
    detail::row_for<Space>(member, r.end - r.begin, [=](Index j) {
      Scalar z = s.scores[j], z_dot = s_dot.scores[j], slope = 1, bend = 0;
      if (capped) {
        z = cap(z);
        slope = cap.slope(z);
        z_dot *= slope;
        bend = -2 * cap.inverse * (cap.inverse * z) * z_dot;  // Z''∘Ṡ
      }
      Scalar const p = fast::exp_nonpositive(z - log_sum), p_dot = p * (z_dot - mean);
      Scalar const change = d.scores[j] - sum, dz = p * change;
      Scalar const dz_dot = p_dot * change + p * (d_dot.scores[j] - sum_dot);
      s.factors[j] = Factors::of(p);
      s_dot.factors[j] = Factors::of(p_dot);
      d.factors[j] = Factors::of(slope * dz);
      d_dot.factors[j] = Factors::of(slope * dz_dot + bend * dz);
    });
    hide_rest<Factors, Space>(member, b, r, s.factors);
    hide_rest<Factors, Space>(member, b, r, s_dot.factors);
    hide_rest<Factors, Space>(member, b, r, d.factors);
    hide_rest<Factors, Space>(member, b, r, d_dot.factors);
  }
};

}  // namespace kyrtos::layers::attention
