// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/io/asynchronous_writer.hpp>
#include <kyrtos/parallel/agreement.hpp>

#include "../files/replacement.hpp"
#include "../hdf5/memory_file.hpp"
#include "core/seconds_since.hpp"
#include "format.hpp"

#include <algorithm>
#include <functional>
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

namespace {

// ---- What a rank writes ------------------------------------------------------------------------

/// What one rank writes of one dataset, of the segments of all vectors one after the other.
template <class Scalar, class Space>
struct Piece {
  std::size_t dataset = 0;
  Index begin = 0;  ///< Its first element in the dataset.
  VectorView<Scalar const, Space> values;
};

/// Of a split vector, a rank writes the slices that it holds. Otherwise rank r of R writes elements
/// [n r/R, n (r + 1)/R) of the flat vector of n; of a segment, that part of it.
std::vector<Partition::Slice> written_slices(Segment const& segment, Index n,
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

/// Writes a rank's pieces into a file that is laid out.
/// \param places of the datasets' first bytes. \param on_host brings a piece's values to the host.
/// \throws FileError where a rank doesn't see the file: on a disk that only some nodes have.
template <class Pieces, class OnHost>
void write_values(std::string const& partial, int rank, std::vector<std::uint64_t> const& places,
                  Pieces const& pieces, OnHost const& on_host) {
  if (access(partial.c_str(), W_OK) != 0)
    throw FileError(partial + ": rank " + std::to_string(rank) +
                    " does not see this file, which rank 0 made; give a directory on a disk that "
                    "all nodes share");
  FileWriter const file(partial);
  for (auto const& piece : pieces) {
    auto const values = on_host(piece.values);
    using Value = typename decltype(values)::value_type;
    file.write(places[piece.dataset] + static_cast<std::uint64_t>(piece.begin) * sizeof(Value),
               std::as_bytes(std::span(values.data(), values.size())));
  }
  file.synchronize();
}

// ---- The file ----------------------------------------------------------------------------------

template <class Scalar, class Space>
class VectorFile {
 public:
  using Vectors = std::vector<NamedVector<Scalar const, Space>>;
  /// Adds what no vector holds: attributes, scalars.
  using Header = std::function<void(hid_t file)>;

  /// Waits for the instance.
  VectorFile(Context<Space> const& context, std::string const& path, ParameterLayout const& layout,
             Vectors const& vectors)
      : ranks_(context.communicator()), path_(path), layout_(layout), vectors_(vectors) {
    std::size_t dataset = 0;
    for (auto const& [group, values] : vectors) {
      auto const* partition = values.partition();
      Index const size = partition ? partition->local_size() : layout.size();
      if (static_cast<Index>(values.size()) != size)
        throw ShapeError("checkpoint: vector '" + group + "' has " + std::to_string(values.size()) +
                         " elements, but its layout has " + std::to_string(size));
      for (auto const& segment : layout.segments()) {
        for (auto const& s : written_slices(segment, layout.size(), partition, ranks_))
          pieces_.push_back(
              {dataset, s.offset - segment.offset, slice(values.local(), s.local, s.size)});
        ++dataset;
      }
    }
    places_.assign(dataset, 0);
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
  /// \param header_bytes how much the header makes of it.
  /// \param sum_of says a piece's part of its dataset's checksum; called once for each.
  template <class Sum>
  void lay_out(Header const& header, std::size_t header_bytes, Sum const& sum_of) {
    std::vector<std::uint64_t> checksums(places_.size(), 0);
    for (auto const& piece : pieces_) checksums[piece.dataset] += sum_of(piece);
    ranks_.sum(checksums);
    parallel::on_root<FileError>(ranks_, [&] {
      replacement_ = std::make_unique<Replacement>(path_, most_bytes() + header_bytes);
      make(header, checksums);
    });
    ranks_.broadcast(std::as_writable_bytes(std::span(places_)));
    partial_ = ranks_.broadcast(replacement_ ? replacement_->partial() : "");
  }

  /// After lay_out(): the file as long as it is not complete, and where each dataset has its first
  /// byte.
  std::string const& partial() const { return partial_; }
  std::vector<std::uint64_t> const& places() const { return places_; }

  /// On rank 0 the file itself, which the caller has to commit; null on the others.
  std::unique_ptr<Replacement> release() { return std::move(replacement_); }

 private:
  template <class Work>
  void for_each_dataset(Work const& work) const {
    std::size_t i = 0;
    for (auto const& vector : vectors_)
      for (auto const& segment : layout_.segments())
        work(i++, vector.group + "/" + segment.name, segment);
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
    hdf5::MemoryFile const memory([&](hid_t file) {
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
  void write_between_values(hdf5::MemoryFile const& memory) const {
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

  Communicator const& ranks_;
  std::string path_, partial_;
  ParameterLayout const& layout_;
  Vectors const& vectors_;
  std::vector<Piece<Scalar, Space>> pieces_;
  std::vector<std::uint64_t> places_;
  std::unique_ptr<Replacement> replacement_;
};

// ---- Written at once ---------------------------------------------------------------------------

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
void write_file(Context<Space> const& context, std::string const& path,
                ParameterLayout const& layout,
                std::vector<NamedVector<Scalar const, Space>> const& vectors,
                std::size_t header_bytes, std::function<void(hid_t)> const& header) {
  hdf5::QuietErrors const quiet;
  auto const& ranks = context.communicator();
  VectorFile<Scalar, Space> file(context, path, layout, vectors);
  file.lay_out(header, header_bytes, [&](auto const& piece) {
    return checksum::sum(context, piece.values, piece.begin);
  });
  auto const replacement = file.release();
  parallel::in_agreement<FileError>(ranks, [&] {
    write_values(file.partial(), ranks.rank(), file.places(), file.pieces(),
                 [&](auto const& values) { return on_host<Scalar, Space>(context, values); });
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

// ---- Written behind the program ----------------------------------------------------------------

template <class Scalar, class Space>
AsynchronousWriter<Scalar, Space>::AsynchronousWriter(Communicator const& ranks) : ranks_(ranks) {}

template <class Scalar, class Space>
AsynchronousWriter<Scalar, Space>::~AsynchronousWriter() {
  if (written_.valid()) written_.wait();
}

template <class Scalar, class Space>
void AsynchronousWriter<Scalar, Space>::start(
    Context<Space> const& context, std::string const& path, CheckpointText const& text,
    ParameterLayout const& layout, std::vector<NamedVector<Scalar const, Space>> const& vectors) {
  finish();
  hdf5::QuietErrors const quiet;
  auto const begin = Clock::now();
  VectorFile<Scalar, Space> file(context, path, layout, vectors);
  if (static_cast<Index>(copy_.size()) != file.size()) {
    copy_ = {};
    copy_ = Vector<Scalar, Host>(
        Kokkos::view_alloc(Kokkos::WithoutInitializing, "kyrtos::checkpoint copy"),
        static_cast<std::size_t>(file.size()));
  }
  std::vector<Piece<Scalar, Host>> copies;
  Index at = 0;
  auto const sum_and_copy = [&](Piece<Scalar, Space> const& piece) {
    VectorView<Scalar, Host> const copy(copy_.data() + at, piece.values.size());
    copies.push_back({piece.dataset, piece.begin, copy});
    at += static_cast<Index>(piece.values.size());
    return checksum::sum_and_copy<Scalar, Space>(context, piece.values, piece.begin, copy);
  };
  file.lay_out([&](hid_t h5) { write_header(h5, text); }, bytes_of(text), sum_and_copy);
  replacement_ = file.release();
  seconds_ = seconds_since(begin);
  parallel::in_agreement<FileError>(ranks_, [&] {
    written_ = std::async(std::launch::async, [copies = std::move(copies), rank = ranks_.rank(),
                                               partial = file.partial(), places = file.places()] {
      auto const start = Clock::now();
      write_values(partial, rank, places, copies, std::identity());
      return seconds_since(start);
    });
  });
  is_busy_ = true;
}

template <class Scalar, class Space>
bool AsynchronousWriter<Scalar, Space>::is_done() const {
  using namespace std::chrono_literals;
  return !is_busy_ || !ranks_.any(written_.wait_for(0s) != std::future_status::ready);
}

template <class Scalar, class Space>
void AsynchronousWriter<Scalar, Space>::finish() {
  if (!std::exchange(is_busy_, false)) return;
  auto const replacement = std::move(replacement_);  // goes away, whatever happens
  parallel::in_agreement<FileError>(ranks_, [&] { seconds_ += written_.get(); });
  auto const begin = Clock::now();
  parallel::on_root<FileError>(ranks_, [&] { replacement->commit(); });
  seconds_ += seconds_since(begin);
}

KYRTOS_INSTANTIATE(kyrtos::io::AsynchronousWriter)

}  // namespace kyrtos::io
