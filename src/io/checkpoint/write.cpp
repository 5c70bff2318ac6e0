// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/io/checkpoint.hpp>

#include "format.hpp"
#include "vector_file.hpp"

namespace kyrtos::io {

namespace {

/// The values where the host can read them.
template <class Scalar, class Space>
auto on_host(Context<Space> const& context, VectorView<Scalar const, Space> const& values) {
  if constexpr (compat::is_host_accessible<Space>) {
    return values;
  } else {
    Vector<Scalar, Kokkos::HostSpace> host(
        Kokkos::view_alloc(Kokkos::WithoutInitializing, "kyrtos::checkpoint"), values.size());
    Kokkos::deep_copy(context.space(), host, values);
    context.fence("kyrtos::checkpoint");
    return host;
  }
}

template <class Scalar, class Space>
std::vector<std::uint64_t> checksums_of(Context<Space> const& context,
                                        VectorFile<Scalar, Space> const& file) {
  std::vector<std::uint64_t> sums(static_cast<std::size_t>(file.datasets()), 0);
  for (auto const& piece : file.pieces())
    sums[piece.dataset] += checksum::sum(context, piece.values, piece.begin);
  return sums;
}

/// Each rank for itself.
template <class Scalar, class Space>
void write_values(Context<Space> const& context, std::string const& path,
                  VectorFile<Scalar, Space> const& file) {
  FileWriter const writer(path);
  for (auto const& piece : file.pieces())
    write_piece(writer, file.places(), piece, on_host(context, piece.values).data());
  writer.synchronize();
}

template <class Scalar, class Space>
void write_file(Context<Space> const& context, std::string const& path,
                ParameterLayout const& layout,
                std::vector<NamedVector<Scalar const, Space>> const& vectors,
                std::size_t header_bytes, std::function<void(hid_t)> const& header) {
  hdf5::QuietErrors const quiet;
  auto const& ranks = context.communicator();
  VectorFile<Scalar, Space> file(context, path, layout, vectors);
  file.lay_out(header, header_bytes, checksums_of(context, file));
  auto const replacement = file.release();
  auto const partial = ranks.broadcast(replacement ? replacement->partial() : "");
  parallel::in_agreement<FileError>(ranks, [&] {
    require_visible(partial, ranks.rank());
    write_values(context, partial, file);
  });
  parallel::on_root<FileError>(ranks, [&] { replacement->commit(); });
}

void write_scalar(hid_t file, NamedScalar const& scalar) {
  auto const dataset =
      hdf5::create_dataset(file, scalar.name, hdf5::file_type<double>(), /*shape=*/{});
  hdf5::write_checksum(dataset, "checksum", checksum::sum(std::span(&scalar.value, 1)));
  hdf5::write_values(dataset, scalar.name, hdf5::native_type<double>(), &scalar.value);
}

}  // namespace

template <class Scalar, class Space>
void write_checkpoint(Context<Space> const& context, std::string const& path,
                      CheckpointText const& text, ParameterLayout const& layout,
                      std::vector<NamedVector<Scalar const, Space>> const& vectors) {
  write_file<Scalar, Space>(context, path, layout, vectors, bytes_of(text),
                            [&](hid_t file) { write_header(file, text); });
}

template <class Scalar, class Space>
void write_vectors(Context<Space> const& context, std::string const& path,
                   ParameterLayout const& layout,
                   std::vector<NamedVector<Scalar const, Space>> const& vectors,
                   std::vector<NamedScalar> const& scalars) {
  write_file<Scalar, Space>(context, path, layout, vectors, scalars.size() * 1024, [&](hid_t file) {
    write_format(file, vectors_format);
    for (auto const& scalar : scalars) write_scalar(file, scalar);
  });
}

#define KYRTOS_WRITERS(SCALAR, SPACE)                                                              \
  template void write_checkpoint(Context<SPACE> const&, std::string const&, CheckpointText const&, \
                                 ParameterLayout const&,                                           \
                                 std::vector<NamedVector<SCALAR const, SPACE>> const&);            \
  template void write_vectors(Context<SPACE> const&, std::string const&, ParameterLayout const&,   \
                              std::vector<NamedVector<SCALAR const, SPACE>> const&,                \
                              std::vector<NamedScalar> const&);
KYRTOS_INSTANTIATE_FUNCTIONS(KYRTOS_WRITERS)

}  // namespace kyrtos::io
