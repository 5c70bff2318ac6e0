// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "file_kind.hpp"

#include <kyrtos/io/damaged_file_error.hpp>

#include "safetensors_header.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace kyrtos::io {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t head_bytes = 4096;

// ---- Formats with a signature ------------------------------------------------------------------

constexpr char unpack[] = "unpack it first";
constexpr char convert[] = "convert it";

struct Signature {
  std::size_t at;
  std::string_view bytes;
  char const* words;
  char const* fix;
  FileKind kind = FileKind::other;
};

constexpr std::string_view hdf5_signature = "\x89HDF\r\n\x1a\n";

constexpr Signature signatures[] = {
    {0, "\x93NUMPY", "a NumPy array (.npy)", convert, FileKind::numpy},
    {0, "GGUF", "a GGUF model of llama.cpp", "take the model's safetensors files"},
    {0, "lmgg", "a GGML model of llama.cpp", "take the model's safetensors files"},
    {0, "tjgg", "a GGML model of llama.cpp", "take the model's safetensors files"},
    {0, "(\xb5/\xfd", "a zstd file", unpack},
    {0,
     "\xfd"
     "7zXZ\0"sv,
     "an xz file", unpack},
    {4, "1AY&SY", "a bzip2 file", unpack},
    {0, "\x04\"M\x18", "an LZ4 file", unpack},
    {0, "LZIP", "an lzip file", unpack},
    {0, "\xff\x06\0\0sNaPpY"sv, "a Snappy file", unpack},
    {0, "7z\xbc\xaf'\x1c", "a 7z archive", unpack},
    {0, "Rar!\x1a\x07", "a RAR archive", unpack},
    {0, "!<arch>\n", "an ar archive", unpack},
    {0, "\x89PNG\r\n\x1a\n", "a PNG image", ""},
    {0, "\xff\xd8\xff", "a JPEG image", ""},
    {0, "GIF8", "a GIF image", ""},
    {0, "II*\0"sv, "a TIFF image", ""},
    {0, "MM\0*"sv, "a TIFF image", ""},
    {8, "WEBPVP8", "a WebP image", ""},
    {8, "WAVEfmt", "a WAV sound", ""},
    {4, "ftypisom", "a film (MP4)", ""},
    {0, "%PDF-", "a PDF document", ""},
    {0, "%!PS-", "a PostScript document", ""},
    {0,
     "\x7f"
     "ELF",
     "a program or library (ELF)", ""},
    {0, "PAR1", "a Parquet table", "write its tokens or text to a plain file"},
    {0, "ARROW1\0"sv, "an Arrow table", "write its tokens or text to a plain file"},
    {0, "\xff\xff\xff\xff\x10\0\0\0"sv, "an Arrow stream",
     "write its tokens or text to a plain file"},
    {0, "Obj\x01", "an Avro table", "write its tokens or text to a plain file"},
    {0, "SQLite format 3\0"sv, "an SQLite database", "write its tokens or text to a plain file"},
    {0, "CDF\x01", "a netCDF file of the classic format", "nccopy -k netCDF-4 makes HDF5 of it"},
    {0, "CDF\x02", "a netCDF file of the classic format", "nccopy -k netCDF-4 makes HDF5 of it"},
    {0, "CDF\x05", "a netCDF file of the classic format", "nccopy -k netCDF-4 makes HDF5 of it"},
    {0, "\x0e\x03\x13\x01", "an HDF4 file", "h4toh5 makes HDF5 of it"},
    {0, "MATLAB 5.0 MAT", "a MATLAB file of version 7 or older", "save it with -v7.3"},
    {0, "MMIDIDX\0\0"sv, "an index of Megatron-LM", "name its .bin file"},
    {0, "\xff\xfe", "UTF-16 text", "save it as UTF-8", FileKind::unknown},
    {0, "\xfe\xff", "UTF-16 text", "save it as UTF-8", FileKind::unknown},
    {0, "version https://git-lfs.", "a pointer of git LFS in place of the file",
     "fetch the file itself by `git lfs pull`", FileKind::pointer},
    {0, "/annex/objects/", "a pointer of git-annex in place of the file",
     "fetch the file itself by `git annex get`", FileKind::pointer},
    {0, "# xet version ", "a pointer of git-xet in place of the file",
     "fetch the file itself by `git xet pull`", FileKind::pointer},
};

unsigned byte_at(std::string_view head, std::size_t i) {
  return i < head.size() ? static_cast<unsigned char>(head[i]) : 0;
}

std::uint64_t little_endian(std::string_view head, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = width; i-- > 0;) value = value << 8 | byte_at(head, at + i);
  return value;
}

bool has(std::string_view head, std::size_t at, std::string_view bytes) {
  return head.size() >= at && head.substr(at).starts_with(bytes);
}

/// Whether no control characters are there but those that texts have.
bool is_printable(std::string_view head) {
  return std::all_of(head.begin(), head.end(), [](char c) {
    bool const is_control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    return !is_control || "\t\n\r\f\b\x1b"sv.find(c) != std::string_view::npos;
  });
}

/// Of the UTF-8 character that begins with this byte; 0: none does.
std::size_t length_of_character(unsigned first) {
  if (first < 0x80) return 1;
  if (first < 0xC2 || first >= 0xF5) return 0;
  return first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

/// The last character may be cut off.
bool is_utf8(std::string_view head) {
  for (std::size_t i = 0; i < head.size();) {
    auto const length = length_of_character(byte_at(head, i));
    if (length == 0) return false;
    for (char const c : head.substr(i + 1, length - 1))
      if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) return false;
    i += length;
  }
  return true;
}

bool is_text(std::string_view head) {
  return is_printable(head) && is_utf8(head);
}

/// Or all but one of its bytes, or so many of them as a short file has.
bool is_hdf5(std::string_view head) {
  auto const size = std::min(head.size(), hdf5_signature.size());
  std::size_t different = 0;
  for (std::size_t i = 0; i < size; ++i) different += head[i] != hdf5_signature[i] ? 1 : 0;
  return different == 0 || (size == hdf5_signature.size() && different == 1);
}

/// The signatures of these are short, and the first bytes of raw tokens are arbitrary.
bool is_gzip(std::string_view head) {
  bool const no_reserved_flags = (byte_at(head, 3) & 0xE0) == 0;
  unsigned const system = byte_at(head, 9);
  return has(head, 0, "\x1f\x8b\x08") && no_reserved_flags && (system <= 13 || system == 255);
}

/// That is: the protocol, and then a frame, a name of Python's, a container or torch's own number.
/// \see https://github.com/python/cpython/blob/main/Lib/pickletools.py
bool is_pickle(std::string_view head, std::uint64_t bytes) {
  unsigned const protocol = byte_at(head, 1);
  if (byte_at(head, 0) != 0x80 || protocol < 2 || protocol > 5) return false;
  if (protocol >= 4 && byte_at(head, 2) == 0x95) return little_endian(head, 3, 8) <= bytes;
  bool const is_name = byte_at(head, 2) == 'c' && std::isalpha(static_cast<int>(byte_at(head, 3)));
  bool const is_remembered = byte_at(head, 3) == 'q' || byte_at(head, 3) == 0x94;
  bool const is_whole = bytes == head.size() && head.ends_with('.');
  return is_name || is_remembered || is_whole || has(head, 2, "\x8a\nl\xfc\x9c");
}

/// The length of a header, which is an object in JSON.
bool is_safetensors(std::string_view head) {
  auto const length = little_endian(head, 0, 8);
  return has(head, 8, "{") && length <= safetensors::longest_header &&
         is_text(head.substr(8, length));
}

/// By the sum that each header of a tar archive has, which older archives have no name beside.
bool is_tar(std::string_view head) {
  constexpr std::size_t header = 512, at = 148, width = 8;
  if (head.size() < header || head[0] == '\0') return false;
  std::uint64_t stored = 0, sum = 0;
  for (std::size_t i = at; i < at + width; ++i)
    if (head[i] >= '0' && head[i] <= '7')
      stored = 8 * stored + static_cast<std::uint64_t>(head[i] - '0');
    else if (head[i] != ' ' && head[i] != '\0')
      return false;
  for (std::size_t i = 0; i < header; ++i)
    sum += i >= at && i < at + width ? ' ' : byte_at(head, i);
  return stored == sum;
}

/// Some formats are zip archives, which the name of the first member tells.
FileLook look_of_zip(std::string_view head, std::uint64_t bytes) {
  std::string_view const name =
      head.size() > 30 ? head.substr(30, little_endian(head, 26, 2)) : std::string_view();
  auto const look = [&](char const* words, char const* fix) {
    return FileLook{FileKind::other, words, fix, bytes};
  };
  if (name.ends_with(".npy"))
    return look("NumPy arrays (.npz)", "save the one that is wanted with numpy.save()");
  if (name.ends_with("data.pkl") || name.find("/data/") != name.npos || name.ends_with("/version"))
    return look("a PyTorch file (a zip archive with a pickle)",
                "save it with safetensors.torch.save_file()");
  return look("a zip archive", unpack);
}

// ---- Text --------------------------------------------------------------------------------------

std::string_view without_space(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return text;
}

bool starts_with_word(std::string_view text, std::string_view word) {
  return text.size() >= word.size() &&
         std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) {
           return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
         });
}

/// JSON begins with an object, or a list of something; TOML with a word in brackets.
bool is_json(std::string_view text) {
  if (text.empty() || (text[0] != '{' && text[0] != '[')) return false;
  auto const inner = without_space(text.substr(1));
  return inner.empty() ||
         (text[0] == '{' ? "\"}" : "{\"-0123456789]"sv).find(inner[0]) != std::string_view::npos;
}

FileLook look_of_text(std::string_view head, std::uint64_t bytes) {
  auto const text = without_space(head);
  auto const look = [&](FileKind kind, char const* words, char const* fix = "") {
    return FileLook{kind, words, fix, bytes};
  };
  for (auto const word : {"<!doctype html"sv, "<html"sv, "<head"sv, "<body"sv})
    if (starts_with_word(text, word))
      return look(FileKind::markup, "a web page (HTML)",
                  "if that is what a download left, fetch the file again");
  if (starts_with_word(text, "<?xml") || starts_with_word(text, "<!doctype") ||
      starts_with_word(text, "<svg"))
    return look(FileKind::markup, "XML", "if that is what a download left, fetch the file again");
  if (!is_json(text)) return look(FileKind::text, "plain text");
  if (head.find("\"weight_map\"") != head.npos)
    return look(FileKind::json_index, "the index of a model's safetensors files (JSON)",
                "name the files that it lists");
  return look(FileKind::json, "JSON");
}

// ---- Files -------------------------------------------------------------------------------------

class Descriptor {
 public:
  explicit Descriptor(std::string const& path)
      : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(Descriptor const&) = delete;
  Descriptor& operator=(Descriptor const&) = delete;
  bool is_open() const { return number_ >= 0; }

  /// Up to so many bytes; nothing where they can't be read.
  std::optional<std::string> read(std::uint64_t at, std::size_t size) const {
    std::string bytes(size, '\0');
    auto const count = pread(number_, bytes.data(), size, static_cast<off_t>(at));
    if (count < 0) return std::nullopt;
    bytes.resize(static_cast<std::size_t>(count));
    return bytes;
  }

 private:
  int number_;
};

/// HDF5 may follow a block of the user's, whose size is a power of two.
bool has_user_block(Descriptor const& file, std::uint64_t bytes) {
  for (std::uint64_t at = 512; at + hdf5_signature.size() <= bytes; at *= 2)
    if (file.read(at, hdf5_signature.size()) == hdf5_signature) return true;
  return false;
}

FileLook unopened(int error) {
  FileLook look{FileKind::unopened, std::strerror(error)};
  if (error == EACCES || error == EPERM) look.fix = "ask its owner for the right to read it";
  return look;
}

}  // namespace

FileLook look_of(std::string_view head, std::uint64_t bytes) {
  if (head.empty()) return {FileKind::empty, "an empty file", "", bytes};
  if (is_hdf5(head)) return {FileKind::hdf5, "HDF5", "", bytes};
  if (is_safetensors(head)) return {FileKind::safetensors, "a safetensors file", "", bytes};
  for (auto const& s : signatures)
    if (has(head, s.at, s.bytes)) return {s.kind, s.words, s.fix, bytes};
  auto const other = [&](char const* words, char const* fix) {
    return FileLook{FileKind::other, words, fix, bytes};
  };
  if (has(head, 0, "PK\x03\x04") || has(head, 0, "PK\x05\x06")) return look_of_zip(head, bytes);
  if (is_gzip(head)) return other("a gzip file", unpack);
  if (is_pickle(head, bytes))
    return other("a Python pickle", "save it with safetensors.torch.save_file() or h5py");
  if (is_tar(head)) return other("a tar archive", unpack);
  if (is_text(head)) return look_of_text(head, bytes);
  if (is_printable(head))
    return {FileKind::unknown, "text that is not UTF-8", "save it as UTF-8", bytes};
  bool const is_zero = head.find_first_not_of('\0') == head.npos;
  return {FileKind::unknown, is_zero ? "nothing but zeros" : "binary data of no known format", "",
          bytes};
}

FileLook look_at(std::string const& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return unopened(errno);
  if (S_ISDIR(status.st_mode)) return {FileKind::directory, "a directory", "name a file in it"};
  if (!S_ISREG(status.st_mode)) return {FileKind::special, "a pipe or a device"};
  Descriptor const file(path);
  if (!file.is_open()) return unopened(errno);
  auto const head = file.read(0, head_bytes);
  if (!head) return unopened(errno);
  auto const bytes = static_cast<std::uint64_t>(status.st_size);
  auto look = look_of(*head, bytes);
  bool const is_vague = look.kind == FileKind::unknown || look.kind == FileKind::text;
  if (is_vague && has_user_block(file, bytes)) return {FileKind::hdf5, "HDF5", "", bytes};
  return look;
}

void refuse(std::string const& path, FileLook const& look, std::string const& wanted) {
  auto const fix = look.fix.empty() ? "" : "; " + look.fix;
  if (look.kind == FileKind::unopened)
    throw FileError(fmt::format("{}: can't be opened: {}{}", path, look.words, fix));
  if (look.kind == FileKind::empty)
    throw DamagedFileError(fmt::format("{}: is empty, but {} is needed", path, wanted));
  bool const is_certain = look.kind == FileKind::directory || look.kind == FileKind::special;
  throw FileError(fmt::format("{}: {} {}, but {} is needed{}", path,
                              is_certain ? "is" : "looks like", look.words, wanted, fix));
}

std::string read_text_file(std::string const& path, std::string const& wanted) {
  auto look = look_at(path);
  auto const is_fine = [&] {
    return look.kind == FileKind::text || look.kind == FileKind::json ||
           look.kind == FileKind::json_index;
  };
  if (look.kind != FileKind::special && !is_fine()) refuse(path, look, wanted);
  std::ifstream file(path, std::ios::binary);
  std::string const text{std::istreambuf_iterator<char>(file), {}};
  if (look.kind == FileKind::special)
    look = look_of(std::string_view(text).substr(0, head_bytes), text.size());
  if (!is_fine()) refuse(path, look, wanted);
  return text;
}

}  // namespace kyrtos::io
