// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/random.hpp>
#include <kyrtos/io/token_dataset.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kyrtos::io {

namespace {

/// A whole file, mapped read-only.
class Mapping {
 public:
  explicit Mapping(std::string const& path) {
    int const file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) throw FileError(path + ": " + std::strerror(errno));
    struct stat status {};
    bool const is_known = fstat(file, &status) == 0;
    size_ = is_known ? static_cast<std::size_t>(status.st_size) : 0;
    void* const address =
        size_ > 0 ? mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0) : MAP_FAILED;
    int const error = errno;
    close(file);
    if (is_known && size_ == 0) throw FileError(path + ": is empty; give a file with tokens");
    if (address == MAP_FAILED) throw FileError(path + ": can't be mapped: " + std::strerror(error));
    data_ = static_cast<unsigned char const*>(address);
  }
  ~Mapping() { munmap(const_cast<unsigned char*>(data_), size_); }
  Mapping(Mapping const&) = delete;
  Mapping& operator=(Mapping const&) = delete;

  unsigned char const* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  unsigned char const* data_ = nullptr;
  std::size_t size_ = 0;
};

std::vector<std::string> expand(std::vector<std::string> const& patterns) {
  std::vector<std::string> files;
  for (auto const& pattern : patterns) {
    glob_t found{};
    // Without a match the pattern itself comes back, and opening it says what is wrong.
    int const status = glob(pattern.c_str(), GLOB_NOCHECK | GLOB_TILDE, nullptr, &found);
    for (std::size_t i = 0; i < found.gl_pathc; ++i) files.emplace_back(found.gl_pathv[i]);
    globfree(&found);
    if (status != 0)
      throw FileError(pattern + ": the directory can't be searched for this pattern");
  }
  return files;
}

// llm.c's header: 256 little-endian words of 4 bytes, of which three mean something.
constexpr std::size_t header_bytes = 1024;

struct HeaderKind {
  std::uint32_t magic, version;
  std::size_t width;  ///< Bytes a token.
};
constexpr HeaderKind header_kinds[] = {{20240520, 1, 2}, {20240801, 7, 4}};

std::uint32_t header_word(Mapping const& file, std::size_t i) {
  unsigned char const* const b = file.data() + 4 * i;
  return b[0] | (b[1] << 8) | (b[2] << 16) | (static_cast<std::uint32_t>(b[3]) << 24);
}

/// Null: the file has no header.
HeaderKind const* header_of(Mapping const& file) {
  if (file.size() < header_bytes) return nullptr;
  for (auto const& kind : header_kinds)
    if (header_word(file, 0) == kind.magic) return &kind;
  return nullptr;
}

}  // namespace

/// One file and its place in the sequence.
struct TokenDataset::Shard {
  std::string path;
  Mapping file;
  std::size_t width = 1;   // of a token, in bytes
  std::size_t offset = 0;  // of the first token, in bytes
  Index first = 0;         // position of the first token in the sequence
  Index count = 0;

  Shard(std::string p, TokenFormat format, Index begin) : path(p), file(p), first(begin) {
    bool const is_text = format == TokenFormat::bytes ||
                         (format == TokenFormat::automatic && !path.ends_with(".bin"));
    if (!is_text) open_tokens(format == TokenFormat::uint32 ? 4 : 2);
    count = static_cast<Index>((file.size() - offset) / width);
    if (offset > 0) check_header();
  }

  void open_tokens(std::size_t bare_width) {
    auto const* const header = header_of(file);
    width = header ? header->width : bare_width;
    offset = header ? header_bytes : 0;
    if ((file.size() - offset) % width != 0)
      throw FileError(fmt::format("{}: its {} bytes are no whole number of uint{} tokens", path,
                                  file.size() - offset, 8 * width));
    if (header && header_word(file, 1) != header->version)
      throw FileError(fmt::format("{}: its header has version {}, known is {}", path,
                                  header_word(file, 1), header->version));
  }

  void check_header() const {
    if (header_word(file, 2) != count)
      throw FileError(fmt::format("{}: its header promises {} tokens, it holds {}; is it cut off?",
                                  path, header_word(file, 2), count));
    if (count == 0) throw FileError(path + ": holds a header but no tokens");
  }

  /// As a number that holds every uint32.
  Index operator[](Index i) const {
    unsigned char const* const b = file.data() + offset + width * static_cast<std::size_t>(i);
    Index value = 0;
    for (std::size_t byte = width; byte-- > 0;) value = value << 8 | b[byte];
    return value;
  }
};

TokenDataset::TokenDataset(std::vector<std::string> const& patterns, TokenFormat format) {
  for (auto const& path : expand(patterns)) {
    shards_.push_back(std::make_shared<Shard>(path, format, end_));
    end_ += shards_.back()->count;
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
  for (Token& out_token : out) {
    while (position >= (*shard)->first + (*shard)->count) ++shard;
    Index const token = (**shard)[position - (*shard)->first];
    if (token >= vocabulary)
      throw FileError(fmt::format("{}: token {} at position {} is outside model.vocabulary = {}",
                                  (*shard)->path, token, position - (*shard)->first, vocabulary));
    out_token = static_cast<Token>(token);
    ++position;
  }
}

Index WindowOrder::start(Index step, Index row) const {
  Index const windows = tokens - length;  // a window has length + 1 tokens
  auto const sequence = static_cast<std::uint64_t>(step * batch + row);
  if (random)
    return static_cast<Index>(Philox{seed, 0x64617461}.bits(sequence) %
                              static_cast<std::uint64_t>(windows));
  Index const stretches = (tokens - 1) / length;
  return static_cast<Index>(sequence % static_cast<std::uint64_t>(stretches)) * length;
}

void WindowOrder::check(std::string const& what) const {
  if (tokens < length + 1)
    throw ConfigError(
        fmt::format("{}: {} tokens are too few for one sequence of {}; give more "
                    "data or a smaller training.length",
                    what, tokens, length));
}

void read_windows(TokenDataset const& data, WindowOrder const& order, Index vocabulary, Index step,
                  Index first, Index count, std::span<Token> inputs, std::span<Token> targets) {
  auto const length = static_cast<std::size_t>(order.length);
  for (Index row = 0; row < count; ++row) {
    Index const start = order.start(step, first + row);
    auto const at = static_cast<std::size_t>(row) * length;
    data.read(start, inputs.subspan(at, length), vocabulary);
    data.read(start + 1, targets.subspan(at, length), vocabulary);
  }
}

}  // namespace kyrtos::io
