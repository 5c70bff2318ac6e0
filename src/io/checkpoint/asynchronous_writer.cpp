// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/io/asynchronous_writer.hpp>

#include "format.hpp"
#include "vector_file.hpp"

namespace kyrtos::io {

namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// What a thread writes of a file that is laid out.
template <class Scalar, class Host>
struct Values {
  std::string partial;
  int rank;
  std::vector<std::uint64_t> places;
  std::vector<Piece<Scalar, Host>> pieces;

  void write() const {
    require_visible(partial, rank);
    FileWriter const file(partial);
    for (auto const& piece : pieces) write_piece(file, places, piece, piece.values.data());
    file.synchronize();
  }
};

}  // namespace

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
  Values<Scalar, Host> values{{}, ranks_.rank(), {}, {}};
  std::vector<std::uint64_t> checksums(static_cast<std::size_t>(file.datasets()), 0);
  Index at = 0;
  for (auto const& piece : file.pieces()) {
    VectorView<Scalar, Host> const copy(copy_.data() + at, piece.values.size());
    checksums[piece.dataset] +=
        checksum::sum_and_copy<Scalar, Space>(context, piece.values, piece.begin, copy);
    values.pieces.push_back({piece.dataset, piece.begin, copy});
    at += static_cast<Index>(piece.values.size());
  }
  file.lay_out([&](hid_t h5) { write_header(h5, text); }, bytes_of(text), std::move(checksums));
  values.places = file.places();
  replacement_ = file.release();
  values.partial = ranks_.broadcast(replacement_ ? replacement_->partial() : "");
  seconds_ = since(begin);
  parallel::in_agreement<FileError>(ranks_, [&] {
    written_ = std::async(std::launch::async, [values = std::move(values)] {
      auto const start = Clock::now();
      values.write();
      return since(start);
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
  seconds_ += since(begin);
}

KYRTOS_INSTANTIATE(kyrtos::io::AsynchronousWriter)

}  // namespace kyrtos::io
