// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "token_file.hpp"

#include <kyrtos/core/error.hpp>
#include <kyrtos/core/text.hpp>

#include "file_kind.hpp"
#include "npy_header.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

static_assert(std::endian::native == std::endian::little, "tokens are copied as they are stored");

namespace kyrtos::io {

// ---- Bytes -------------------------------------------------------------------------------------

namespace {

int open_file(std::string const& path) {
  int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw FileError(path + ": can't be opened: " + std::strerror(errno));
  return file;
}

/// Closes what a single read has opened.
struct Opened {
  int file;
  bool is_kept;
  ~Opened() {
    if (!is_kept) close(file);
  }
};

}  // namespace

DataFile::DataFile(std::string path, bool kept_open) : path_(std::move(path)) {
  auto const look = look_at(path_);
  size_ = look.bytes;
  if (kept_open && look.bytes > 0) file_ = open_file(path_);
}

DataFile::~DataFile() {
  if (file_ >= 0) close(file_);
}

void DataFile::read(std::uint64_t at, std::span<std::byte> bytes) const {
  Opened const opened{file_ >= 0 ? file_ : open_file(path_), file_ >= 0};
  struct stat status {};
  auto const fail = [&](std::string const& fault) { throw FileError(path_ + ": " + fault); };
  if (fstat(opened.file, &status) != 0) fail(std::string("can't be read: ") + std::strerror(errno));
  auto const size = static_cast<std::uint64_t>(status.st_size);
  if (size < size_)
    fail(
        fmt::format("has {} bytes, but had {} when it was opened: it must not be changed while it "
                    "is in use",
                    size, size_));
  while (!bytes.empty()) {
    auto const count = pread(opened.file, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(std::string("can't be read: ") + std::strerror(errno));
    if (count == 0) fail(fmt::format("ends at byte {}, while it is in use", at));
    at += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

// ---- Types of tokens ---------------------------------------------------------------------------

namespace {

struct TypeFacts {
  TokenType type;
  char const *name, *numpy;
  std::size_t width;
  char const* key;  // of data.format, where there is one
};
constexpr TypeFacts types[] = {{TokenType::uint8, "bytes", "|u1", 1, "bytes"},
                               {TokenType::uint16, "uint16", "<u2", 2, "tokens"},
                               {TokenType::uint32, "uint32", "<u4", 4, "tokens32"},
                               {TokenType::int32, "int32", "<i4", 4, nullptr},
                               {TokenType::int64, "int64", "<i8", 8, "tokens64"}};

TypeFacts const& facts_of(TokenType type) {
  return types[static_cast<std::size_t>(type)];
}

/// work(Stored{}) with the type that such tokens are stored in.
template <class Work>
void with_stored(TokenType type, Work const& work) {
  switch (type) {
    case TokenType::uint8:
      return work(std::uint8_t{});
    case TokenType::uint16:
      return work(std::uint16_t{});
    case TokenType::uint32:
      return work(std::uint32_t{});
    case TokenType::int32:
      return work(std::int32_t{});
    case TokenType::int64:
      return work(std::int64_t{});
  }
}

template <class Stored>
Index token_at(std::span<std::byte const> bytes, std::size_t i) {
  Stored value;
  std::memcpy(&value, bytes.data() + i * sizeof(Stored), sizeof(Stored));
  return static_cast<Index>(value);
}

/// What a headless file was written as, told by the largest value of each of eight bytes: those
/// above a token are zero. Vocabularies have at most 20 bits, nearly all 18.
class ByteLanes {
 public:
  void add(std::uint64_t at, std::span<std::byte const> bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      auto& largest = largest_[(at + i) % largest_.size()];
      largest = std::max(largest, bytes[i]);
    }
    count_ += bytes.size();
  }

  /// The width in bytes, if it looks wider than `read`.
  std::size_t wider_than(std::size_t read) const {
    constexpr std::size_t enough = 32;
    bool const is_zero = are_zero(0, 1, 2, 3, 4, 5, 6, 7);
    if (count_ < enough || is_zero) return 0;
    if (read < 8 && are_zero(3, 4, 5, 6, 7) && is_upper(2, 1)) return 8;
    if (read < 4 && are_zero(3, 7) && is_upper(2, 1) && is_upper(6, 5)) return 4;
    return read < 2 && are_zero(1, 3, 5, 7) ? 2 : 0;
  }

 private:
  template <class... Lanes>
  bool are_zero(Lanes... lanes) const {
    return ((largest_[static_cast<std::size_t>(lanes)] == std::byte{0}) && ...);
  }
  /// Whether a byte may be the third of a token, of which the second is another.
  bool is_upper(std::size_t third, std::size_t second) const {
    return are_zero(third) || (largest_[third] < std::byte{16} && !are_zero(second));
  }

  std::array<std::byte, 8> largest_{};
  std::size_t count_ = 0;
};

/// What a look at tokens has found.
struct Findings {
  ByteLanes lanes;
  std::optional<std::pair<Index, Index>> outside;  ///< The first position and token.
  Index count = 0, first = 0;                      ///< Tokens, and the first of them.
  bool varies = false;                             ///< Some token is another than the first.

  template <class Stored>
  void add(Index position, std::span<std::byte const> bytes, Index vocabulary) {
    lanes.add(static_cast<std::uint64_t>(position) * sizeof(Stored), bytes);
    for (std::size_t i = 0; i < bytes.size() / sizeof(Stored); ++i) {
      Index const token = token_at<Stored>(bytes, i);
      if (!outside && (token < 0 || token >= vocabulary))
        outside.emplace(position + static_cast<Index>(i), token);
      if (count++ == 0) first = token;
      varies = varies || token != first;
    }
  }

  /// Whether all are one, and too many for that to be chance.
  bool is_one_token() const {
    constexpr Index enough = 64;
    return !varies && count >= enough;
  }
};

/// What is checked of a range of bytes: all of it, or pieces at equal distances, both ends
/// included.
std::vector<std::pair<std::uint64_t, std::uint64_t>> samples(std::uint64_t begin,
                                                             std::uint64_t end) {
  constexpr std::uint64_t all = std::uint64_t{64} << 20, piece = 1 << 16, pieces = 64;
  if (end - begin <= all) return {{begin, end}};
  std::vector<std::pair<std::uint64_t, std::uint64_t>> chosen;
  for (std::uint64_t i = 0; i < pieces; ++i) {
    auto const at = begin + (end - begin - piece) / (pieces - 1) * i / 8 * 8;
    chosen.emplace_back(at, i + 1 < pieces ? at + piece : end);
  }
  return chosen;
}

// llm.c's header: 256 little-endian words of 4 bytes, of which three mean something.
constexpr std::size_t header_bytes = 1024;

struct HeaderKind {
  std::uint32_t magic, version;
  TokenType type;
};
constexpr HeaderKind header_kinds[] = {{20240520, 1, TokenType::uint16},
                                       {20240801, 7, TokenType::uint32}};

TokenType bare_type(TokenFormat format) {
  if (format == TokenFormat::uint32) return TokenType::uint32;
  return format == TokenFormat::int64 ? TokenType::int64 : TokenType::uint16;
}

}  // namespace

// ---- Files of tokens ---------------------------------------------------------------------------

TokenFile::TokenFile(std::string const& path, TokenFormat format, bool kept_open)
    : file_(path, kept_open), format_(format) {
  auto look = look_at(path);
  bool const is_text =
      format == TokenFormat::bytes || (format == TokenFormat::automatic && !path.ends_with(".bin"));
  if (look.kind == FileKind::numpy) {
    open_array();
    return;
  }
  if (path.ends_with(".npy")) refuse(path, look, "a NumPy array, as its name says,");
  switch (look.kind) {
    case FileKind::json:
    case FileKind::json_index:
    case FileKind::markup:
    case FileKind::text:
      look.fix = "data.format = \"bytes\" reads text";
      if (!is_text) refuse(path, look, "a file of tokens");
      break;
    case FileKind::unknown:
      break;
    default:  // compressed, an archive, a model, …
      refuse(path, look, is_text ? "a text" : "a file of tokens");
  }
  if (is_text)
    count_ = static_cast<Index>(file_.size());
  else
    open_tokens(format);
}

/// A NumPy array, which says what it holds.
void TokenFile::open_array() {
  std::string head(std::min<std::uint64_t>(file_.size(), longest_npy_header), '\0');
  file_.read(0, std::as_writable_bytes(std::span(head)));
  auto const fail = [&](std::string const& fault) {
    throw FileError(path() + ": its NumPy header " + fault);
  };
  NpyHeader header;
  try {
    header = parse_npy_header(head);
  } catch (FileError const& error) {
    fail(error.what());
  }
  auto const* const type =
      std::find_if(std::begin(types), std::end(types),
                   [&](TypeFacts const& facts) { return facts.numpy == header.type; });
  if (type == std::end(types))
    fail(
        fmt::format("says '{}'; tokens are uint16 ('<u2'), uint32 ('<u4'), int32 ('<i4') or int64 "
                    "('<i8')",
                    shown(header.type)));
  if (header.shape.size() != 1)
    fail(fmt::format("says {} dimensions; tokens have one: save a.ravel()", header.shape.size()));
  type_ = type->type;
  offset_ = header.bytes;
  says_type_ = true;
  require_whole(type->name);
  if (header.shape[0] != count_)
    fail(fmt::format("promises {} tokens, the file holds {}; is it cut off?", header.shape[0],
                     count_));
  if (count_ == 0) throw FileError(path() + ": holds no tokens");
}

void TokenFile::open_tokens(TokenFormat format) {
  std::array<std::uint32_t, 3> words{};  // magic, version, count
  if (file_.size() >= header_bytes) file_.read(0, std::as_writable_bytes(std::span(words)));
  auto const* const header =
      std::find_if(std::begin(header_kinds), std::end(header_kinds),
                   [&](HeaderKind const& kind) { return kind.magic == words[0]; });
  says_type_ = header != std::end(header_kinds);
  type_ = says_type_ ? header->type : bare_type(format);
  offset_ = says_type_ ? header_bytes : 0;
  require_whole(facts_of(type_).name);
  if (!says_type_) return;
  if (words[1] != header->version)
    throw FileError(fmt::format("{}: its header has version {}, known is {}", path(), words[1],
                                header->version));
  if (words[2] != count_)
    throw FileError(fmt::format("{}: its header promises {} tokens, it holds {}; is it cut off?",
                                path(), words[2], count_));
  if (count_ == 0) throw FileError(path() + ": holds a header but no tokens");
}

void TokenFile::require_whole(char const* name) {
  auto const bytes = file_.size() - offset_, width = facts_of(type_).width;
  if (bytes % width != 0)
    throw FileError(
        fmt::format("{}: its {} bytes are no whole number of {} tokens", path(), bytes, name));
  count_ = static_cast<Index>(bytes / width);
}

/// work(position of the first, bytes) for pieces of whole tokens.
template <class Work>
void TokenFile::for_each_chunk(Index begin, Index end, Work const& work) const {
  auto const width = facts_of(type_).width;
  std::array<std::byte, 1 << 14> memory;
  auto const most = static_cast<Index>(memory.size() / width);
  for (; begin < end; begin += most) {
    auto const count = static_cast<std::size_t>(std::min(most, end - begin));
    std::span<std::byte> const bytes(memory.data(), count * width);
    file_.read(offset_ + static_cast<std::uint64_t>(begin) * width, bytes);
    work(begin, std::span<std::byte const>(bytes));
  }
}

void TokenFile::read(Index begin, std::span<Token> out, Index vocabulary) const {
  auto const width = facts_of(type_).width;
  std::vector<std::byte> bytes(out.size() * width);
  file_.read(offset_ + static_cast<std::uint64_t>(begin) * width, bytes);
  with_stored(type_, [&]<class Stored>(Stored) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      Index const token = token_at<Stored>(bytes, i);
      if (token < 0 || token >= vocabulary)
        fail_outside(begin + static_cast<Index>(i), token, vocabulary);
      out[i] = static_cast<Token>(token);
    }
  });
}

void TokenFile::check(Index begin, Index end, Index vocabulary) const {
  constexpr Index bytes_there_are = 256;
  if (type_ == TokenType::uint8 && !says_type_ && vocabulary != bytes_there_are)
    throw FileError(
        fmt::format("{}: is read as bytes, of which there are 256, but "
                    "model.vocabulary = {}: set it to 256, or give a file of tokens "
                    "(data.format)",
                    path(), vocabulary));
  auto const width = facts_of(type_).width;
  Findings found;
  auto const look = [&](Index first, std::span<std::byte const> bytes) {
    with_stored(type_, [&]<class Stored>(Stored) { found.add<Stored>(first, bytes, vocabulary); });
  };
  for (auto const& [from, to] :
       samples(static_cast<std::uint64_t>(begin) * width, static_cast<std::uint64_t>(end) * width))
    for_each_chunk(static_cast<Index>(from / width), static_cast<Index>(to / width), look);
  bool const is_certain = says_type_ || format_ == TokenFormat::bytes;
  auto const likely = is_certain ? 0 : found.lanes.wider_than(width);
  for (auto const& facts : types)
    if (facts.width == likely && facts.key)
      throw FileError(
          fmt::format("{}: looks like tokens of {}, not {}: set data.format = \"{}\" "
                      "(or save it as .npy, which says what it holds)",
                      path(), facts.name, facts_of(type_).name, facts.key));
  if (found.outside) fail_outside(found.outside->first, found.outside->second, vocabulary);
  if (found.is_one_token())
    throw FileError(
        fmt::format("{}: all {} tokens that were looked at are {}, from which there is nothing to "
                    "learn; is it the right file, and all of it?",
                    path(), found.count, found.first));
}

void TokenFile::fail_outside(Index position, Index token, Index vocabulary) const {
  auto const advice = says_type_ || type_ == TokenType::uint8
                          ? std::string()
                          : fmt::format("; it is read as {}, and data.format chooses another type",
                                        facts_of(type_).name);
  throw FileError(fmt::format("{}: token {} at position {} is outside model.vocabulary = {}{}",
                              path(), token, position, vocabulary, advice));
}

}  // namespace kyrtos::io
