// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/train/token_stream.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace kyrtos::train {

Index micro_batch_within(Index total, Index micro_batch, int ranks) {
  return micro_batch * ranks <= total ? micro_batch : 0;
}

BatchShare share_of(Index total, Index micro_batch, int rank, int ranks, char const* what,
                    bool equal_counts) {
  if (micro_batch == 0) micro_batch = total % ranks == 0 ? total / ranks : 1;
  if (total % micro_batch != 0)
    throw ConfigError(
        fmt::format("training.micro_batch = {} must divide {} = {}", micro_batch, what, total));
  Index const pieces = total / micro_batch;
  Index const begin = pieces * rank / ranks, end = pieces * (rank + 1) / ranks;
  Index const most = (pieces + ranks - 1) / ranks;
  return {begin * micro_batch, micro_batch, end - begin, equal_counts ? most - (end - begin) : 0};
}

template <class Scalar, class Space>
TokenStream<Scalar, Space>::TokenStream(Context<Space> const& context, io::TokenDataset data,
                                        io::WindowOrder order, Index vocabulary, BatchShare share,
                                        io::CountedTargets counted)
    : data_(std::move(data)),
      order_(order),
      vocabulary_(vocabulary),
      share_(share),
      counted_(counted),
      inputs_(static_cast<std::size_t>(share.micro_batch * share.count * order.length)),
      targets_(inputs_.size()),
      device_(context, {share.micro_batch, order.length}, share.count, share.fillers) {}

namespace {

/// Those of each sequence that count; returns their number.
Index mark(io::CountedTargets const& counted, Index length, std::span<Token const> inputs,
           std::span<Token> targets) {
  auto const size = static_cast<std::size_t>(length);
  Index found = 0;
  for (std::size_t first = 0; first < targets.size(); first += size)
    found += counted.mark(inputs.subspan(first, size), targets.subspan(first, size));
  return found;
}

}  // namespace

/// Of the global batch, those that count. Where not all do, every rank reads all sequences: no rank
/// waits for another, and where there are none all find so.
template <class Scalar, class Space>
Index TokenStream<Scalar, Space>::targets_of(Index step) const {
  if (counted_.are_all()) return order_.batch * order_.length;
  auto const batch = whole_batch(step);
  auto const found = std::count_if(batch.targets.begin(), batch.targets.end(),
                                   [](Token target) { return target >= 0; });
  require<FileError>(found > 0, fmt::format("data.loss_after = {}: none of the {} sequences of "
                                            "batch {} has this token before its end, so that no "
                                            "target counts",
                                            counted_.after, order_.batch, step + 1));
  return found;
}

template <class Scalar, class Space>
void TokenStream<Scalar, Space>::load(Index step) {
  io::read_windows(data_, order_, vocabulary_, step, share_.first,
                   share_.micro_batch * share_.count, inputs_, targets_);
  mark(counted_, order_.length, inputs_, targets_);
  device_.load(inputs_, targets_, 1 / static_cast<double>(targets_of(step)));
}

template <class Scalar, class Space>
io::TokenBatch TokenStream<Scalar, Space>::whole_batch(Index step) const {
  io::TokenBatch batch{{order_.batch, order_.length}, {}, {}};
  batch.inputs.resize(static_cast<std::size_t>(batch.shape.tokens()));
  batch.targets.resize(batch.inputs.size());
  io::read_windows(data_, order_, vocabulary_, step, 0, order_.batch, batch.inputs, batch.targets);
  mark(counted_, order_.length, batch.inputs, batch.targets);
  return batch;
}

template <class Scalar, class Space>
auto TokenStream<Scalar, Space>::split(KeptShare const& kept, int ranks) const
    -> std::pair<std::vector<Batch>, std::optional<model::KeptBatch<Scalar, Space>>> {
  if (kept.sequences == 0) return {batches(), std::nullopt};
  Index const others = device_.sequences() - kept.sequences;
  std::vector<Batch> cut;
  for (Index first = 0; first < others; first += kept.micro_batch)
    cut.push_back(device_.range(first, kept.micro_batch));
  auto const probe = device_.range(others, kept.sequences);
  double const share =
      static_cast<double>(order_.batch) / static_cast<double>(kept.sequences * ranks);
  return {cut, model::KeptBatch<Scalar, Space>{probe, probe.weight * share}};
}

KYRTOS_INSTANTIATE(kyrtos::train::TokenStream)

}  // namespace kyrtos::train
