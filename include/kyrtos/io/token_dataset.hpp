// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kyrtos::io {

/// How the tokens of a file are stored.
enum class TokenFormat {
  automatic,  ///< `.bin` files hold tokens, uint16 unless a header says uint32; all others bytes.
  bytes,      ///< Each byte is a token: UTF-8 text as it is, vocabulary 256.
  uint16,     ///< Little-endian, as nanoGPT writes them.
  uint32,     ///< The same for vocabularies above 65536.
  int64,      ///< As PyTorch and NumPy hold them.
};
// A header of llm.c (1024 bytes: magic, version, count) is recognised: 20240520, 1 for uint16 and
// 20240801, 7 for uint32. So is a NumPy array (.npy), in every format: 1-D of uint8, uint16,
// uint32, int32 or int64.

/// Tokens of one or more files as one sequence, read when they are wanted.
class TokenDataset {
 public:
  /// \param patterns files or shell patterns, in the order given (matches of one sorted); one that
  /// a file is named as is that file.
  /// \throws FileError naming the file when it is absent, empty, compressed or of another format,
  /// ends in the middle of a token, or holds another number of tokens than its header says.
  explicit TokenDataset(std::vector<std::string> const& patterns,
                        TokenFormat format = TokenFormat::automatic);

  Index size() const { return end_ - begin_; }

  /// Tokens [begin, end) as a dataset over the same files.
  TokenDataset part(Index begin, Index end) const;

  /// The data without their last fraction, and that fraction: training and validation.
  std::pair<TokenDataset, TokenDataset> split(double last) const;

  /// Copies tokens [begin, begin + out.size()).
  /// \throws FileError, with file and position, for a token outside [0, vocabulary); and when a
  /// file is shorter than it was.
  void read(Index begin, std::span<Token> out, Index vocabulary) const;

  /// Looks at the tokens before they are needed: at all of what a file holds up to 64 MiB, else at
  /// 64 pieces of 64 KiB at equal distances. \throws FileError naming the file when one is outside
  /// [0, vocabulary); when a file without a header looks as if its tokens were wider than they are
  /// read (every second one is zero), with the format to set; when bytes are read for another
  /// vocabulary than 256; and when 64 tokens or more are all the same one.
  void check(Index vocabulary) const;

 private:
  struct Shard;
  std::vector<std::shared_ptr<Shard const>> shards_;
  Index begin_ = 0, end_ = 0;
};

/// Which windows of a dataset make up the batch of a step: a function of the step and the seed
/// alone, the same for any number of ranks.
struct WindowOrder {
  Index tokens = 0;  ///< Of the dataset.
  Index length = 0;  ///< Of a sequence; a window has one token more.
  Index batch = 0;   ///< Sequences a step, over all ranks.
  std::uint64_t seed = 0;
  bool random = true;

  /// First token of sequence `row` of the batch at `step` (both from 0). Random: uniform over all
  /// windows. Sequential: one after the other, again from the start when the data are used up.
  Index start(Index step, Index row) const;

  /// \throws ConfigError when the data are shorter than one window.
  void check(std::string const& what) const;
};

/// Which targets count towards the loss, where not all do: say the answers behind `=` in sums. The
/// others become negative, which the loss ignores.
struct CountedTargets {
  Token after = -1;  ///< Those behind this token of the sequence; negative: all.
  Token until = -1;  ///< Up to this one, with it, until `after` comes again; negative: to the end.

  bool are_all() const { return after < 0; }
  /// Marks those of one sequence that don't count. Returns how many do.
  Index mark(std::span<Token const> inputs, std::span<Token> targets) const;
};

/// Inputs and targets of sequences [first, first + count) of a step's batch: `targets` are
/// `inputs` one token later. Both hold count·length tokens.
void read_windows(TokenDataset const& data, WindowOrder const& order, Index vocabulary, Index step,
                  Index first, Index count, std::span<Token> inputs, std::span<Token> targets);

}  // namespace kyrtos::io
