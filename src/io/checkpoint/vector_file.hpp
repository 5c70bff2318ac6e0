// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/parallel/agreement.hpp>

#include "../files/replacement.hpp"
#include "../hdf5/hdf5.hpp"
#include "../hdf5/memory_file.hpp"
#include "checksum.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <numeric>
#include <span>
#include <unistd.h>

/// \file
/// \brief A file of vectors of one layout on its way to the disk.
///
/// HDF5 makes the file in memory on rank 0: all of it but the values, checksums included, and with
/// it the place of each dataset. The rest is plain writing, of what lies between the datasets by
/// rank 0 and of the values by all ranks, each its own. So it needs neither HDF5 nor MPI and can be
/// left to a thread, and a full disk is an error like any other: HDF5 (1.10) can't close a file
/// that it found no room for, and lets ranks wait for ever after a failed collective transfer.

namespace kyrtos::io {

static_assert(std::endian::native == std::endian::little, "values are written as they are");

/// What one rank writes of one dataset, of the segments of all vectors one after the other.
template <class Scalar, class Space>
struct Piece {
  std::size_t dataset = 0;
  Index begin = 0;  ///< Its first element in the dataset.
  VectorView<Scalar const, Space> values;
};

/// Of a split vector, a rank writes the slices that it holds. Otherwise rank r of R writes elements
/// [n r/R, n (r + 1)/R) of the flat vector of n; of a segment, that part of it.
inline std::vector<Partition::Slice> written_slices(Segment const& segment, Index n,
                                                    Partition const* partition,
                                                    Communicator const& ranks) {
  if (partition != nullptr) return partition->slices({segment.offset, segment.size});
  auto const within = [&](Index rank) {
    Index const begin = n * rank / ranks.size();
    return std::clamp<Index>(begin, segment.offset, segment.offset + segment.size);
  };
  Index const begin = within(ranks.rank()), end = within(ranks.rank() + 1);
  if (begin == end) return {};
  return {{begin, begin, end - begin}};
}

template <class Scalar, class Space>
class VectorFile {
 public:
  using Vectors = std::vector<NamedVector<Scalar const, Space>>;
  /// Adds what no vector holds: attributes, scalars.
  using Header = std::function<void(hid_t file)>;

  /// Waits for the instance.
  VectorFile(Context<Space> const& context, std::string const& path, ParameterLayout const& layout,
             Vectors const& vectors)
      : context_(context), path_(path), layout_(layout), vectors_(vectors) {
    for (auto const& v : vectors) {
      auto const* partition = v.values.partition();
      Index const size = partition ? partition->local_size() : layout.size();
      if (static_cast<Index>(v.values.size()) != size)
        throw ShapeError("checkpoint: vector '" + v.group + "' has " +
                         std::to_string(v.values.size()) + " elements, but its layout has " +
                         std::to_string(size));
    }
    find_pieces();
    context.fence("kyrtos::checkpoint");
  }

  std::vector<Piece<Scalar, Space>> const& pieces() const { return pieces_; }

  /// Of what this rank writes.
  Index size() const {
    return std::accumulate(pieces_.begin(), pieces_.end(), Index{0}, [](Index sum, auto const& p) {
      return sum + static_cast<Index>(p.values.size());
    });
  }

  /// Makes the file with its room on the disk and all of it but the values. Collective.
  /// \param checksums this rank's summands, of each dataset.
  /// \param header_bytes how much the header makes of it.
  void lay_out(Header const& header, std::size_t header_bytes,
               std::vector<std::uint64_t> checksums) {
    ranks().sum(checksums);
    places_.assign(checksums.size(), 0);
    parallel::on_root<FileError>(ranks(), [&] {
      replacement_ = std::make_unique<Replacement>(path_, most_bytes() + header_bytes);
      make(header, checksums);
    });
    ranks().broadcast(std::as_writable_bytes(std::span(places_)));
  }

  /// Where each dataset has its first byte.
  std::vector<std::uint64_t> const& places() const { return places_; }

  /// On rank 0 the file itself, which the caller has to commit; null on the others.
  std::unique_ptr<Replacement> release() { return std::move(replacement_); }

  Index datasets() const { return static_cast<Index>(vectors_.size() * layout_.segments().size()); }
  template <class Work>
  void for_each_dataset(Work const& work) const {
    std::size_t i = 0;
    for (auto const& vector : vectors_)
      for (auto const& segment : layout_.segments())
        work(i++, vector.group + "/" + segment.name, segment);
  }

 private:
  Communicator const& ranks() const { return context_.communicator(); }

  void find_pieces() {
    std::size_t dataset = 0;
    for (auto const& vector : vectors_)
      for (auto const& segment : layout_.segments()) {
        for (auto const& s :
             written_slices(segment, layout_.size(), vector.values.partition(), ranks()))
          pieces_.push_back(
              {dataset, s.offset - segment.offset, slice(vector.values.local(), s.local, s.size)});
        ++dataset;
      }
  }

  /// Values, what aligns them, and HDF5's own.
  std::uint64_t most_bytes() const {
    std::uint64_t sum = 65536;
    for_each_dataset([&](std::size_t, std::string const&, Segment const& segment) {
      auto const values = static_cast<std::uint64_t>(segment.size) * sizeof(Scalar);
      sum += values + 1024 + (values < hdf5::large ? 0 : hdf5::page);
    });
    return sum;
  }

  void make(Header const& header, std::vector<std::uint64_t> const& checksums) {
    MemoryFile memory;
    hdf5::make_file(memory, [&](hid_t file) {
      header(file);
      for_each_dataset([&](std::size_t i, std::string const& name, Segment const& segment) {
        auto const dataset =
            hdf5::create_dataset(file, name, hdf5::file_type<Scalar>(), segment.shape);
        hdf5::write_checksum(dataset, "checksum", checksums[i]);
        places_[i] = hdf5::place_of(dataset, name);
      });
    });
    replacement_->resize(memory.size());
    write_between_values(memory);
  }

  /// All bytes of the file that belong to no dataset of a vector.
  void write_between_values(MemoryFile const& memory) const {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> values;
    for_each_dataset([&](std::size_t i, std::string const&, Segment const& segment) {
      values.emplace_back(places_[i], static_cast<std::uint64_t>(segment.size) * sizeof(Scalar));
    });
    values.emplace_back(memory.size(), 0);
    std::sort(values.begin(), values.end());
    FileWriter const file(replacement_->partial());
    std::uint64_t begin = 0;
    for (auto const& [place, size] : values) {
      if (begin < place) file.write(begin, memory.read(begin, place));
      begin = place + size;
    }
  }

  Context<Space> const& context_;
  std::string path_;
  ParameterLayout const& layout_;
  Vectors const& vectors_;
  std::vector<Piece<Scalar, Space>> pieces_;
  std::vector<std::uint64_t> places_;
  std::unique_ptr<Replacement> replacement_;
};

/// That a rank sees what rank 0 made: on a disk that only some nodes have, MPI-IO would make a file
/// on each, or wait for ever. \throws FileError
inline void require_visible(std::string const& partial, int rank) {
  if (access(partial.c_str(), W_OK) != 0)
    throw FileError(partial + ": rank " + std::to_string(rank) +
                    " does not see this file, which rank 0 made; give a directory on a disk that "
                    "all nodes share");
}

/// A piece that lies in host memory.
template <class Scalar, class Space>
void write_piece(FileWriter const& file, std::vector<std::uint64_t> const& places,
                 Piece<Scalar, Space> const& piece, Scalar const* values) {
  auto const place =
      places[piece.dataset] + static_cast<std::uint64_t>(piece.begin) * sizeof(Scalar);
  file.write(place, std::as_bytes(std::span(values, piece.values.size())));
}

}  // namespace kyrtos::io
