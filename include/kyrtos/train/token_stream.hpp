// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/io/batch_file.hpp>
#include <kyrtos/io/token_dataset.hpp>
#include <kyrtos/model/objective.hpp>
#include <kyrtos/train/micro_batches.hpp>

#include <optional>
#include <utility>
#include <vector>

namespace kyrtos::train {

/// One of several ranks.
struct RankPlace {
  int rank = 0, ranks = 1;
};

/// Which sequences of a global batch a rank works on, and how many at once.
struct BatchShare {
  Index first = 0;        ///< Of this rank's sequences within the batch.
  Index micro_batch = 0;  ///< Sequences worked on at once.
  Index count = 0;        ///< Micro-batches of this rank.
  Index fillers = 0;      ///< More, of weight 0, so that all ranks make as many passes.
};

/// How a rank's sequences of a batch are worked on where some of them are the probe.
struct KeptShare {
  Index sequences = 0;    ///< The last ones, which are kept; 0: none.
  Index micro_batch = 0;  ///< Of the others.
};

/// The share of `rank` of `ranks`: whole micro-batches, as evenly as they divide. `micro_batch` 0:
/// as many as each rank has, or 1 where `total` does not divide by the ranks. Fillers only where
/// `equal_counts` asks for them.
/// \throws ConfigError when micro-batches do not divide the batch; `what` names it.
BatchShare share_of(Index total, Index micro_batch, int rank, int ranks, char const* what,
                    bool equal_counts = false);

/// The wanted size, or 0 (automatic) where it would leave some ranks without work.
Index micro_batch_within(Index total, Index micro_batch, int ranks);

/// This rank's part of a stream of global batches of token windows, in device memory. The loss of
/// its micro-batches, summed over all of them and all ranks, is the mean over the targets of the
/// global batch that count.
template <class Scalar, class Space>
class TokenStream {
 public:
  using Batch = kyrtos::Batch<Scalar, Space>;

  TokenStream(Context<Space> const& context, io::TokenDataset data, io::WindowOrder order,
              Index vocabulary, BatchShare share, io::CountedTargets counted = {});

  /// Reads the batch of a step (counted from 0). Waits for the instance.
  /// \throws FileError for a token outside the vocabulary; on every rank, where no target counts.
  void load(Index step);

  /// The micro-batches loaded last.
  std::vector<Batch> batches() const { return device_.all(); }
  /// The same sequences, cut for a probe on the batch; without `sequences`, batches() and nothing.
  /// The probe's weight alone makes each of its targets that count weigh as much as in the batch,
  /// times the batch's sequences over its own: a mean over its targets where all of them count.
  std::pair<std::vector<Batch>, std::optional<model::KeptBatch<Scalar, Space>>> split(
      KeptShare const& kept, int ranks) const;
  /// The batch of a step over all ranks, in host memory. \throws FileError
  io::TokenBatch whole_batch(Index step) const;
  SequenceShape shape() const { return device_.shape(); }

 private:
  Index targets_of(Index step) const;

  io::TokenDataset data_;
  io::WindowOrder order_;
  Index vocabulary_;
  BatchShare share_;
  io::CountedTargets counted_;
  std::vector<Token> inputs_, targets_;
  MicroBatches<Scalar, Space> device_;
};

}  // namespace kyrtos::train
