// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/random.hpp>
#include <kyrtos/io/checkpoint.hpp>

#include "support/numbers.hpp"
#include "support/temporary_directory.hpp"

#include <hdf5.h>

#include <cstring>
#include <string>
#include <vector>

// What the tests of checkpoints share: a small model's file, and its edits with plain HDF5.

namespace kyrtos::testing {

/// Shapes that no number of ranks divides, so that shares start and end in the middle of rows; and
/// more of them than HDF5 keeps in a group's own header.
inline ParameterLayout small_layout() {
  ParameterLayout layout;
  layout.append("embedding", {{"token.weight", {7, 5}}, {"position.weight", {2, 31}}});
  layout.append("blocks.0", {{"norm1.weight", {5}}, {"mixer.kernel", {3, 2, 5}}, {"gain", {}}});
  layout.append("blocks.1", {{"norm1.weight", {5}}, {"mixer.kernel", {3, 2, 5}}, {"gain", {}}});
  layout.append("head", {{"weight", {11, 3}}, {"bias", {1}}});
  return layout;
}

/// Any bits: NaNs with payloads, infinities, negative zeros, subnormal numbers.
template <class Scalar>
std::vector<Scalar> any_bits(ParameterLayout const& layout, std::uint64_t seed) {
  std::vector<Scalar> values(static_cast<std::size_t>(layout.size()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint64_t const bits = Philox{seed, 1}.bits(i) >> (i % 3 == 0 ? 12 : 0);
    std::memcpy(&values[i], &bits, sizeof(Scalar));
  }
  return values;
}

template <class Scalar>
bool same_bits(std::vector<Scalar> const& a, std::vector<Scalar> const& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Scalar)) == 0;
}

/// A checkpoint of two vectors and its text, in host memory.
template <class Scalar>
struct SmallCheckpoint {
  ParameterLayout layout = small_layout();
  io::CheckpointText text{"[model]\nwidth = 5  # größer\n", "{\"step\": 7}"};
  std::vector<Scalar> parameters = any_bits<Scalar>(layout, 1);
  std::vector<Scalar> moment = any_bits<Scalar>(layout, 2);

  void write(Communicator const& ranks, std::string const& path) const {
    Context<Space> const context(ranks.get());
    auto const p = on_device<Scalar>(parameters), m = on_device<Scalar>(moment);
    io::write_checkpoint<Scalar>(context, path, text, layout,
                                 {{"parameters", p}, {"optimizer/m", m}});
  }
};

/// A group of a checkpoint, or of another file of vectors.
template <class Scalar>
std::vector<Scalar> read_group(Communicator const& ranks, io::CheckpointReader const& reader,
                               std::string const& group, ParameterLayout const& layout) {
  Context<Space> const context(ranks.get());
  Vector<Scalar, Space> const values("test::values", static_cast<std::size_t>(layout.size()));
  reader.read<Scalar, Space>(context, group, layout, values);
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), values);
  return {host.data(), host.data() + host.size()};
}

/// Whether all that SmallCheckpoint wrote comes back. \throws FileError
template <class Scalar>
bool reads_back(Communicator const& ranks, std::string const& path,
                SmallCheckpoint<Scalar> const& written) {
  io::CheckpointReader const reader(ranks, path);
  return reader.text().config == written.text.config && reader.text().state == written.text.state &&
         same_bits(read_group<Scalar>(ranks, reader, "parameters", written.layout),
                   written.parameters) &&
         same_bits(read_group<Scalar>(ranks, reader, "optimizer/m", written.layout),
                   written.moment);
}

/// Changes a file that nobody has open with plain HDF5, on rank 0 while the others wait.
template <class Edit>
void edit(Communicator const& ranks, std::string const& path, Edit const& change) {
  ranks.barrier();
  if (ranks.is_root()) {
    hid_t const file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    change(file);
    H5Fclose(file);
  }
  ranks.barrier();
}

inline void set_attribute(hid_t object, char const* name, hid_t type, void const* value) {
  if (H5Aexists(object, name) > 0) H5Adelete(object, name);
  hid_t const space = H5Screate(H5S_SCALAR);
  hid_t const attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(attribute, type, value);
  H5Aclose(attribute);
  H5Sclose(space);
}

/// As h5py writes a string: of variable length.
inline void set_text(hid_t object, char const* name, char const* value) {
  hid_t const type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  set_attribute(object, name, type, &value);
  H5Tclose(type);
}

inline void set_checksum(hid_t file, char const* dataset, std::uint64_t value) {
  hid_t const object = H5Oopen(file, dataset, H5P_DEFAULT);
  set_attribute(object, "checksum", H5T_NATIVE_UINT64, &value);
  H5Oclose(object);
}

inline void remove_checksum(hid_t file, std::string const& dataset) {
  H5Adelete_by_name(file, dataset.c_str(), "checksum", H5P_DEFAULT);
}

}  // namespace kyrtos::testing
