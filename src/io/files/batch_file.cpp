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

/// The dataset `tokens`, once it is known to be a matrix of integers.
Handle open_tokens(std::string const& path, Handle const& file) {
  auto const require = [&](bool condition, std::string const& found) {
    if (!condition)
      throw FileError(path + ": needs a dataset 'tokens' of integers, [batch, length + 1]" + found);
  };
  auto const format = hdf5::read_text(file, "format");
  require(hdf5::exists(file, "tokens"), format ? "; its format is '" + *format + "'" : "");
  auto tokens = hdf5::open_object(file, "tokens");
  require(H5Iget_type(tokens) == H5I_DATASET, "; it has a group of that name");
  Handle const type(H5Dget_type(tokens), H5Tclose);
  require(H5Tget_class(type) == H5T_INTEGER, "; its tokens are no integers");
  auto const shape = hdf5::shape_of(tokens);
  require(shape.size() == 2 && shape[0] >= 1 && shape[1] >= 2,
          fmt::format("; it is [{}]", fmt::join(shape, ", ")));
  return tokens;
}

TokenBatch read(std::string const& path, Index vocabulary) {
  auto const file = hdf5::open_file(path, "a batch (HDF5 with a dataset 'tokens')");
  auto const dataset = open_tokens(path, file);
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
  hdf5::replace_file(path, tokens.size() * sizeof(std::int64_t) + 65536, [&](hid_t file) {
    auto const dataset = hdf5::create_dataset(file, "tokens", H5T_STD_I64LE, {rows, length + 1});
    hdf5::write_values(dataset, "tokens", hdf5::native_type<std::int64_t>(), tokens.data());
  });
}

}  // namespace kyrtos::io
