// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

#include <type_traits>

/// \file
/// \brief Loops over the rows of token matrices, and over the features of one row.
///
/// A row belongs to one team of one thread: its vector lanes share the features on a device, and
/// on a host the compiler's vector registers do. (In the tests with distinct memory the lanes are
/// the threads of a team.) Lanes need not run in step: what one has written another may read after
/// row_barrier() alone. In loops of one length each lane has the same elements.

namespace kyrtos::layers::detail {

template <class Space>
struct RowTraits {
  static constexpr bool on_host = compat::has_teams_of_one<Space>;
  static constexpr bool lanes_are_threads = compat::runs_on_host<Space> && !on_host;
  static constexpr int team_size = lanes_are_threads ? 8 : 1;
  static constexpr int vector_length = on_host || lanes_are_threads ? 1 : compat::threads_in_step;
  using Member = typename Kokkos::TeamPolicy<Space>::member_type;
};

template <class Space>
using RowMember = typename RowTraits<Space>::Member;

/// How many rows a team works through. On two cores of an EPYC with AVX-512 (2026-11-28,
/// `laboratory_normalization 384 2048`, in cache) these give 65 GB/s forward, 55 backward, 46
/// tangent backward; 1 and 8 rows 67, 35 and 32; 32 and 256 rows 35, 44 and 43. Not tuned on
/// devices.
template <class Space>
struct RowBlocks {
  /// A host team takes several rows: a team costs more to start than a short row to compute.
  static constexpr Index rows = RowTraits<Space>::on_host ? 8 : 1;
  /// For passes that also sum over rows.
  static constexpr Index chunk = 32;
};

/// The rows of a token matrix, for kernels that take many: 16 bytes, where a View has 40. Those of
/// an empty one are nullptr.
template <class T>
struct Rows {
  T* data;
  Index stride;

  template <class View>
  explicit Rows(View const& matrix)
      : data(matrix.data()), stride(static_cast<Index>(matrix.extent(1))) {}

  KOKKOS_INLINE_FUNCTION T* operator()(Index row) const { return data + row * stride; }
};
template <class View>
Rows(View const&) -> Rows<typename View::value_type>;

/// One team for each of `teams` pieces of work.
template <class Space>
Kokkos::TeamPolicy<Space> row_policy(Context<Space> const& context, Index teams) {
  using Traits = RowTraits<Space>;
  return {context.space(), static_cast<int>(teams),
          compat::team_threads(context.space(), Traits::team_size), Traits::vector_length};
}

/// Runs body(member) with such a policy. With more than 512 bytes, its own included, Kokkos copies
/// a kernel's arguments to CUDA's constant memory, and waits for the kernel before.
template <class Space, class Policy, class Kernel>
void run_small_kernel(char const* label, Policy const& policy, Kernel const& kernel) {
  static_assert(sizeof(Kernel) <= 256, "give the kernel Rows and pointers instead of Views");
  Kokkos::parallel_for(label, policy, kernel);
}

/// body(member, row) for all rows.
template <class Space, class Body, class Blocks = RowBlocks<Space>>
void for_each_row(Context<Space> const& context, char const* label, Index rows, Body const& body,
                  Blocks = {}) {
  constexpr Index block = Blocks::rows;
  run_small_kernel<Space>(
      label, row_policy(context, (rows + block - 1) / block),
      KOKKOS_LAMBDA(RowMember<Space> const& member) {
        Index const begin = static_cast<Index>(member.league_rank()) * block;
        Index const end = begin + block < rows ? begin + block : rows;
        for (Index row = begin; row < end; ++row) body(member, row);
      });
}

/// The number of chunks for_each_chunk() cuts rows into: depends on the rows alone, so that sums
/// over chunks do not depend on the number of threads.
template <class Space, class Blocks = RowBlocks<Space>>
constexpr Index chunks_of(Index rows, Blocks = {}) {
  return (rows + Blocks::chunk - 1) / Blocks::chunk;
}

/// body(member, chunk, begin, end) for all chunks of rows.
template <class Space, class Body, class Blocks = RowBlocks<Space>>
void for_each_chunk(Context<Space> const& context, char const* label, Index rows, Body const& body,
                    Blocks blocks = {}) {
  constexpr Index length = Blocks::chunk;
  run_small_kernel<Space>(
      label, row_policy(context, chunks_of<Space>(rows, blocks)),
      KOKKOS_LAMBDA(RowMember<Space> const& member) {
        Index const chunk = member.league_rank();
        Index const end = (chunk + 1) * length < rows ? (chunk + 1) * length : rows;
        body(member, chunk, chunk * length, end);
      });
}

/// [0, n), shared out over the lanes.
template <class Space>
KOKKOS_INLINE_FUNCTION auto row_range(RowMember<Space> const& member, Index n) {
  if constexpr (RowTraits<Space>::lanes_are_threads)
    return Kokkos::TeamVectorRange(member, n);
  else
    return Kokkos::ThreadVectorRange(member, n);
}

/// All lanes have come here, and see what the others have written.
template <class Space>
KOKKOS_INLINE_FUNCTION void row_barrier(RowMember<Space> const& member) {
  if constexpr (!RowTraits<Space>::on_host) member.team_barrier();
}

/// body(i) for i in [0, n), in any order.
template <class Space, class Body>
KOKKOS_INLINE_FUNCTION void row_for(RowMember<Space> const& member, Index n, Body const& body) {
  if constexpr (RowTraits<Space>::on_host) {
    KYRTOS_SIMD
    for (Index i = 0; i < n; ++i) body(i);
  } else {
    Kokkos::parallel_for(row_range<Space>(member, n), body);
  }
}

/// Σᵢ term(i), the same on every lane.
template <class Scalar, class Space, class Term>
KOKKOS_INLINE_FUNCTION Scalar row_sum(RowMember<Space> const& member, Index n, Term const& term) {
  Scalar sum = 0;
  if constexpr (RowTraits<Space>::on_host) {
    KYRTOS_SIMD_SUM(sum)
    for (Index i = 0; i < n; ++i) sum += term(i);
  } else {
    Kokkos::parallel_reduce(
        row_range<Space>(member, n), [&](Index i, Scalar& s) { s += term(i); }, sum);
  }
  return sum;
}

/// The largest term(i), the same on every lane; a NaN is passed over.
template <class Scalar, class Space, class Term>
KOKKOS_INLINE_FUNCTION Scalar row_max(RowMember<Space> const& member, Index n, Term const& term) {
  constexpr Scalar lowest = Kokkos::Experimental::finite_min<Scalar>::value;
  Scalar max = lowest;
  if constexpr (RowTraits<Space>::on_host) {
    constexpr Index width = 16;  // independent lanes, which compilers may vectorise
    Scalar lane[width];
    for (Index k = 0; k < width; ++k) lane[k] = lowest;
    Index i = 0;
    for (; i + width <= n; i += width)
      for (Index k = 0; k < width; ++k) lane[k] = lane[k] < term(i + k) ? term(i + k) : lane[k];
    for (Index k = 0; i + k < n; ++k) lane[k] = lane[k] < term(i + k) ? term(i + k) : lane[k];
    for (Index k = 0; k < width; ++k) max = max < lane[k] ? lane[k] : max;
  } else {
    Kokkos::parallel_reduce(
        row_range<Space>(member, n), [&](Index i, Scalar& m) { m = m < term(i) ? term(i) : m; },
        Kokkos::Max<Scalar>(max));
  }
  return max;
}

/// Every row of y ← v.
template <class Scalar, class Space>
void copy_to_rows(Context<Space> const& context, char const* label,
                  VectorView<Scalar const, Space> const& v, MatrixView<Scalar, Space> const& y) {
  auto const columns = static_cast<Index>(y.extent(1));
  for_each_row(
      context, label, static_cast<Index>(y.extent(0)),
      KOKKOS_LAMBDA(RowMember<Space> const& member, Index row) {
        Scalar* const y_row = &y(row, 0);
        Scalar const* const from = v.data();
        row_for<Space>(member, columns, [=](Index j) { y_row[j] = from[j]; });
      });
}

/// For devices: one thread a column would be few threads, each of which waits for memory hundreds
/// of times. A team takes neighbouring columns, each of its threads every so-manieth chunk; then
/// one adds what the threads have, in their order.
template <class Scalar, class Space>
void add_partial_sums_by_teams(Context<Space> const& context, char const* label,
                               Rows<Scalar> const& partial, Index chunks,
                               VectorView<Scalar, Space> const& target) {
  constexpr Index tile = 32;
  using Policy = Kokkos::TeamPolicy<Space>;
  int const threads = compat::team_threads(context.space(), 32);
  auto const columns = static_cast<Index>(target.size());
  constexpr int lanes = RowTraits<Space>::vector_length > 1 ? tile : 1;
  Policy policy(context.space(), static_cast<int>((columns + tile - 1) / tile), threads, lanes);
  int const bytes = threads * static_cast<int>(tile) * static_cast<int>(sizeof(Scalar));
  policy.set_scratch_size(0, Kokkos::PerTeam(bytes));
  Scalar* const sums = target.data();
  Kokkos::parallel_for(
      label, policy, KOKKOS_LAMBDA(typename Policy::member_type const& member) {
        auto* const of_threads = static_cast<Scalar*>(member.team_scratch(0).get_shmem(bytes));
        Index const begin = member.league_rank() * tile;
        Index const width = columns - begin < tile ? columns - begin : tile;
        Kokkos::parallel_for(Kokkos::TeamThreadRange(member, threads), [&](int thread) {
          Kokkos::parallel_for(Kokkos::ThreadVectorRange(member, width), [&](Index j) {
            Scalar sum = 0;
            for (Index chunk = thread; chunk < chunks; chunk += threads)
              sum += partial(chunk)[begin + j];
            of_threads[thread * tile + j] = sum;
          });
        });
        member.team_barrier();
        Kokkos::parallel_for(Kokkos::TeamVectorRange(member, width), [&](Index j) {
          Scalar sum = 0;
          for (int thread = 0; thread < threads; ++thread) sum += of_threads[thread * tile + j];
          sums[begin + j] += sum;
        });
      });
}

/// target(j) += Σ_chunks partial(chunk, j): the second stage of sums over rows.
template <class Scalar, class Space>
void add_partial_sums(Context<Space> const& context, char const* label,
                      MatrixView<Scalar, Space> const& partial,
                      VectorView<Scalar, Space> const& target) {
  auto const chunks = static_cast<Index>(partial.extent(0));
  if constexpr (!RowTraits<Space>::on_host)
    return add_partial_sums_by_teams<Scalar>(context, label, Rows<Scalar>(partial), chunks, target);
  using Range = Kokkos::RangePolicy<Space, Kokkos::IndexType<Index>>;
  Kokkos::parallel_for(
      label, Range(context.space(), 0, static_cast<Index>(target.size())), KOKKOS_LAMBDA(Index j) {
        Scalar sum = 0;
        for (Index chunk = 0; chunk < chunks; ++chunk) sum += partial(chunk, j);
        target(j) += sum;
      });
}

/// Sums over rows in two stages and a fixed order: body(member, sums, begin, end) adds what rows
/// [begin, end) contribute to target(j) to sums[j], zero before. Where target is empty, the body
/// runs all the same, with sums = nullptr.
template <class Scalar, class Space, class Body, class Blocks = RowBlocks<Space>>
void add_row_sums(Context<Space> const& context, char const* label, Index rows,
                  VectorView<Scalar, Space> const& target, Body const& body, Blocks blocks = {}) {
  auto const width = static_cast<Index>(target.size());
  Index const chunks = width > 0 ? chunks_of<Space>(rows, blocks) : 0;
  auto const partial =
      as_matrix(context.template scratch<Scalar>(chunks * width), 0, chunks, width);
  Rows const rows_of_sums(partial);
  for_each_chunk(
      context, label, rows,
      KOKKOS_LAMBDA(RowMember<Space> const& member, Index chunk, Index begin, Index end) {
        Scalar* const sums = width > 0 ? rows_of_sums(chunk) : nullptr;
        if (width > 0) row_for<Space>(member, width, [=](Index j) { sums[j] = 0; });
        row_barrier<Space>(member);  // the body's loops are of other lengths
        body(member, sums, begin, end);
      },
      blocks);
  if (width > 0) add_partial_sums(context, label, partial, target);
}

}  // namespace kyrtos::layers::detail
