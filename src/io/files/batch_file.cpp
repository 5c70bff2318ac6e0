// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/io/batch_file.hpp>
#include <kyrtos/parallel/agreement.hpp>

#include "../hdf5/hdf5.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <span>

namespace kyrtos::io {

namespace {

using hdf5::Handle;

/// The dataset `name`, once it is known to be a matrix of integers; `wanted` says of which shape.
Handle open_integers(std::string const& path, Handle const& file, std::string const& name,
                     std::string const& wanted) {
  auto const require = [&](bool condition, std::string const& found) {
    if (!condition)
      throw FileError(
          fmt::format("{}: needs a dataset '{}' of integers, {}{}", path, name, wanted, found));
  };
  auto const format = hdf5::read_text(file, "format");
  require(hdf5::exists(file, name), format ? "; its format is '" + *format + "'" : "");
  auto dataset = hdf5::open_object(file, name);
  require(H5Iget_type(dataset) == H5I_DATASET, "; it has a group of that name");
  Handle const type(H5Dget_type(dataset), H5Tclose);
  require(H5Tget_class(type) == H5T_INTEGER, "; its " + name + " are no integers");
  auto const shape = hdf5::shape_of(dataset);
  require(shape.size() == 2 && shape[0] >= 1 && shape[1] >= (name == "tokens" ? 2 : 1),
          fmt::format("; it is [{}]", fmt::join(shape, ", ")));
  return dataset;
}

/// The targets that a file gives itself, for losses that not all of them count towards.
std::vector<Token> read_targets(std::string const& path, Handle const& file, SequenceShape shape,
                                Index vocabulary) {
  auto const wanted = fmt::format("[{}, {}]", shape.batch, shape.length);
  auto const dataset = open_integers(path, file, "targets", wanted);
  auto const extents = hdf5::shape_of(dataset);
  if (extents[0] != shape.batch || extents[1] != shape.length)
    throw FileError(fmt::format("{}: needs a dataset 'targets' of integers, {}; it is [{}]", path,
                                wanted, fmt::join(extents, ", ")));
  std::vector<Token> targets;
  for (auto const target : hdf5::read_values<std::int64_t>(dataset, "targets")) {
    if (target >= vocabulary)
      throw FileError(
          fmt::format("{}: target {} must be in [0, {}), the vocabulary, or negative to "
                      "be ignored",
                      path, target, vocabulary));
    targets.push_back(static_cast<Token>(std::max<std::int64_t>(target, -1)));
  }
  return targets;
}

TokenBatch read(std::string const& path, Index vocabulary) {
  auto const file = hdf5::open_file(path, "a batch (HDF5 with a dataset 'tokens')");
  auto const dataset = open_integers(path, file, "tokens", "[batch, length + 1]");
  auto const extents = hdf5::shape_of(dataset);
  auto const tokens = hdf5::read_values<std::int64_t>(dataset, "tokens");
  TokenBatch batch{{extents[0], extents[1] - 1}, {}, {}};
  for (Index row = 0, i = 0; row < batch.shape.batch; ++row)
    for (Index column = 0; column <= batch.shape.length; ++column, ++i) {
      auto const token = tokens[static_cast<std::size_t>(i)];
      bool const is_input = column<batch.shape.length, is_target = column> 0;
      if (token >= vocabulary || (token < 0 && is_input))
        throw FileError(fmt::format("{}: tokens[{}, {}] = {} must be in [0, {}), the vocabulary{}",
                                    path, row, column, token, vocabulary,
                                    is_input ? "" : ", or negative to be ignored"));
      auto const value = static_cast<Token>(std::max<std::int64_t>(token, -1));
      if (is_input) batch.inputs.push_back(value);
      if (is_target) batch.targets.push_back(value);
    }
  if (hdf5::exists(file, "targets"))
    batch.targets = read_targets(path, file, batch.shape, vocabulary);
  return batch;
}

void broadcast(Communicator const& ranks, std::vector<Token>& tokens, Index size) {
  tokens.resize(static_cast<std::size_t>(size));
  ranks.broadcast(std::as_writable_bytes(std::span(tokens)));
}

}  // namespace

TokenBatch read_batch_file(Communicator const& communicator, std::string const& path,
                           Index vocabulary) {
  hdf5::QuietErrors const quiet;
  TokenBatch batch;
  parallel::on_root<FileError>(communicator, [&] { batch = read(path, vocabulary); });
  communicator.broadcast(std::as_writable_bytes(std::span(&batch.shape, 1)));
  broadcast(communicator, batch.inputs, batch.shape.tokens());
  broadcast(communicator, batch.targets, batch.shape.tokens());
  return batch;
}

void write_batch_file(std::string const& path, TokenBatch const& batch) {
  hdf5::QuietErrors const quiet;
  auto const [rows, length] = batch.shape;
  std::vector<std::int64_t> tokens;
  for (Index row = 0; row < rows; ++row) {
    auto const first = batch.inputs.begin() + row * length;
    tokens.insert(tokens.end(), first, first + length);
    tokens.push_back(batch.targets[static_cast<std::size_t>((row + 1) * length - 1)]);
  }
  std::vector<std::int64_t> const targets(batch.targets.begin(), batch.targets.end());
  auto const bytes = (tokens.size() + targets.size()) * sizeof(std::int64_t) + 65536;
  hdf5::replace_file(path, bytes, [&](hid_t file) {
    auto const write = [&](char const* name, std::vector<std::int64_t> const& values,
                           Index columns) {
      auto const dataset = hdf5::create_dataset(file, name, H5T_STD_I64LE, {rows, columns});
      hdf5::write_values(dataset, name, hdf5::native_type<std::int64_t>(), values.data());
    };
    write("tokens", tokens, length + 1);
    write("targets", targets, length);
  });
}

}  // namespace kyrtos::io
