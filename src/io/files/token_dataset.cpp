// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/random.hpp>
#include <kyrtos/io/token_dataset.hpp>

#include "token_file.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <glob.h>
#include <unistd.h>

namespace kyrtos::io {

namespace {

/// The files that match; without any, the pattern itself, and opening it says what is wrong.
std::vector<std::string> matches(std::string const& pattern) {
  glob_t found{};
  int const status = glob(pattern.c_str(), GLOB_NOCHECK | GLOB_TILDE, nullptr, &found);
  std::vector<std::string> files(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  if (status != 0) throw FileError(pattern + ": the directory can't be searched for this pattern");
  return files;
}

/// With every character meaning itself.
std::string quoted(std::string const& path) {
  std::string pattern;
  for (char const c : path) {
    if (c == '*' || c == '?' || c == '[' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern;
}

std::vector<std::string> expand(std::vector<std::string> const& patterns) {
  std::vector<std::string> files;
  for (auto const& pattern : patterns) {
    auto found = matches(quoted(pattern));
    bool const is_file = access(found.at(0).c_str(), F_OK) == 0;
    if (!is_file) found = matches(pattern);
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

/// So many files of a dataset stay open, which leaves some to the rest of the program.
constexpr std::size_t most_open = 256;

}  // namespace

/// A file and its place in the sequence.
struct TokenDataset::Shard {
  TokenFile file;
  Index first;  // position of its first token in the sequence

  Index end() const { return first + file.size(); }
};

TokenDataset::TokenDataset(std::vector<std::string> const& patterns, TokenFormat format) {
  for (auto const& path : expand(patterns)) {
    bool const kept_open = shards_.size() < most_open;
    shards_.push_back(std::shared_ptr<Shard const>(
        new Shard{.file = TokenFile(path, format, kept_open), .first = end_}));
    end_ = shards_.back()->end();
  }
}

TokenDataset TokenDataset::part(Index begin, Index end) const {
  require(0 <= begin && begin <= end && end <= size(), "TokenDataset::part: outside the data");
  TokenDataset copy = *this;
  copy.begin_ = begin_ + begin;
  copy.end_ = begin_ + end;
  return copy;
}

std::pair<TokenDataset, TokenDataset> TokenDataset::split(double last) const {
  require(0 <= last && last <= 1, "TokenDataset::split: the fraction must lie in [0, 1]");
  auto const middle = size() - static_cast<Index>(last * static_cast<double>(size()));
  return {part(0, middle), part(middle, size())};
}

void TokenDataset::read(Index begin, std::span<Token> out, Index vocabulary) const {
  Index position = begin_ + begin;
  require(begin >= 0 && position + static_cast<Index>(out.size()) <= end_,
          "TokenDataset::read: outside the data");
  auto shard = std::upper_bound(shards_.begin(), shards_.end(), position,
                                [](Index p, auto const& s) { return p < s->first; }) -
               1;
  for (; !out.empty(); ++shard) {
    auto const here = static_cast<std::size_t>((*shard)->end() - position);
    auto const part = out.first(std::min(here, out.size()));
    (*shard)->file.read(position - (*shard)->first, part, vocabulary);
    position += static_cast<Index>(part.size());
    out = out.subspan(part.size());
  }
}

void TokenDataset::check(Index vocabulary) const {
  for (auto const& shard : shards_) {
    Index const begin = std::max(begin_, shard->first), end = std::min(end_, shard->end());
    if (begin < end) shard->file.check(begin - shard->first, end - shard->first, vocabulary);
  }
}

Index WindowOrder::start(Index step, Index row) const {
  Index const windows = tokens - length;  // a window has length + 1 tokens
  auto const sequence = static_cast<std::uint64_t>(step * batch + row);
  if (random)
    return static_cast<Index>(Philox{seed, 0x64617461}.bits(sequence) %
                              static_cast<std::uint64_t>(windows));
  Index const disjoint = (tokens - 1) / length;
  return static_cast<Index>(sequence % static_cast<std::uint64_t>(disjoint)) * length;
}

void WindowOrder::check(std::string const& what) const {
  if (tokens < length + 1)
    throw ConfigError(
        fmt::format("{}: {} tokens are too few for one sequence of {}; give more "
                    "data or a smaller training.length",
                    what, tokens, length));
}

Index CountedTargets::mark(std::span<Token const> inputs, std::span<Token> targets) const {
  bool counts = are_all();
  Index counted = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (!are_all() && inputs[i] == after)
      counts = true;
    else if (!are_all() && inputs[i] == until)
      counts = false;
    if (counts)
      ++counted;
    else
      targets[i] = -1;
  }
  return counted;
}

void read_windows(TokenDataset const& data, WindowOrder const& order, Index vocabulary, Index step,
                  Index first, Index count, std::span<Token> inputs, std::span<Token> targets) {
  auto const length = static_cast<std::size_t>(order.length);
  for (Index row = 0; row < count; ++row) {
    Index const start = order.start(step, first + row);
    auto const at = static_cast<std::size_t>(row) * length;
    auto const input = inputs.subspan(at, length), target = targets.subspan(at, length);
    data.read(start, input, vocabulary);
    std::copy(input.begin() + 1, input.end(), target.begin());
    data.read(start + order.length, target.last(1), vocabulary);
  }
}

}  // namespace kyrtos::io
