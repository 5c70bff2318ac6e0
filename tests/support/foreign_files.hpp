// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <fmt/format.h>
#include <string>
#include <vector>

namespace kyrtos::testing {

/// A file that is none of Kyrtos' own, and how an error calls it.
struct ForeignFile {
  std::string bytes;
  char const* words;
};

/// So many bytes that mean nothing, without a zero or a printable word.
inline std::string noise(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<char>(1 + (i * i * 7 + 131 * i) % 31);
  return bytes;
}

/// The first member of a zip archive of that name.
inline std::string zip_of(std::string const& name) {
  std::string bytes("PK\x03\x04", 4);
  bytes += std::string(22, '\0');
  bytes += static_cast<char>(name.size());
  return bytes + std::string(3, '\0') + name + noise(200);
}

/// A tar archive of one file. \param magic that of POSIX, or none as in older archives.
inline std::string tar_of(std::string const& name, std::string const& magic) {
  std::string header(512, '\0');
  header.replace(0, name.size(), name);
  header.replace(100, 7, "0000644");
  header.replace(124, 11, "00000000100");
  header.replace(148, 8, "        ");
  header.replace(257, magic.size(), magic);
  unsigned sum = 0;
  for (char const c : header) sum += static_cast<unsigned char>(c);
  header.replace(148, 7, fmt::format("{:06o}", sum) + '\0');
  return header + std::string(1024, 'x');
}

inline std::vector<ForeignFile> foreign_files() {
  using namespace std::string_literals;
  auto const tail = noise(300);
  return {{"\x1f\x8b\x08\0\0\0\0\0\0\x03"s + tail, "a gzip file"},
          {"(\xb5/\xfd" + tail, "a zstd file"},
          {"\xfd"s + "7zXZ\0"s + tail, "an xz file"},
          {"BZh91AY&SY" + tail, "a bzip2 file"},
          {zip_of("a/b.txt"), "a zip archive"},
          {zip_of("arr_0.npy"), "NumPy arrays (.npz)"},
          {zip_of("archive/data.pkl"), "a PyTorch file"},
          {"\x80\x04\x95\x20\0\0\0\0\0\0\0}\x94."s + tail, "a Python pickle"},
          {"\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19."s + tail, "a Python pickle"},
          {"\x80\x03"s + "cnumpy\narray\n" + tail, "a Python pickle"},
          {tar_of("tokens.bin", "ustar"), "a tar archive"},
          {tar_of("tokens.bin", ""), "a tar archive"},
          {"\x89PNG\r\n\x1a\n" + tail, "a PNG image"},
          {"\xff\xd8\xff\xe0" + tail, "a JPEG image"},
          {"%PDF-1.7\n" + tail, "a PDF document"},
          {"\x7f"s + "ELF\x02\x01" + tail, "a program or library (ELF)"},
          {"GGUF\x03\0\0\0"s + tail, "a GGUF model"},
          {"PAR1" + tail, "a Parquet table"},
          {"SQLite format 3\0"s + tail, "an SQLite database"},
          {"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 9\n",
           "a pointer of git LFS in place of the file"},
          {"\n<!DOCTYPE html>\n<html>404</html>\n", "a web page (HTML)"},
          {"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "XML"},
          {R"({"metadata": {"total_size": 8}, "weight_map": {"a": "b"}})",
           "the index of a model's safetensors files (JSON)"},
          {"[{\"a\": 1},\n {\"a\": 2}]\n", "JSON"},
          {"This is no file of Kyrtos, but some words.\n", "plain text"},
          {"gr\xf6\xdf"
           "er als viele andere W\xf6rter\n",
           "text that is not UTF-8"},
          {"\xff\xfem\0o\0d\0e\0l\0"s, "UTF-16 text"},
          {std::string(5000, '\0'), "nothing but zeros"},
          {tail, "binary data of no known format"},
          {"", "is empty"}};
}

}  // namespace kyrtos::testing
