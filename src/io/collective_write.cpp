// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "collective_write.hpp"

#include <kyrtos/core/parameter_layout.hpp>
#include <kyrtos/parallel/agreement.hpp>

#include <algorithm>

namespace kyrtos::io {

namespace {

using hdf5::Handle;

/// Elements [begin, end) of a dataset.
struct Range {
  Index begin = 0, end = 0;
};

/// The box with the most of a range, counted in row-major order, that starts with the first of it:
/// whole slices along the outermost dimension where one fits.
struct Box {
  std::vector<hsize_t> start, count;
  Index size = 1;
};

Box first_box(std::vector<Index> const& shape, Range range) {
  Box box{std::vector<hsize_t>(shape.size()), std::vector<hsize_t>(shape.size(), 1)};
  Index slice = count_elements(shape), index = range.begin;
  bool fits = false;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    slice /= shape[d];
    Index const start = index / slice;
    index %= slice;
    box.start[d] = static_cast<hsize_t>(start);
    Index count = fits ? shape[d] : 1;
    if (!fits && index == 0 && range.begin + slice <= range.end) {
      fits = true;
      count = std::min(shape[d] - start, (range.end - range.begin) / slice);
    }
    box.count[d] = static_cast<hsize_t>(count);
    box.size *= count;
  }
  return box;
}

/// Selects a range of a space. In a matrix it is the rest of a row, whole rows, and the start of a
/// row.
void select(hid_t space, std::vector<Index> const& shape, Range range) {
  if (range.begin == 0 && range.end == count_elements(shape)) return;  // all are
  H5Sselect_none(space);
  while (range.begin < range.end) {
    Box const box = first_box(shape, range);
    H5Sselect_hyperslab(space, H5S_SELECT_OR, box.start.data(), nullptr, box.count.data(), nullptr);
    range.begin += box.size;
  }
}

/// Elements: HDF5 (1.10) refuses to send 2 GiB or more through MPI-IO at once.
constexpr Index longest_transfer = Index{1} << 26;

Handle collective_transfer() {
  Handle list(H5Pcreate(H5P_DATASET_XFER), H5Pclose);
  H5Pset_dxpl_mpio(list, H5FD_MPIO_COLLECTIVE);
  return list;
}

}  // namespace

CollectiveWriter::CollectiveWriter(Communicator const& ranks, std::string const& path)
    : ranks_(ranks), path_(path) {
  in_agreement<FileError>(ranks_, [&] { file_ = hdf5::open_for_writing(path, ranks_); });
}

template <class Scalar>
void CollectiveWriter::write(std::string const& dataset, std::vector<Index> const& shape,
                             Index begin, std::span<Scalar const> values) {
  Handle object;
  in_agreement<FileError>(ranks_, [&] { object = hdf5::open_object(file_, dataset); });
  auto const transfer = collective_transfer();
  Index const all = count_elements(shape), end = begin + static_cast<Index>(values.size());
  for (Index window = 0; window < all; window += longest_transfer) {
    Range const part{std::clamp(begin, window, std::min(window + longest_transfer, all)),
                     std::clamp(end, window, std::min(window + longest_transfer, all))};
    Index const size = part.end - part.begin;
    Handle const memory = hdf5::make_space({size}), target(H5Dget_space(object), H5Sclose);
    select(target, shape, part);
    Scalar const none = 0;
    auto const* const from = size > 0 ? values.data() + (part.begin - begin) : &none;
    if (H5Dwrite(object, hdf5::native_type<Scalar>(), memory, target, transfer, from) < 0)
      remember_failure("can't write '" + dataset + "'");
  }
}

void CollectiveWriter::remember_failure(std::string const& what) {
  if (failure_.empty()) failure_ = hdf5::failure(path_, what);
}

void CollectiveWriter::close() {
  if (file_.close() < 0) remember_failure("can't be closed");
  in_agreement<FileError>(ranks_, [&] {
    if (!failure_.empty()) throw FileError(failure_);
  });
}

template void CollectiveWriter::write(std::string const&, std::vector<Index> const&, Index,
                                      std::span<float const>);
template void CollectiveWriter::write(std::string const&, std::vector<Index> const&, Index,
                                      std::span<double const>);

}  // namespace kyrtos::io
