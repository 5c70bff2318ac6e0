// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hdf5.hpp"

#include <kyrtos/io/damaged_file_error.hpp>

#include "../files/file_kind.hpp"
#include "../files/replacement.hpp"
#include "memory_file.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace kyrtos::io::hdf5 {

void replace_file(std::string const& path, std::uint64_t bytes,
                  std::function<void(hid_t)> const& write) {
  Replacement replacement(path, bytes);
  MemoryFile const memory(write);
  replacement.resize(memory.size());
  FileWriter(replacement.partial()).write(0, memory.read(0, memory.size()));
  replacement.commit();
}

Handle open_file(std::string const& path, std::string const& wanted) {
  auto const look = look_at(path);
  if (look.kind != FileKind::hdf5) refuse(path, look, wanted);
  constexpr std::uint64_t shortest = 48;  // a superblock
  if (look.bytes < shortest)
    throw DamagedFileError(fmt::format(
        "{}: can't be opened: it is cut off after {} bytes: use another copy or an older file",
        path, look.bytes));
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  if (file < 0) fail(path, "can't be opened");
  return file;
}

void close(Handle& file) {
  auto const path = path_of(file);
  if (file.close() < 0) fail(path, "can't be closed");
}

// ---- Groups and datasets -----------------------------------------------------------------------

Handle timeless(hid_t kind) {
  Handle creation(H5Pcreate(kind), H5Pclose);
  H5Pset_obj_track_times(creation, false);
  return creation;
}

Handle text_type(std::size_t length) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, std::max<std::size_t>(length, 1));  // HDF5 has no strings without a byte
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

Handle make_space(std::vector<Index> const& shape) {
  std::vector<hsize_t> const extents(shape.begin(), shape.end());
  if (extents.empty()) return {H5Screate(H5S_SCALAR), H5Sclose};
  return {H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), H5Sclose};
}

namespace {

/// The groups on the way to an object. HDF5 could make them itself, but with the time in them.
void create_groups(hid_t file, std::string const& name) {
  for (auto end = name.find('/'); end != std::string::npos; end = name.find('/', end + 1)) {
    auto const group = name.substr(0, end);
    if (exists(file, group)) continue;
    Handle const creation = timeless(H5P_GROUP_CREATE);
    Handle const made(H5Gcreate2(file, group.c_str(), H5P_DEFAULT, creation, H5P_DEFAULT),
                      H5Gclose);
    if (made < 0) fail_at(file, "can't make the group '" + group + "'");
  }
}

}  // namespace

Handle create_dataset(hid_t file, std::string const& name, hid_t type,
                      std::vector<Index> const& shape) {
  create_groups(file, name);
  Handle const creation = timeless(H5P_DATASET_CREATE), space = make_space(shape);
  H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER);
  Handle dataset(H5Dcreate2(file, name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT),
                 H5Dclose);
  if (dataset < 0) fail_at(file, "can't make the dataset '" + name + "'");
  return dataset;
}

std::uint64_t place_of(hid_t dataset, std::string const& name) {
  haddr_t const place = H5Dget_offset(dataset);
  if (place == HADDR_UNDEF) fail_at(dataset, "can't find the place of '" + name + "'");
  return place;
}

void write_values(hid_t dataset, std::string const& name, hid_t memory_type, void const* values) {
  checked(H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), dataset,
          "can't write '" + name + "'");
}

void write_numbers(hid_t file, std::string const& name, std::vector<double> const& values,
                   std::vector<Index> const& shape) {
  auto const dataset = create_dataset(file, name, file_type<double>(), shape);
  write_values(dataset, name, native_type<double>(), values.data());
}

void write_texts(hid_t file, std::string const& name, std::vector<std::string> const& texts) {
  std::size_t length = 1;
  for (auto const& text : texts) length = std::max(length, text.size());
  std::string filled;
  for (auto const& text : texts) filled += text + std::string(length - text.size(), '\0');
  auto const type = text_type(length);
  auto const dataset = create_dataset(file, name, type, {static_cast<Index>(texts.size())});
  write_values(dataset, name, type, filled.data());
}

bool exists(hid_t location, std::string const& path) {
  // HDF5 wants every group on the way asked for.
  for (std::size_t end = path.find('/');; end = path.find('/', end + 1)) {
    auto const part = path.substr(0, end);
    if (!part.empty() && checked(H5Lexists(location, part.c_str(), H5P_DEFAULT), location,
                                 "can't look for '" + part + "'") == 0)
      return false;
    if (end == std::string::npos) return true;
  }
}

Handle open_object(hid_t location, std::string const& name) {
  Handle object(H5Oopen(location, name.c_str(), H5P_DEFAULT), H5Oclose);
  if (object < 0) fail_at(location, "can't open '" + name + "'");
  return object;
}

bool is_group(hid_t object) {
  return H5Iget_type(object) == H5I_GROUP;
}

std::vector<std::string> names_in(hid_t group) {
  std::vector<std::string> names;
  auto const add = [](hid_t, char const* name, H5L_info_t const*, void* data) -> herr_t {
    static_cast<std::vector<std::string>*>(data)->emplace_back(name);
    return 0;
  };
  // Not in the order of names: HDF5 1.10 makes a table for that, of which it frees what it never
  // wrote when a part of the group is damaged.
  checked(H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, add, &names), group,
          "can't list a group");
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<Index> shape_of(hid_t dataset) {
  Handle const space(checked(H5Dget_space(dataset), dataset, "can't read the shape of a dataset"),
                     H5Sclose);
  std::vector<hsize_t> extents(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space)));
  H5Sget_simple_extent_dims(space, extents.data(), nullptr);
  return {extents.begin(), extents.end()};
}

double file_bytes(hid_t object) {
  Handle const file(checked(H5Iget_file_id(object), object, "can't tell the file's size"),
                    H5Fclose);
  hsize_t bytes = 0;
  checked(H5Fget_filesize(file, &bytes), object, "can't tell the file's size");
  return static_cast<double>(bytes);
}

std::size_t count_values(hid_t dataset, std::string const& name) {
  // No more than deflate reaches; with some room for what a tiny file says in a few bytes.
  constexpr double densest = 1100;
  Handle const type(checked(H5Dget_type(dataset), dataset, "can't read '" + name + "'"), H5Tclose);
  auto bytes = static_cast<double>(H5Tget_size(type));
  std::size_t count = 1;
  for (Index const extent : shape_of(dataset)) {
    bytes *= static_cast<double>(extent);
    count *= static_cast<std::size_t>(extent);
  }
  if (!(bytes >= 0 && bytes <= densest * file_bytes(dataset)))
    throw FileError(path_of(dataset) + ": '" + name + "' has more values than the file can hold");
  return count;
}

}  // namespace kyrtos::io::hdf5
