// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/version.hpp>

#include "hdf5.hpp"

#include <fmt/format.h>

namespace kyrtos::io::hdf5 {

namespace {

void write_attribute(hid_t object, std::string const& name, hid_t type, hid_t memory_type,
                     void const* value) {
  Handle const space = make_space({});
  Handle const attribute(
      checked(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), object,
              "can't make the attribute '" + name + "'"),
      H5Aclose);
  checked(H5Awrite(attribute, memory_type, value), object,
          "can't write the attribute '" + name + "'");
}

/// An attribute with at most one value, of a type of this class.
struct Attribute {
  Handle handle, type;
  bool is_empty = false;
};

std::optional<Attribute> open_attribute(hid_t object, std::string const& name, H5T_class_t kind,
                                        char const* what) {
  auto const damaged = "can't read the attribute '" + name + "'";
  if (checked(H5Aexists(object, name.c_str()), object, damaged) == 0) return std::nullopt;
  Attribute a;
  a.handle = {checked(H5Aopen(object, name.c_str(), H5P_DEFAULT), object, damaged), H5Aclose};
  a.type = {checked(H5Aget_type(a.handle), object, damaged), H5Tclose};
  Handle const space(checked(H5Aget_space(a.handle), object, damaged), H5Sclose);
  hssize_t const count = H5Sget_simple_extent_npoints(space);
  if (H5Tget_class(a.type) != kind || count > 1)
    throw FileError(path_of(object) + ": its attribute '" + name + "' must be one " + what);
  a.is_empty = count < 1;
  return a;
}

std::string read_variable_text(hid_t object, Attribute const& a, std::string const& what) {
  Handle const type(H5Tcopy(a.type), H5Tclose);
  char* text = nullptr;
  checked(H5Aread(a.handle, type, &text), object, what);
  std::string const copy = text != nullptr ? text : "";
  H5free_memory(text);
  return copy;
}

template <class Value>
std::optional<Value> read_whole_number(hid_t object, std::string const& name) {
  auto const a = open_attribute(object, name, H5T_INTEGER, "integer");
  if (!a || a->is_empty) return std::nullopt;
  Value value = 0;
  checked(H5Aread(a->handle, native_type<Value>(), &value), object,
          "can't read the attribute '" + name + "'");
  return value;
}

}  // namespace

void write_text(hid_t object, std::string const& name, std::string const& text) {
  Handle const type = text_type(text.size());
  write_attribute(object, name, type, type, text.c_str());
}

void write_integer(hid_t object, std::string const& name, std::int64_t value) {
  write_attribute(object, name, H5T_STD_I64LE, native_type<std::int64_t>(), &value);
}

void write_checksum(hid_t object, std::string const& name, std::uint64_t value) {
  write_attribute(object, name, H5T_STD_U64LE, native_type<std::uint64_t>(), &value);
}

std::optional<std::string> read_text(hid_t object, std::string const& name) {
  auto const a = open_attribute(object, name, H5T_STRING, "string");
  if (!a) return std::nullopt;
  if (a->is_empty) return "";
  auto const what = "can't read the attribute '" + name + "'";
  if (H5Tis_variable_str(a->type) > 0) return read_variable_text(object, *a, what);
  if (static_cast<double>(H5Tget_size(a->type)) > file_bytes(object)) fail_at(object, what);
  std::string text(H5Tget_size(a->type), '\0');
  checked(H5Aread(a->handle, a->type, text.data()), object, what);
  auto const end =
      H5Tget_strpad(a->type) == H5T_STR_SPACEPAD ? text.find_last_not_of(' ') + 1 : text.find('\0');
  return text.substr(0, end);
}

std::optional<std::int64_t> read_integer(hid_t object, std::string const& name) {
  return read_whole_number<std::int64_t>(object, name);
}

std::optional<std::uint64_t> read_checksum(hid_t object, std::string const& name) {
  return read_whole_number<std::uint64_t>(object, name);
}

void require_version(hid_t file, std::string const& path, std::int64_t known) {
  auto const found = read_integer(file, "version");
  if (!found || *found < 1)
    throw FileError(fmt::format("{}: its attribute 'version' must be an integer {}", path,
                                known == 1 ? "of 1" : fmt::format("from 1 to {}", known)));
  if (*found > known)
    throw FileError(fmt::format(
        "{}: has version {} of the format, written by '{}'; Kyrtos {} is too old for "
        "it and reads version {}: update Kyrtos",
        path, *found, read_text(file, "writer").value_or("an unnamed program"), version(), known));
}

}  // namespace kyrtos::io::hdf5
