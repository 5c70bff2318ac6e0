// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/io/damaged_file_error.hpp>

#include "hdf5.hpp"

namespace kyrtos::io::hdf5 {

QuietErrors::QuietErrors() {
  H5Eauto_is_v2(H5E_DEFAULT, &is_v2_);
#ifndef H5_NO_DEPRECATED_SYMBOLS
  if (is_v2_ == 0) {
    H5Eget_auto1(&print_v1_, &data_);
    H5Eset_auto1(nullptr, nullptr);
    return;
  }
#endif
  H5Eget_auto2(H5E_DEFAULT, &print_, &data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

QuietErrors::~QuietErrors() {
#ifndef H5_NO_DEPRECATED_SYMBOLS
  if (is_v2_ == 0) {
    H5Eset_auto1(print_v1_, data_);
    return;
  }
#endif
  H5Eset_auto2(H5E_DEFAULT, print_, data_);
}

namespace {

/// What HDF5's error stack says about the last call, the innermost entry first.
std::vector<std::string> error_stack() {
  std::vector<std::string> entries;
  auto const add = [](unsigned, H5E_error2_t const* entry, void* data) -> herr_t {
    if (entry->desc != nullptr && *entry->desc != '\0')
      static_cast<std::vector<std::string>*>(data)->emplace_back(entry->desc);
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, add, &entries);
  return entries;
}

constexpr std::string_view system_mark = "error message = '";

/// `file write failed: No space left on device` out of all that HDF5 says about it.
std::string without_details(std::string const& entry) {
  auto const begin = entry.find(system_mark);
  if (begin == std::string::npos) return entry;
  auto const text = entry.substr(begin + system_mark.size());
  return entry.substr(0, entry.find_first_of(":,")) + ": " + text.substr(0, text.find('\''));
}

/// What HDF5 says of a call that failed.
struct Reason {
  std::string words;
  bool is_damage;
};

/// What a user can do about a fault, by words that HDF5 uses for it.
struct Fix {
  char const* words;
  char const* fix;
  bool is_damage;
};

Fix const* fix_of(std::vector<std::string> const& entries) {
  static constexpr char locked[] =
      "another program has the file open: close it there; or its file system has no locks: then "
      "set HDF5_USE_FILE_LOCKING=FALSE in the environment";
  static constexpr char old[] = "it is newer than what is used here (" H5_VERS_INFO
                                "), or damaged: update HDF5, or use "
                                "another copy";
  static constexpr Fix fixes[] = {
      {"lock file", locked, false},
      {"file locking", locked, false},
      {"already open for", "another program writes to it, or was killed while it did: `h5clear -s`",
       false},
      {"write failed", "is the disk full, or a quota used up?", false},
      {"file read failed", "is its disk, or the way there, broken?", false},
      {"memory allocation", "there is too little memory", false},
      {"required filter", "it is compressed in a way that this HDF5 lacks: repack it by h5repack",
       false},
      {"signature not found", "the file is damaged: use another copy or an older file", true},
      {"truncated file", "it is cut off: use another copy or an older file", true},
      {"checksum", "it is damaged: use another copy or an older file", true},
      {"version number", old, false},
  };
  for (auto const& fix : fixes)
    for (auto const& entry : entries)
      if (entry.find(fix.words) != std::string::npos) return &fix;
  return nullptr;
}

/// The innermost entry says what happened; the others repeat it from further away. Where that was
/// neither the operating system nor one of the above, HDF5 does not understand what it reads.
Reason reason() {
  auto const entries = error_stack();
  if (entries.empty()) return {"HDF5 gives no reason", false};
  auto const* const fix = fix_of(entries);
  auto const words = without_details(entries.front());
  if (fix) return {words + "; " + fix->fix, fix->is_damage};
  bool const is_system = entries.front().find(system_mark) != std::string::npos;
  return {words, !is_system};
}

[[noreturn]] void fail(std::string const& path, std::string const& what, Reason const& why) {
  auto const words = path + ": " + what + ": " + why.words;
  if (why.is_damage) throw DamagedFileError(words);
  throw FileError(words);
}

}  // namespace

std::string path_of(hid_t object) {
  ssize_t const length = H5Fget_name(object, nullptr, 0);
  if (length <= 0) return "HDF5 file";
  std::string path(static_cast<std::size_t>(length) + 1, '\0');
  H5Fget_name(object, path.data(), path.size());
  path.pop_back();
  return path;
}

void fail(std::string const& path, std::string const& what) {
  fail(path, what, reason());
}

void fail_at(hid_t object, std::string const& what) {
  auto const why = reason();  // before another call clears the stack
  fail(path_of(object), what, why);
}

}  // namespace kyrtos::io::hdf5
