// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/communicator.hpp>
#include <kyrtos/core/types.hpp>

#include <string>
#include <vector>

namespace kyrtos::io {

/// A batch of token sequences in host memory, one after the other.
struct TokenBatch {
  SequenceShape shape;
  std::vector<Token> inputs;
  std::vector<Token> targets;  ///< The inputs one token later; negative: ignored by the loss.
};

/// Reads the dataset `tokens` of an HDF5 file: integers of any type, [batch, length + 1]. All but
/// the last column are inputs, all but the first are targets; only the last may hence be negative.
/// A dataset `targets`, [batch, length], takes the place of these.
/// Rank 0 reads, every rank gets the whole batch. Collective.
/// \throws FileError naming the file and, where one is out of range, the token.
TokenBatch read_batch_file(Communicator const& communicator, std::string const& path,
                           Index vocabulary);

/// Writes such a file with both datasets, complete or not at all. Not collective.
/// \throws FileError
void write_batch_file(std::string const& path, TokenBatch const& batch);

}  // namespace kyrtos::io
