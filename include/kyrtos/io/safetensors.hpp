// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// \file
/// \brief The container safetensors: named tensors as Hugging Face stores models.
///
/// Eight bytes, the header's length N as a little-endian integer; N bytes of JSON, `{"name":
/// {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, …}` with an optional
/// `"__metadata__"` of strings; then the values, row-major and little-endian, which the offsets
/// (from the header's end) cover without a hole or an overlap. Nothing in a file is believed: what
/// contradicts itself or the file's size is a FileError that names file, tensor and fault, and no
/// more memory is asked for than the file is long (times a small factor).

namespace kyrtos::io {

/// A tensor as a header describes it.
struct StoredTensor {
  std::string name;
  std::string type;                  ///< `F32`, `BF16`, `I64`, …
  std::vector<Index> shape;          ///< Row-major; [] is a single number.
  std::uint64_t begin = 0, end = 0;  ///< Its bytes, counted from the header's end.

  Index size() const;
};

/// A file whose header has been read and checked; values are read when asked for.
class SafetensorsFile {
 public:
  /// \throws FileError
  explicit SafetensorsFile(std::string const& path);

  std::string const& path() const { return path_; }
  std::vector<StoredTensor> const& tensors() const { return tensors_; }  ///< In the file's order.
  std::map<std::string, std::string> const& metadata() const { return metadata_; }

  /// Null when there is none of that name.
  StoredTensor const* find(std::string_view name) const;

  /// The values of one of tensors(), F16, BF16, F32 or F64, converted to Scalar; without any
  /// change of a bit where Scalar holds them all. \throws FileError for any other type.
  template <class Scalar>
  void read(StoredTensor const& tensor, std::span<Scalar> values) const;

 private:
  [[noreturn]] void fail(StoredTensor const& tensor, std::string const& fault) const;
  void check(std::uint64_t data_bytes);

  std::string path_;
  std::vector<StoredTensor> tensors_;
  std::map<std::string, std::string> metadata_;
  std::uint64_t data_ = 0;  ///< Where the values begin.
};

/// How numbers are stored.
enum class NumberType { float16, bfloat16, float32, float64 };

/// Its name in a header: `F16`, `BF16`, `F32`, `F64`.
char const* name_of(NumberType type);

/// Whether storing these values so and reading them again gives back every bit.
template <class Scalar>
bool holds_exactly(NumberType type, std::span<Scalar const> values);

struct NewTensor {
  std::string name;
  std::vector<Index> shape;
};

/// Writes a file as the format's own library does, byte by byte: tensors sorted by name, the
/// header padded with spaces to a multiple of eight. Complete or absent. `fill` is asked for the
/// values of one tensor after the other; they are rounded to nearest, from float64 by way of
/// float32. \throws FileError, also when a finite number is too large for `type`.
template <class Scalar>
void write_safetensors(std::string const& path, std::vector<NewTensor> tensors, NumberType type,
                       std::map<std::string, std::string> const& metadata,
                       std::function<void(std::string const& name, std::span<Scalar>)> const& fill);

}  // namespace kyrtos::io
