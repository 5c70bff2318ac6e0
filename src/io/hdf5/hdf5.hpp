// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/error.hpp>
#include <kyrtos/core/types.hpp>

#include <hdf5.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// \file
/// \brief HDF5 with handles that close themselves and failures that are FileErrors.

namespace kyrtos::io::hdf5 {

/// Keeps HDF5 from printing its error stack while it lives; then what the host program had set
/// holds again. Every function that the library exports makes one before it calls HDF5.
class QuietErrors {
 public:
  QuietErrors();
  ~QuietErrors();
  QuietErrors(QuietErrors const&) = delete;
  QuietErrors& operator=(QuietErrors const&) = delete;

 private:
  // HDF5 has two kinds of print functions, and asking for the wrong kind is an error.
  unsigned is_v2_ = 1;
  H5E_auto2_t print_ = nullptr;
#ifndef H5_NO_DEPRECATED_SYMBOLS
  H5E_auto1_t print_v1_ = nullptr;
#endif
  void* data_ = nullptr;
};

/// An identifier of HDF5, closed when it goes out of scope.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);

  Handle() = default;
  Handle(hid_t id, Close how) : id_(id), close_(how) {}
  Handle(Handle&& other) noexcept { swap(other); }
  Handle& operator=(Handle&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Handle() { close(); }

  hid_t get() const { return id_; }
  operator hid_t() const { return id_; }

  /// Closes now, to see whether that works: a file may be flushed only then.
  herr_t close() {
    QuietErrors const quiet;
    return id_ >= 0 ? close_(std::exchange(id_, H5I_INVALID_HID)) : 0;
  }

 private:
  void swap(Handle& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
  }

  hid_t id_ = H5I_INVALID_HID;
  Close close_ = nullptr;
};

/// The path of the file that an object lies in, and its size.
std::string path_of(hid_t object);
double file_bytes(hid_t object);

/// \throws FileError `<path>: <what>: <why, from HDF5's error stack>`, with the fix where the
/// reason is one that has a known fix; a DamagedFileError when HDF5 can't make sense of what it
/// reads.
[[noreturn]] void fail(std::string const& path, std::string const& what);

/// The same of the file that an object lies in.
[[noreturn]] void fail_at(hid_t object, std::string const& what);

/// The result of a call on `object`, unless it says that the call failed. \throws FileError
template <class Result>
Result checked(Result result, hid_t object, std::string const& what) {
  if (result < 0) fail_at(object, what);
  return result;
}

// ---- Files -------------------------------------------------------------------------------------

/// Datasets of so many bytes and more begin at a multiple of so many.
inline constexpr std::uint64_t large = 1 << 16, page = 4096;

/// Writes what write(file) makes, complete or not there. \throws FileError
/// \param bytes at least as many as it will have.
void replace_file(std::string const& path, std::uint64_t bytes,
                  std::function<void(hid_t file)> const& write);

/// For reading. \param wanted what is needed where it is no HDF5, such as `a checkpoint (HDF5)`.
/// \throws FileError when it is absent, no HDF5, locked or too new; DamagedFileError when it is cut
/// off or damaged.
Handle open_file(std::string const& path, std::string const& wanted);

/// \throws FileError when what was left to write could not be.
void close(Handle& file);

// ---- Groups and datasets -----------------------------------------------------------------------

/// A list for making an object that does not remember when it was made.
Handle timeless(hid_t kind);

template <class Scalar>
hid_t native_type();
template <>
inline hid_t native_type<float>() {
  return H5T_NATIVE_FLOAT;
}
template <>
inline hid_t native_type<double>() {
  return H5T_NATIVE_DOUBLE;
}
template <>
inline hid_t native_type<std::int64_t>() {
  return H5T_NATIVE_INT64;
}
template <>
inline hid_t native_type<std::uint64_t>() {
  return H5T_NATIVE_UINT64;
}

/// IEEE 754, little-endian: how float and double are stored.
template <class Scalar>
hid_t file_type() {
  return sizeof(Scalar) == sizeof(float) ? H5T_IEEE_F32LE : H5T_IEEE_F64LE;
}

/// A string of `length` bytes of UTF-8, filled up with zeros.
Handle text_type(std::size_t length);

Handle make_space(std::vector<Index> const& shape);

/// With the groups on its way. It gets its place in the file at once, but no values, and nothing
/// in it depends on the time: a write later changes the values alone.
Handle create_dataset(hid_t file, std::string const& name, hid_t type,
                      std::vector<Index> const& shape);

/// Where the file has the first of a new dataset's values; the others follow in row-major order.
std::uint64_t place_of(hid_t dataset, std::string const& name);

/// All values of a dataset, from memory in row-major order.
void write_values(hid_t dataset, std::string const& name, hid_t memory_type, void const* values);

/// A new dataset of float64, or of texts of one length, filled up with zeros.
void write_numbers(hid_t file, std::string const& name, std::vector<double> const& values,
                   std::vector<Index> const& shape);
void write_texts(hid_t file, std::string const& name, std::vector<std::string> const& texts);

bool exists(hid_t location, std::string const& path);

/// A group or dataset that must be there.
Handle open_object(hid_t location, std::string const& name);
bool is_group(hid_t object);

/// The names in a group, sorted.
std::vector<std::string> names_in(hid_t group);

std::vector<Index> shape_of(hid_t dataset);

/// The number of values of a dataset, before memory for them is asked for. \throws FileError when
/// its file is too short to hold so many, however well compressed.
std::size_t count_values(hid_t dataset, std::string const& name);

/// All values of a dataset, converted to `Value`, in row-major order.
template <class Value>
std::vector<Value> read_values(hid_t dataset, std::string const& name) {
  std::vector<Value> values(count_values(dataset, name));
  checked(H5Dread(dataset, native_type<Value>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
          dataset, "can't read '" + name + "'");
  return values;
}

// ---- Attributes --------------------------------------------------------------------------------

void write_text(hid_t object, std::string const& name, std::string const& text);
void write_integer(hid_t object, std::string const& name, std::int64_t value);
void write_checksum(hid_t object, std::string const& name, std::uint64_t value);

/// The attribute's value, if there is such an attribute; of fixed or variable length.
/// \throws FileError when it is of another type.
std::optional<std::string> read_text(hid_t object, std::string const& name);
std::optional<std::int64_t> read_integer(hid_t object, std::string const& name);
std::optional<std::uint64_t> read_checksum(hid_t object, std::string const& name);

/// \throws FileError when the attribute `version` of Kyrtos' own formats is absent or is above
/// `known`, with the version of Kyrtos that is too old for it.
void require_version(hid_t file, std::string const& path, std::int64_t known);

}  // namespace kyrtos::io::hdf5
