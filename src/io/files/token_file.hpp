// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/io/token_dataset.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace kyrtos::io {

/// A file whose bytes are read where they are wanted. It is not mapped into memory: where a mapped
/// file shrinks, the program that reads it is killed.
class DataFile {
 public:
  /// \param kept_open keep it open; otherwise each read opens it: processes may have only so many
  /// files open. \throws FileError
  DataFile(std::string path, bool kept_open);
  ~DataFile();
  DataFile(DataFile const&) = delete;
  DataFile& operator=(DataFile const&) = delete;

  std::string const& path() const { return path_; }
  std::uint64_t size() const { return size_; }

  /// All these bytes. \throws FileError, also when the file is shorter than it was.
  void read(std::uint64_t at, std::span<std::byte> bytes) const;

 private:
  std::string path_;
  int file_ = -1;
  std::uint64_t size_ = 0;
};

/// How one token is stored, little-endian.
enum class TokenType { uint8, uint16, uint32, int32, int64 };

/// One file of tokens.
class TokenFile {
 public:
  /// \throws FileError naming the file when it is no such file, is empty, ends in the middle of a
  /// token, or holds another number of tokens than its header says.
  TokenFile(std::string const& path, TokenFormat format, bool kept_open);

  std::string const& path() const { return file_.path(); }
  Index size() const { return count_; }

  /// Tokens [begin, begin + out.size()). \throws FileError, with the position, for one that is
  /// outside of [0, vocabulary).
  void read(Index begin, std::span<Token> out, Index vocabulary) const;

  /// As TokenDataset::check(), of tokens [begin, end).
  void check(Index begin, Index end, Index vocabulary) const;

 private:
  void open_array();
  void open_tokens(TokenFormat format);
  void require_whole(char const* name);

  template <class Work>
  void for_each_chunk(Index begin, Index end, Work const& work) const;
  [[noreturn]] void fail_outside(Index position, Index token, Index vocabulary) const;

  DataFile file_;
  TokenFormat format_;
  TokenType type_ = TokenType::uint8;
  std::uint64_t offset_ = 0;  // of the first token, in bytes
  bool says_type_ = false;    // a header does
  Index count_ = 0;
};

}  // namespace kyrtos::io
