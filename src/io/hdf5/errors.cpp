// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
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

/// `file write failed: No space left on device` out of all that HDF5 says about it.
std::string without_details(std::string const& entry) {
  static constexpr std::string_view mark = "error message = '";
  auto const begin = entry.find(mark);
  if (begin == std::string::npos) return entry;
  auto const text = entry.substr(begin + mark.size());
  return entry.substr(0, entry.find_first_of(":,")) + ": " + text.substr(0, text.find('\''));
}

/// What a user can do about it, by words that HDF5 uses for it.
std::string mend_of(std::vector<std::string> const& entries) {
  static constexpr char locked[] =
      "another program has the file open, or its file system has no locks: then set "
      "HDF5_USE_FILE_LOCKING=FALSE in the environment";
  static constexpr std::pair<char const*, char const*> fixes[] = {
      {"lock file", locked},
      {"file locking", locked},
      {"write failed", "is the disk full, or a quota used up?"},
      {"signature not found", "it is not an HDF5 file"},
      {"truncated file", "it is cut off: use another copy or an older file"},
      {"checksum", "it is damaged: use another copy or an older file"},
  };
  for (auto const& [words, fix] : fixes)
    for (auto const& entry : entries)
      if (entry.find(words) != std::string::npos) return std::string("; ") + fix;
  return "";
}

/// The innermost entry says what happened; the others repeat it from further away.
std::string reason() {
  auto const entries = error_stack();
  return entries.empty() ? "HDF5 gives no reason"
                         : without_details(entries.front()) + mend_of(entries);
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

std::string failure(std::string const& path, std::string const& what) {
  return path + ": " + what + ": " + reason();
}

void fail(std::string const& path, std::string const& what) {
  throw FileError(failure(path, what));
}

void fail_at(hid_t object, std::string const& what) {
  auto const why = reason();  // before another call clears the stack
  throw FileError(path_of(object) + ": " + what + ": " + why);
}

}  // namespace kyrtos::io::hdf5
