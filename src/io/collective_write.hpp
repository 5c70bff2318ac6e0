// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/parallel/communicator.hpp>

#include "hdf5.hpp"

#include <span>
#include <string>
#include <vector>

namespace kyrtos::io {

/// Writes datasets of a file that is all there but for the values, from all ranks at a time: HDF5
/// and MPI-IO may then gather what ranks have. Every function is collective.
///
/// A rank whose write fails keeps on calling, so that no other waits for it in vain; all hear of it
/// in the end. HDF5 (1.10) and MPI libraries differ in whether they return from a collective write
/// that failed on one rank, and Open MPI (4.1) takes a short one for a success: the file must have
/// its room on the disk before.
class CollectiveWriter {
 public:
  /// \throws FileError on all ranks.
  CollectiveWriter(Communicator const& ranks, std::string const& path);

  /// Elements [begin, begin + values.size()) of a dataset, counted in row-major order; perhaps
  /// none.
  template <class Scalar>
  void write(std::string const& dataset, std::vector<Index> const& shape, Index begin,
             std::span<Scalar const> values);

  /// \throws FileError on all ranks, if anything failed on any.
  void close();

 private:
  void remember_failure(std::string const& what);

  Communicator ranks_;
  std::string path_, failure_;  // the first on this rank
  hdf5::Handle file_;
};

}  // namespace kyrtos::io
