// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "safetensors_header.hpp"

#include <kyrtos/core/error.hpp>
#include <kyrtos/core/text.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

namespace kyrtos::io::safetensors {

namespace {

using nlohmann::json;

constexpr char metadata_name[] = "__metadata__";

/// A fault of the tensor of this name.
[[noreturn]] void fail(std::string const& name, std::string const& fault) {
  throw FileError(fmt::format("is wrong: tensor '{}' {}", shown(name), fault));
}

/// a·b, where that is an Index, as a tensor's size will be.
std::optional<std::uint64_t> product(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t most = std::numeric_limits<Index>::max();
  if (a != 0 && b > most / a) return std::nullopt;
  return a * b;
}

/// Of a tensor by type and shape. \throws FileError
std::uint64_t bytes_needed(StoredTensor const& tensor) {
  auto bytes = bytes_of(tensor.type);
  if (!bytes)
    fail(tensor.name, "has the type '" + shown(tensor.type) + "', which is not known here");
  for (Index const extent : tensor.shape)
    if (bytes = product(*bytes, static_cast<std::uint64_t>(extent)); !bytes)
      fail(tensor.name, "has a shape of 2^63 bytes or more");
  return *bytes;
}

/// Takes a header's JSON as it comes, without building a tree of it: what is not of the form
/// {name: {"dtype": text, "shape": [n, …], "data_offsets": [n, n]}, …} fails at once, so that
/// nothing nests deeper than this and memory stays in proportion to the text.
class Reader : public json::json_sax_t {
 public:
  Header header;

  bool start_object(std::size_t) override {
    if (place_ == Place::outside) return go(Place::names);
    if (place_ != Place::named) unexpected("an object");
    return go(name_ == metadata_name ? Place::metadata : Place::tensor);
  }

  bool key(std::string& text) override {
    if (place_ == Place::names) {
      if (!names_.insert(text).second)
        throw FileError(fmt::format("names '{}' twice", shown(text)));
      name_ = text;
      if (text != metadata_name) header.tensors.push_back({text, "", {}});
      given_.clear();
      return go(Place::named);
    }
    if (!given_.insert(text).second)
      throw FileError(fmt::format("gives '{}' twice for '{}'", shown(text), shown(name_)));
    key_ = text;
    bool const is_known = text == "dtype" || text == "shape" || text == "data_offsets";
    if (place_ == Place::tensor && !is_known)
      fail(name_, "has the unknown key '" + shown(text) + "'");
    return true;
  }

  bool string(std::string& text) override {
    if (place_ == Place::metadata)
      header.metadata[key_] = text;
    else if (place_ == Place::tensor && key_ == "dtype")
      tensor().type = text;
    else
      unexpected("a text");
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::tensor && key_ == "shape") return go(Place::shape);
    if (place_ == Place::tensor && key_ == "data_offsets") return go(Place::offsets);
    unexpected("a list");
  }

  bool number_unsigned(std::uint64_t value) override {
    if (place_ == Place::shape) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<Index>::max()))
        fail(name_, fmt::format("has an extent of {}", value));
      tensor().shape.push_back(static_cast<Index>(value));
    } else if (place_ == Place::offsets && offsets_ < 2) {
      (offsets_++ == 0 ? tensor().begin : tensor().end) = value;
    } else {
      unexpected("a number");
    }
    return true;
  }

  bool end_array() override {
    if (place_ == Place::offsets && offsets_ != 2) fail(name_, "needs two 'data_offsets'");
    return go(Place::tensor);
  }

  bool end_object() override {
    if (place_ == Place::names) return go(Place::outside);
    if (place_ == Place::tensor) check_tensor();
    offsets_ = 0;
    return go(Place::names);
  }

  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("true or false"); }
  bool number_integer(std::int64_t) override { unexpected("a negative number"); }
  bool number_float(double, std::string const&) override {
    unexpected("a number that is no 64-bit integer");
  }
  bool binary(json::binary_t&) override { unexpected("bytes"); }
  bool parse_error(std::size_t at, std::string const&,
                   nlohmann::detail::exception const&) override {
    throw FileError(fmt::format("is no JSON from its byte {} on", at));
  }

 private:
  /// What the next value belongs to.
  enum class Place { outside, names, named, tensor, shape, offsets, metadata };

  bool go(Place place) {
    place_ = place;
    return true;
  }
  StoredTensor& tensor() { return header.tensors.back(); }

  [[noreturn]] void unexpected(char const* what) const {
    if (place_ == Place::outside) throw FileError("must be a JSON object");
    if (place_ == Place::metadata) throw FileError("must hold texts only in '__metadata__'");
    if (place_ == Place::named && name_ == metadata_name)
      throw FileError("must have an object in '__metadata__'");
    fail(name_, fmt::format("has {} where its {} should be", what,
                            place_ == Place::named ? "description" : "'" + key_ + "'"));
  }

  void check_tensor() {
    for (char const* key : {"dtype", "shape", "data_offsets"})
      if (given_.count(key) == 0) fail(name_, fmt::format("has no '{}'", key));
    auto const& t = tensor();
    if (t.begin > t.end)
      fail(name_, fmt::format("ends at {} before it begins at {}", t.end, t.begin));
    if (auto const bytes = bytes_needed(t); bytes != t.end - t.begin)
      fail(name_, fmt::format("has {} bytes, but {} of [{}] has {}", t.end - t.begin, t.type,
                              shown(fmt::format("{}", fmt::join(t.shape, ", "))), bytes));
  }

  Place place_ = Place::outside;
  std::string name_, key_;
  std::size_t offsets_ = 0;
  std::set<std::string> names_, given_;
};

void sort_by_place(std::vector<StoredTensor>& tensors) {
  std::stable_sort(tensors.begin(), tensors.end(), [](auto const& a, auto const& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t at = 0;
  StoredTensor const* before = nullptr;
  for (auto const& tensor : tensors) {
    if (tensor.begin < at) fail(tensor.name, "overlaps '" + shown(before->name) + "'");
    if (tensor.begin > at)
      fail(tensor.name, fmt::format("begins {} bytes after what precedes it", tensor.begin - at));
    at = tensor.end;
    before = &tensor;
  }
}

}  // namespace

std::optional<std::uint64_t> bytes_of(std::string_view type) {
  static std::map<std::string_view, std::uint64_t> const known{
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"F8_E8M0", 1},
      {"U16", 2},  {"I16", 2}, {"F16", 2}, {"BF16", 2},    {"U32", 4},     {"I32", 4},
      {"F32", 4},  {"U64", 8}, {"I64", 8}, {"F64", 8},     {"C64", 8}};
  auto const found = known.find(type);
  return found == known.end() ? std::nullopt : std::optional(found->second);
}

Header parse_header(std::string_view text) {
  if (text.empty() || text.front() != '{') throw FileError("must begin with '{'");
  Reader reader;
  json::sax_parse(text.begin(), text.end(), &reader);
  sort_by_place(reader.header.tensors);
  return std::move(reader.header);
}

std::string to_bytes(Header const& header) {
  nlohmann::ordered_json object;
  if (!header.metadata.empty()) object[metadata_name] = header.metadata;
  for (auto const& t : header.tensors)
    object[t.name] = {{"dtype", t.type}, {"shape", t.shape}, {"data_offsets", {t.begin, t.end}}};
  auto text = object.is_null() ? "{}" : object.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  std::string length(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(text.size() >> 8 * i & 0xFF);
  return length + text;
}

}  // namespace kyrtos::io::safetensors
