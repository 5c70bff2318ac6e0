// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/parameter_layout.hpp>
#include <kyrtos/core/text.hpp>
#include <kyrtos/io/safetensors.hpp>

#include "../hdf5/number_types.hpp"
#include "file_kind.hpp"
#include "replacement.hpp"
#include "safetensors_header.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <fstream>

static_assert(std::endian::native == std::endian::little, "values are copied as they are stored");

namespace kyrtos::io {

namespace {

constexpr NumberType number_types[] = {NumberType::float16, NumberType::bfloat16,
                                       NumberType::float32, NumberType::float64};

constexpr char wanted_file[] = "a safetensors file";

/// In numbers: what is converted at once.
constexpr std::size_t chunk = 1 << 16;

template <class Stored, class Value>
Value decoded(NumberType type, Stored stored) {
  if constexpr (sizeof(Stored) == 2)
    return static_cast<Value>(type == NumberType::float16 ? from_float16(stored)
                                                          : from_bfloat16(stored));
  else
    return static_cast<Value>(stored);
}

template <class Stored, class Value>
Stored encoded(NumberType type, Value value) {
  if constexpr (sizeof(Stored) == 2) {
    auto const single = static_cast<float>(value);
    return type == NumberType::float16 ? to_float16(single) : to_bfloat16(single);
  } else {
    return static_cast<Stored>(value);
  }
}

/// work(Stored{}) with the type that holds such numbers, or their bits.
template <class Work>
auto with_stored(NumberType type, Work const& work) {
  if (type == NumberType::float64) return work(double{});
  if (type == NumberType::float32) return work(float{});
  return work(std::uint16_t{});
}

template <class Value>
auto bits_of(Value value) {
  if constexpr (sizeof(Value) == 4)
    return std::bit_cast<std::uint32_t>(value);
  else
    return std::bit_cast<std::uint64_t>(value);
}

/// The next bytes of a file.
std::string first_bytes(std::ifstream& file, std::string const& path, std::uint64_t size) {
  std::string bytes(size, '\0');
  if (!file.read(bytes.data(), static_cast<std::streamsize>(size)))
    throw FileError(path + ": can't be read");
  return bytes;
}

std::ifstream open(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw FileError(path + ": can't be opened: " + std::strerror(errno));
  return file;
}

/// The file's size. \throws FileError when it begins like another file.
std::uint64_t require_safetensors(std::string const& path) {
  auto const look = look_at(path);
  bool const may_be = look.kind == FileKind::safetensors || look.kind == FileKind::unknown;
  if (!may_be) refuse(path, look, wanted_file);
  if (look.bytes < 8)
    throw FileError(path + ": is too short for a safetensors file; is it cut off?");
  return look.bytes;
}

}  // namespace

Index StoredTensor::size() const {
  return count_elements(shape);
}

// ---- Reading -----------------------------------------------------------------------------------

SafetensorsFile::SafetensorsFile(std::string const& path) : path_(path) {
  auto const size = require_safetensors(path);
  auto file = open(path);
  std::uint64_t length = 0;
  auto const prefix = first_bytes(file, path, std::min<std::uint64_t>(size, 9));
  std::memcpy(&length, prefix.data(), 8);
  if (length > safetensors::longest_header || (size > 8 && prefix[8] != '{'))
    refuse(path, look_at(path),
           fmt::format("{}, whose header of at most {} bytes must begin with '{{',", wanted_file,
                       safetensors::longest_header));
  if (length > size - 8)
    throw FileError(
        fmt::format("{}: its header has {} bytes, but the file ends after {} of them; is "
                    "it cut off?",
                    path, length, size - 8));
  file.seekg(8);
  try {
    auto header = safetensors::parse_header(first_bytes(file, path, length));
    tensors_ = std::move(header.tensors);
    metadata_ = std::move(header.metadata);
  } catch (FileError const& error) {
    throw FileError(path + ": its header " + error.what());
  }
  data_ = 8 + length;
  check(size - data_);
}

/// That the tensors, which follow each other, end with the file.
void SafetensorsFile::check(std::uint64_t data_bytes) {
  for (auto const& tensor : tensors_)
    if (tensor.end > data_bytes)
      fail(tensor,
           fmt::format("ends at byte {} of the data, of which the file has {}; is it cut off?",
                       tensor.end, data_bytes));
  std::uint64_t const used = tensors_.empty() ? 0 : tensors_.back().end;
  if (used < data_bytes)
    throw FileError(
        fmt::format("{}: its last {} bytes belong to no tensor", path_, data_bytes - used));
}

void SafetensorsFile::fail(StoredTensor const& tensor, std::string const& fault) const {
  throw FileError(fmt::format("{}: tensor '{}' {}", path_, shown(tensor.name), fault));
}

StoredTensor const* SafetensorsFile::find(std::string_view name) const {
  auto const found = std::find_if(tensors_.begin(), tensors_.end(),
                                  [&](StoredTensor const& tensor) { return tensor.name == name; });
  return found == tensors_.end() ? nullptr : &*found;
}

template <class Scalar>
void SafetensorsFile::read(StoredTensor const& tensor, std::span<Scalar> values) const {
  require(tensor.size() == static_cast<Index>(values.size()),
          "SafetensorsFile::read: values of another size than the tensor");
  auto const* const type = std::find_if(std::begin(number_types), std::end(number_types),
                                        [&](NumberType t) { return name_of(t) == tensor.type; });
  if (type == std::end(number_types))
    fail(tensor, "holds " + tensor.type + "; give F16, BF16, F32 or F64");
  auto file = open(path_);
  file.seekg(static_cast<std::streamoff>(data_ + tensor.begin));
  with_stored(*type, [&]<class Stored>(Stored) {
    std::vector<Stored> stored(std::min(chunk, values.size()));
    for (std::size_t done = 0; done < values.size(); done += stored.size()) {
      auto const count = std::min(stored.size(), values.size() - done);
      if (!file.read(reinterpret_cast<char*>(stored.data()),
                     static_cast<std::streamsize>(count * sizeof(Stored))))
        fail(tensor, "can't be read to its end");
      for (std::size_t i = 0; i < count; ++i)
        values[done + i] = decoded<Stored, Scalar>(*type, stored[i]);
    }
  });
}

// ---- Writing -----------------------------------------------------------------------------------

char const* name_of(NumberType type) {
  constexpr char const* names[] = {"F16", "BF16", "F32", "F64"};
  return names[static_cast<std::size_t>(type)];
}

template <class Scalar>
bool holds_exactly(NumberType type, std::span<Scalar const> values) {
  return with_stored(type, [&]<class Stored>(Stored) {
    return std::all_of(values.begin(), values.end(), [type](Scalar value) {
      return bits_of(decoded<Stored, Scalar>(type, encoded<Stored>(type, value))) == bits_of(value);
    });
  });
}

namespace {

/// Sorted, and each at its place in the file.
safetensors::Header lay_out(std::vector<NewTensor> tensors, NumberType type,
                            std::map<std::string, std::string> const& metadata) {
  std::sort(tensors.begin(), tensors.end(),
            [](auto const& a, auto const& b) { return a.name < b.name; });
  safetensors::Header header{{}, metadata};
  std::uint64_t at = 0;
  for (auto& t : tensors) {
    auto const size = static_cast<std::uint64_t>(count_elements(t.shape));
    auto const bytes = size * *safetensors::bytes_of(name_of(type));
    header.tensors.push_back(
        {std::move(t.name), name_of(type), std::move(t.shape), at, at + bytes});
    at += bytes;
  }
  return header;
}

/// \throws FileError when a finite value would be stored as an infinity.
template <class Stored, class Scalar>
std::vector<Stored> encoded(NumberType type, std::span<Scalar const> values,
                            std::string const& path, std::string const& name) {
  std::vector<Stored> stored(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    stored[i] = encoded<Stored>(type, values[i]);
    if (std::isfinite(values[i]) && !std::isfinite(decoded<Stored, double>(type, stored[i])))
      throw FileError(fmt::format("{}: tensor '{}' holds {}, which is too large for {}", path, name,
                                  values[i], name_of(type)));
  }
  return stored;
}

}  // namespace

template <class Scalar>
void write_safetensors(std::string const& path, std::vector<NewTensor> tensors, NumberType type,
                       std::map<std::string, std::string> const& metadata,
                       std::function<void(std::string const&, std::span<Scalar>)> const& fill) {
  auto const header = lay_out(std::move(tensors), type, metadata);
  auto const head = safetensors::to_bytes(header);
  std::uint64_t const data = header.tensors.empty() ? 0 : header.tensors.back().end;
  Replacement replacement(path, head.size() + data);
  FileWriter const file(replacement.partial());
  file.write(0, std::as_bytes(std::span(head)));
  for (auto const& tensor : header.tensors) {
    std::vector<Scalar> values(static_cast<std::size_t>(tensor.size()));
    fill(tensor.name, values);
    with_stored(type, [&]<class Stored>(Stored) {
      auto const stored = encoded<Stored, Scalar>(type, values, path, tensor.name);
      file.write(head.size() + tensor.begin, std::as_bytes(std::span(stored)));
    });
  }
  replacement.commit();
}

#define KYRTOS_INSTANTIATE_SAFETENSORS(SCALAR)                                       \
  template void SafetensorsFile::read(StoredTensor const&, std::span<SCALAR>) const; \
  template bool holds_exactly(NumberType, std::span<SCALAR const>);                  \
  template void write_safetensors(                                                   \
      std::string const&, std::vector<NewTensor>, NumberType,                        \
      std::map<std::string, std::string> const&,                                     \
      std::function<void(std::string const&, std::span<SCALAR>)> const&);
KYRTOS_INSTANTIATE_SAFETENSORS(float)
KYRTOS_INSTANTIATE_SAFETENSORS(double)

}  // namespace kyrtos::io
