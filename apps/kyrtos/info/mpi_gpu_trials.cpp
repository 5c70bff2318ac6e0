// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/parallel/rank_sum.hpp>
#include <kyrtos/parallel/sharded_source.hpp>
#include <kyrtos/parallel/whole_matrices.hpp>

#include "mpi_gpu.hpp"

#include <algorithm>

namespace kyrtos::program {

namespace {

using Scalar = float;
using parallel::MatrixRange;

/// Below and above what MPI libraries send at once; multiples of any usual number of ranks.
constexpr Index sizes[] = {Index{840}, Index{840} << 10};

Partition split(Communicator const& ranks, Index size) {
  return {{{0, size}}, ranks.rank(), ranks.size()};
}

/// 1 + 2 + … + ranks
double triangle(Communicator const& ranks) {
  return 0.5 * ranks.size() * (ranks.size() + 1);
}

bool start(Context<Space> const&, Index) {
  return true;
}

/// Each rank adds its number to every element.
bool sum(Context<Space> const& context, Partition const& partition) {
  auto const& ranks = context.communicator();
  auto const v = allocate<Scalar>(context, "trial", partition.local_size());
  auto const sum = parallel::make_rank_sum<Scalar>(context, partition, {});
  sum->begin(v);
  auto const sink = sum->sink(true);
  linalg::fill(context, sink.part({0, partition.size()}), ranks.rank() + 1);
  sink.final_from(0);
  sum->finish();
  return linalg::sum(context, v) == static_cast<double>(partition.local_size()) * triangle(ranks);
}

bool sum_whole(Context<Space> const& context, Index size) {
  return sum(context, size);
}

bool sum_split(Context<Space> const& context, Index size) {
  return sum(context, split(context.communicator(), size));
}

/// Each rank's slice holds its number.
bool gather(Context<Space> const& context, Index size) {
  auto const& ranks = context.communicator();
  auto const partition = split(ranks, size);
  auto const v = allocate<Scalar>(context, "trial", partition.local_size());
  linalg::fill(context, v, ranks.rank() + 1);
  parallel::ShardedSource<Scalar, Space> source(context, partition);
  source.begin(v);
  double const wanted = static_cast<double>(size / ranks.size()) * triangle(ranks);
  return linalg::sum(context, source.gather({0, size})) == wanted;
}

/// Rank 0 doubles the first half of a vector, rank 1 the second.
bool double_halves(Context<Space> const& context, Partition const& partition) {
  Index const half = partition.size() / 2;
  parallel::WholeMatrices<Scalar, Space> matrices(context, "trial", partition,
                                                  {{0, 1, half}, {half, 1, half}});
  auto const v = allocate<Scalar>(context, "trial", partition.local_size());
  linalg::fill(context, v, 1);
  matrices.transform(context, v, [&](std::size_t, MatrixView<Scalar, Space> const& matrix) {
    linalg::scale(context, 2, flat(matrix));
  });
  return linalg::sum(context, v) == 2 * static_cast<double>(partition.local_size());
}

bool broadcast(Context<Space> const& context, Index size) {
  return double_halves(context, size);
}

bool gather_and_scatter(Context<Space> const& context, Index size) {
  return double_halves(context, split(context.communicator(), size));
}

}  // namespace

std::vector<MpiTrial> const& mpi_trials() {
  static std::vector<MpiTrial> const trials{
      {"MPI_Init", MpiWork::copies, start},
      {"MPI_Iallgather", MpiWork::copies, gather},
      {"MPI_Igatherv, MPI_Iscatterv", MpiWork::copies, gather_and_scatter},
      {"MPI_Ibcast", MpiWork::copies, broadcast},
      {"MPI_Iallreduce", MpiWork::sums, sum_whole},
      {"MPI_Ireduce_scatter_block", MpiWork::sums, sum_split},
  };
  return trials;
}

int try_mpi_gpu(MPI_Comm ranks, std::string const& call) {
  Context<Space> const context(ranks, {.gpu_aware_mpi = GpuAwareMpi::on});
  auto const& all = mpi_trials();
  auto const trial =
      std::find_if(all.begin(), all.end(), [&](auto const& t) { return t.call == call; });
  if (context.communicator().size() < 2 || trial == all.end()) return wrong_usage;
  for (Index const size : sizes)
    if (context.communicator().any(!trial->is_right(context, size))) return failure;
  return 0;
}

}  // namespace kyrtos::program
