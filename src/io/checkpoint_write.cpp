// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/version.hpp>
#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/parallel/agreement.hpp>

#include "checkpoint_format.hpp"
#include "checksum.hpp"
#include "hdf5.hpp"
#include "replacement.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <span>
#include <unistd.h>

namespace kyrtos::io {

namespace {

using hdf5::checked;
using hdf5::Handle;

// ---- Who writes what ---------------------------------------------------------------------------

/// Elements [begin, end) of a segment, the first of which is element `at` of this rank's vector.
struct Share {
  Index begin = 0, end = 0, at = 0;
  Index size() const { return end - begin; }
};

/// Where vectors are sharded, a rank writes its pieces. Otherwise rank r of R writes elements
/// [n r/R, n (r + 1)/R) of the flat vector of n; of a segment, that part of it.
Share share_of(Segment const& segment, Index n, Shards const* shards, Communicator const& ranks) {
  if (shards != nullptr) {
    auto const pieces = shards->pieces({segment.offset, segment.size});  // of one part: one or none
    if (pieces.empty()) return {};
    Index const begin = pieces.front().offset - segment.offset;
    return {begin, begin + pieces.front().size, pieces.front().local};
  }
  auto const within = [&](Index rank) {
    return std::clamp<Index>(n * rank / ranks.size() - segment.offset, 0, segment.size);
  };
  Index const begin = within(ranks.rank());
  return {begin, within(ranks.rank() + 1), segment.offset + begin};
}

/// The box with the most of the elements [begin, end), counted in row-major order, that starts
/// with the first of them: whole slices along the outermost dimension where one fits.
struct Box {
  std::vector<hsize_t> start, count;
  Index size = 1;
};

Box first_box(std::vector<Index> const& shape, Share share) {
  Box box{std::vector<hsize_t>(shape.size()), std::vector<hsize_t>(shape.size(), 1)};
  Index slice = count_elements(shape), index = share.begin;
  bool fits = false;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    slice /= shape[d];
    Index const start = index / slice;
    index %= slice;
    box.start[d] = static_cast<hsize_t>(start);
    Index count = fits ? shape[d] : 1;
    if (!fits && index == 0 && share.begin + slice <= share.end) {
      fits = true;
      count = std::min(shape[d] - start, (share.end - share.begin) / slice);
    }
    box.count[d] = static_cast<hsize_t>(count);
    box.size *= count;
  }
  return box;
}

/// In elements: HDF5 (1.10) refuses to send 2 GiB or more through MPI-IO at once.
constexpr Index longest_transfer = Index{1} << 26;

/// Selects these elements of a space. In a matrix they are the rest of a row, whole rows, and the
/// start of a row.
void select(hid_t space, std::vector<Index> const& shape, Share share) {
  if (share.begin < share.end && share.size() == count_elements(shape)) return;  // all are
  H5Sselect_none(space);
  while (share.begin < share.end) {
    Box const box = first_box(shape, share);
    H5Sselect_hyperslab(space, H5S_SELECT_OR, box.start.data(), nullptr, box.count.data(), nullptr);
    share.begin += box.size;
  }
}

// ---- The file while it is written --------------------------------------------------------------

/// Adds what no vector holds: attributes, scalars.
using Header = std::function<void(hid_t file)>;

/// The vectors of one layout on their way into a file.
///
/// Rank 0 alone makes the file with all its metadata, checksums included. Then all ranks open it
/// and write their values, and nothing else, each with transfers of its own: a rank's share of a
/// segment is one stretch of the file, so collective transfers would have nothing to gather, and
/// no rank may wait in one for another that found the disk full. HDF5 (1.10) lets ranks wait for
/// ever after a failed collective transfer or flush of metadata, and Open MPI (4.1) even takes a
/// short collective write for a success.
template <class Scalar, class Space>
class VectorWriter {
 public:
  using Vectors = std::vector<NamedVector<Scalar const, Space>>;

  VectorWriter(Context<Space> const& context, ParameterLayout const& layout, Vectors const& vectors)
      : context_(context), layout_(layout), vectors_(vectors) {
    Index const size = context.shards() ? context.shards()->local_size() : layout.size();
    for (auto const& v : vectors)
      if (static_cast<Index>(v.values.size()) != size)
        throw ShapeError("checkpoint: vector '" + v.group + "' has " +
                         std::to_string(v.values.size()) + " elements, but its layout has " +
                         std::to_string(size));
    context.fence("kyrtos::checkpoint");
  }

  /// All or nothing, on every rank.
  void write(std::string const& path, Header const& header) {
    hdf5::QuietErrors const quiet;
    compute_checksums();
    std::optional<Replacement> replacement;
    on_root<FileError>(ranks(), [&] {
      replacement.emplace(path, bytes());
      write_metadata(replacement->partial(), header);
    });
    write_values(partial_path(path));
    on_root<FileError>(ranks(), [&] { replacement->commit(); });
  }

 private:
  Communicator const& ranks() const { return context_.communicator(); }

  std::uint64_t bytes() const {
    std::uint64_t const datasets = vectors_.size() * layout_.segments().size();
    std::uint64_t const values = vectors_.size() * static_cast<std::uint64_t>(layout_.size());
    return values * sizeof(Scalar) + datasets * 1024 + 65536;  // the latter two are metadata
  }

  template <class Work>
  void for_each_segment(Work const& work) const {
    std::size_t i = 0;
    for (auto const& vector : vectors_)
      for (auto const& segment : layout_.segments()) work(i++, vector, segment);
  }

  Share share_of(Segment const& segment) const {
    return io::share_of(segment, layout_.size(), context_.shards(), ranks());
  }

  void compute_checksums() {
    checksums_.assign(vectors_.size() * layout_.segments().size(), 0);
    for_each_segment([&](std::size_t i, auto const& vector, Segment const& segment) {
      auto const share = share_of(segment);
      checksums_[i] = checksum::sum(context_, part(vector, share), share.begin);
    });
    ranks().sum(checksums_);
  }

  void write_metadata(std::string const& path, Header const& header) const {
    Handle file = hdf5::create_file(path);
    header(file);
    for_each_segment([&](std::size_t i, auto const& vector, Segment const& segment) {
      auto const dataset = hdf5::create_dataset(file, vector.group + "/" + segment.name,
                                                hdf5::file_type<Scalar>(), segment.shape);
      hdf5::write_checksum(dataset, "checksum", checksums_[i]);
    });
    hdf5::close(file);
  }

  void write_values(std::string const& path) const {
    in_agreement<FileError>(ranks(), [&] { require_visible(path); });
    Handle file;
    in_agreement<FileError>(ranks(), [&] { file = hdf5::open_for_writing(path, ranks()); });
    in_agreement<FileError>(ranks(), [&] {
      for_each_segment([&](std::size_t, auto const& vector, Segment const& segment) {
        if (share_of(segment).size() > 0) write_share(file, vector, segment);
      });
    });
    in_agreement<FileError>(ranks(), [&] { hdf5::flush(file); });
    in_agreement<FileError>(ranks(), [&] { hdf5::close(file); });
  }

  /// On a disk that only some nodes have, MPI-IO would make a file on each, or wait for ever.
  void require_visible(std::string const& path) const {
    if (access(path.c_str(), W_OK) != 0)
      throw FileError(path + ": rank " + std::to_string(ranks().rank()) +
                      " does not see this file, which rank 0 made; give a directory on a disk that "
                      "all nodes share");
  }

  void write_share(hid_t file, NamedVector<Scalar const, Space> const& vector,
                   Segment const& segment) const {
    auto const dataset = hdf5::open_object(file, vector.group + "/" + segment.name);
    auto const share = share_of(segment);
    for (Index begin = share.begin; begin < share.end; begin += longest_transfer) {
      Share const piece{begin, std::min(begin + longest_transfer, share.end),
                        share.at + begin - share.begin};
      auto const host = on_host(part(vector, piece));
      Handle const memory = hdf5::make_space({piece.size()}),
                   target(H5Dget_space(dataset), H5Sclose);
      select(target, segment.shape, piece);
      checked(
          H5Dwrite(dataset, hdf5::native_type<Scalar>(), memory, target, H5P_DEFAULT, host.data()),
          file, "can't write '" + segment.name + "'");
    }
  }

  auto part(NamedVector<Scalar const, Space> const& vector, Share share) const {
    return VectorView<Scalar const, Space>(slice(vector.values, share.at, share.size()));
  }

  /// The values where the host can read them.
  auto on_host(VectorView<Scalar const, Space> const& values) const {
    if constexpr (compat::is_host_accessible<Space>) {
      return values;
    } else {
      Vector<Scalar, Kokkos::HostSpace> host(
          Kokkos::view_alloc(Kokkos::WithoutInitializing, "kyrtos::checkpoint"), values.size());
      Kokkos::deep_copy(context_.space(), host, values);
      context_.fence("kyrtos::checkpoint");
      return host;
    }
  }

  Context<Space> const& context_;
  ParameterLayout const& layout_;
  Vectors const& vectors_;
  std::vector<std::uint64_t> checksums_;  // segment by segment, vector by vector
};

void write_format(hid_t file, char const* format) {
  hdf5::write_text(file, "format", format);
  hdf5::write_integer(file, "version", format_version);
  hdf5::write_text(file, "writer", std::string(own_writer) + " " + version());
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
  VectorWriter<Scalar, Space>(context, layout, vectors).write(path, [&](hid_t file) {
    write_format(file, checkpoint_format);
    hdf5::write_text(file, "config", text.config);
    hdf5::write_text(file, "state", text.state);
    hdf5::write_checksum(file, "text_checksum", checksum_of(text));
  });
}

template <class Scalar, class Space>
void write_vectors(Context<Space> const& context, std::string const& path,
                   ParameterLayout const& layout,
                   std::vector<NamedVector<Scalar const, Space>> const& vectors,
                   std::vector<NamedScalar> const& scalars) {
  VectorWriter<Scalar, Space>(context, layout, vectors).write(path, [&](hid_t file) {
    write_format(file, vectors_format);
    for (auto const& scalar : scalars) write_scalar(file, scalar);
  });
}

#define KYRTOS_INSTANTIATE_WRITERS(SCALAR, SPACE)                                                  \
  template void write_checkpoint(Context<SPACE> const&, std::string const&, CheckpointText const&, \
                                 ParameterLayout const&,                                           \
                                 std::vector<NamedVector<SCALAR const, SPACE>> const&);            \
  template void write_vectors(Context<SPACE> const&, std::string const&, ParameterLayout const&,   \
                              std::vector<NamedVector<SCALAR const, SPACE>> const&,                \
                              std::vector<NamedScalar> const&);
#define KYRTOS_INSTANTIATE_WRITERS_ON(SPACE) \
  KYRTOS_INSTANTIATE_WRITERS(float, SPACE)   \
  KYRTOS_INSTANTIATE_WRITERS(double, SPACE)
KYRTOS_FOR_EACH_SPACE(KYRTOS_INSTANTIATE_WRITERS_ON)

}  // namespace kyrtos::io
