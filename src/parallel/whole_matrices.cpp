// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/error.hpp>
#include <kyrtos/parallel/whole_matrices.hpp>

#include <algorithm>
#include <numeric>

namespace kyrtos::parallel {

/// How a matrix lies on the ranks: elements of each, and where they stand in it.
template <class Scalar, class Space>
struct WholeMatrices<Scalar, Space>::Cut {
  std::vector<int> counts, begins;
};

template <class Scalar, class Space>
WholeMatrices<Scalar, Space>::WholeMatrices(Context<Space> const& context, std::string const& name,
                                            Partition const& partition,
                                            std::vector<MatrixRange> matrices)
    : partition_(partition), matrices_(std::move(matrices)), order_(matrices_.size()) {
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  std::stable_sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
    return matrices_[a].size() > matrices_[b].size();
  });
  bool const is_itself = context.mpi_reads_memory(MpiWork::copies);
  if (partition.is_split()) {
    for (auto const& m : matrices_) partition.part_of(m.range());  // or throws
    whole_ = allocate<Scalar>(context, name + "::matrix", largest_size());
    received_ = MpiMemory<Scalar, Space>(name + "::received", largest_size(), is_itself);
    received_.attach(whole_);
  }
  if (partition.is_split() || context.communicator().size() > 1)
    sent_ = MpiMemory<Scalar, Space>(name + "::sent", partition.local_size(), is_itself);
}

template <class Scalar, class Space>
Index WholeMatrices<Scalar, Space>::largest_size() const {
  Index largest = 0;
  for (auto const& m : matrices_) largest = std::max(largest, m.size());
  return largest;
}

template <class Scalar, class Space>
Index WholeMatrices<Scalar, Space>::largest_side() const {
  Index largest = 0;
  for (auto const& m : matrices_) largest = std::max(largest, std::min(m.rows, m.columns));
  return largest;
}

template <class Scalar, class Space>
auto WholeMatrices<Scalar, Space>::cut(MatrixRange const& m, int ranks) const -> Cut {
  auto const& part = partition_.parts()[partition_.part_of(m.range())];
  Index const last = std::min(part.range.offset + part.range.size, m.offset + m.size());
  Cut cut;
  for (Index rank = 0; rank < ranks; ++rank) {
    Index const first = part.range.offset + rank * part.slice;
    Index const begin = std::clamp(first, m.offset, last);
    Index const end = std::clamp(first + part.slice, m.offset, last);
    cut.counts.push_back(static_cast<int>(end - begin));
    cut.begins.push_back(static_cast<int>(begin - m.offset));
  }
  return cut;
}

namespace {

/// send(i, rank, request) for the matrices of one round, order[first + rank] on each; then waits.
template <class Send>
void in_one_round(std::vector<std::size_t> const& order, std::size_t first, int ranks,
                  Send const& send) {
  std::vector<MPI_Request> requests;
  for (int rank = 0; rank < ranks && first + static_cast<std::size_t>(rank) < order.size(); ++rank)
    send(order[first + static_cast<std::size_t>(rank)], rank, requests.emplace_back());
  check_mpi(MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE),
            "MPI_Waitall");
}

}  // namespace

/// The matrices of a round, each whole on its rank.
template <class Scalar, class Space>
void WholeMatrices<Scalar, Space>::gather(Context<Space> const& context, std::size_t first) {
  auto const& ranks = context.communicator();
  std::vector<Cut> cuts(static_cast<std::size_t>(ranks.size()));  // MPI reads them until it is done
  in_one_round(order_, first, ranks.size(), [&](std::size_t i, int rank, MPI_Request& request) {
    auto& [counts, begins] = cuts[static_cast<std::size_t>(rank)] = cut(matrices_[i], ranks.size());
    auto const own = partition_.slices(matrices_[i].range());
    Partition::Slice const mine = own.empty() ? Partition::Slice() : own.front();
    sent_.to_mpi(context, mine.local, mine.size);
    check_mpi(MPI_Igatherv(sent_.at(mine.local), static_cast<int>(mine.size), mpi_type<Scalar>(),
                           received_.at(0), counts.data(), begins.data(), mpi_type<Scalar>(), rank,
                           ranks.get(), &request),
              "MPI_Igatherv");
  });
  received_.from_mpi(context, 0, static_cast<Index>(whole_.size()));
}

/// What the maps made of them, back to where it belongs.
template <class Scalar, class Space>
void WholeMatrices<Scalar, Space>::spread(Context<Space> const& context, std::size_t first) {
  auto const& ranks = context.communicator();
  std::vector<Cut> cuts(static_cast<std::size_t>(ranks.size()));
  if (partition_.is_split()) received_.to_mpi(context, 0, static_cast<Index>(whole_.size()));
  in_one_round(order_, first, ranks.size(), [&](std::size_t i, int rank, MPI_Request& request) {
    auto const& m = matrices_[i];
    if (!partition_.is_split()) {
      sent_.to_mpi(context, m.offset, m.size());
      check_mpi(MPI_Ibcast(sent_.at(m.offset), static_cast<int>(m.size()), mpi_type<Scalar>(), rank,
                           ranks.get(), &request),
                "MPI_Ibcast");
      return;
    }
    auto& [counts, begins] = cuts[static_cast<std::size_t>(rank)] = cut(m, ranks.size());
    auto const own = partition_.slices(m.range());
    Partition::Slice const mine = own.empty() ? Partition::Slice() : own.front();
    check_mpi(MPI_Iscatterv(received_.at(0), counts.data(), begins.data(), mpi_type<Scalar>(),
                            sent_.at(mine.local), static_cast<int>(mine.size), mpi_type<Scalar>(),
                            rank, ranks.get(), &request),
              "MPI_Iscatterv");
  });
  for (std::size_t at = first;
       at < std::min(first + static_cast<std::size_t>(ranks.size()), order_.size()); ++at)
    for (auto const& slice : partition_.slices(matrices_[order_[at]].range()))
      sent_.from_mpi(context, slice.local, slice.size);
}

}  // namespace kyrtos::parallel

KYRTOS_INSTANTIATE(kyrtos::parallel::WholeMatrices)
