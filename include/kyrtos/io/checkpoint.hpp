// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>
#include <kyrtos/core/distributed_view.hpp>
#include <kyrtos/core/parameter_layout.hpp>

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

/// \file
/// \brief HDF5 files of named tensors: checkpoints, and the vectors of `kyrtos hvp`.
///
/// A vector of the parameters' layout is a group with one dataset for each segment, of the
/// segment's name and shape. Its values are float32 or float64 and are converted to what they are
/// read into. docs/checkpoint.md describes the whole file for those who write one elsewhere.

namespace kyrtos::io {

/// A vector of the layout, and the group that holds it: `parameters`, `optimizer/m`, ….
template <class Scalar, class Space>
struct NamedVector {
  std::string group;
  DistributedView<Scalar, Space> values;

  /// The same to read.
  operator NamedVector<Scalar const, Space>() const requires(!std::is_const_v<Scalar>) {
    return {group, values};
  }
};

/// The text of a checkpoint: what is not a tensor.
struct CheckpointText {
  std::string config;  ///< TOML that parse_config() reads; at least its [model].
  std::string state;   ///< JSON: step, data position, schedules, …; empty in a foreign file.
};

/// Writes a checkpoint from all ranks: complete or absent. It is written as `<path>.partial`, whose
/// room on the disk is taken first, synced with its directory, and renamed. Each rank writes its
/// share of the vectors; the file does not depend on how many there are. Collective; waits for the
/// instance. \throws FileError, on every rank, that names the file, the fault and the fix.
template <class Scalar, class Space>
void write_checkpoint(Context<Space> const& context, std::string const& path,
                      CheckpointText const& text, ParameterLayout const& layout,
                      std::vector<NamedVector<Scalar const, Space>> const& vectors);

/// A number that is named in a file of vectors, such as `loss`.
struct NamedScalar {
  std::string name;
  double value = 0;
};

/// Writes a file of vectors, such as the products of `kyrtos hvp`, as write_checkpoint() does.
template <class Scalar, class Space>
void write_vectors(Context<Space> const& context, std::string const& path,
                   ParameterLayout const& layout,
                   std::vector<NamedVector<Scalar const, Space>> const& vectors,
                   std::vector<NamedScalar> const& scalars = {});

/// A checkpoint, or another file of named tensors, opened for reading. Rank 0 reads, verifies, and
/// hands on what it read, so that a file system has one reader however many ranks there are.
/// Collective, every function.
class CheckpointReader {
 public:
  /// Whether the file must say that it is a checkpoint, with a config.
  enum class Kind { checkpoint, vectors };

  /// \throws FileError when the file is absent, locked, no HDF5, of another format or of a newer
  /// version; DamagedFileError when it is cut off or its text does not have the checksum it should.
  explicit CheckpointReader(Communicator const& communicator, std::string const& path,
                            Kind kind = Kind::checkpoint);
  ~CheckpointReader();
  CheckpointReader(CheckpointReader&&) noexcept;

  CheckpointText const& text() const;
  std::string const& path() const;
  bool has(std::string const& group) const;

  /// That the group holds the layout's segments, all of them, no others, in their shapes: to ask
  /// before memory for them is, as the layout may come from the file too. \throws FileError
  void check(std::string const& group, ParameterLayout const& layout) const;

  /// The whole vector on every rank, or its slices where `values` is split. Checksums are verified
  /// where the file has them; those that Kyrtos wrote must. Waits for the instance. `values` is
  /// unspecified after a failure. \throws FileError naming file and segment when one is missing,
  /// has another shape, or when the group holds a segment that the layout does not know;
  /// DamagedFileError when values don't have their checksum.
  template <class Scalar, class Space>
  void read(Context<Space> const& context, std::string const& group, ParameterLayout const& layout,
            DistributedView<Scalar, Space> values) const;

 private:
  struct File;
  std::unique_ptr<File> file_;
};

/// Reads everything once to verify every checksum. \throws FileError as the reader does.
void verify_checkpoint(Communicator const& communicator, std::string const& path);

/// The checkpoints `step-<number>.h5` of a directory, the newest first.
std::vector<std::string> list_checkpoints(std::string const& directory);

/// `<directory>/step-<number, eight digits>.h5`
std::string checkpoint_path(std::string const& directory, Index step);

}  // namespace kyrtos::io
