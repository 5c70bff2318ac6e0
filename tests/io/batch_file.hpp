// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/io/batch_file.hpp>

#include "support/temporary_directory.hpp"

#include <hdf5.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

// Batches of tokens come in whatever integers another program has, and mistakes are named.

namespace kyrtos::testing {

using Catch::Matchers::ContainsSubstring;

/// A file with one dataset of any name, type and shape, made by rank 0.
template <class Value>
std::string write_dataset(TemporaryDirectory const& directory, char const* name, hid_t type,
                          std::vector<hsize_t> const& shape, std::vector<Value> const& values) {
  Communicator const ranks(MPI_COMM_WORLD);
  auto const path = directory / "batch.h5";
  if (ranks.is_root()) {
    hid_t const file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t const space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    hid_t const dataset =
        H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    H5Dclose(dataset);
    H5Sclose(space);
    H5Fclose(file);
  }
  ranks.barrier();
  return path;
}

TEST_CASE("inputs and targets are one token apart", "[batch_file]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  auto const check = [&]<class Value>(hid_t type, Value last) {
    auto const path =
        write_dataset<Value>(directory, "tokens", type, {2, 4}, {1, 2, 3, 4, 50, 60, 70, last});
    auto const batch = io::read_batch_file(ranks, path, 100);
    CHECK(batch.shape == SequenceShape{2, 3});
    CHECK(batch.inputs == std::vector<Token>{1, 2, 3, 50, 60, 70});
    CHECK(batch.targets == std::vector<Token>{2, 3, 4, 60, 70, static_cast<Token>(last)});
  };
  check(H5T_NATIVE_INT32, std::int32_t{-1});
  check(H5T_NATIVE_INT64, std::int64_t{99});
  check(H5T_NATIVE_UINT8, std::uint8_t{0});
  check(H5T_NATIVE_UINT64, std::uint64_t{80});
}

TEST_CASE("any negative target is ignored, however far below", "[batch_file]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  auto const path = write_dataset<std::int64_t>(directory, "tokens", H5T_NATIVE_INT64, {1, 2},
                                                {0, -(std::int64_t{1} << 40)});
  CHECK(io::read_batch_file(ranks, path, 1).targets.front() < 0);
}

TEST_CASE("targets of a file's own come back as they were written", "[batch_file]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  auto const path = directory / "own.h5";
  io::TokenBatch const batch{{2, 3}, {1, 2, 3, 4, 5, 6}, {-1, 3, 7, 5, -1, -1}};
  if (ranks.is_root()) io::write_batch_file(path, batch);
  ranks.barrier();
  auto const read = io::read_batch_file(ranks, path, 8);
  CHECK(read.inputs == batch.inputs);
  CHECK(read.targets == batch.targets);
  CHECK_THAT(failure<FileError>([&] { io::read_batch_file(ranks, path, 7); }),
             ContainsSubstring("must be in [0, 7)"));
}

TEST_CASE("batch files that are not what they should be", "[batch_file]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  auto const refusal = [&](std::string const& path) {
    auto const words = failure<FileError>([&] { io::read_batch_file(ranks, path, 100); });
    CHECK(ranks.broadcast(words) == words);
    return words;
  };
  auto const of_tokens = [&](std::vector<std::int64_t> const& tokens) {
    return refusal(
        write_dataset(directory, "tokens", H5T_NATIVE_INT64, {1, tokens.size()}, tokens));
  };
  CHECK_THAT(of_tokens({1, 100, 2}), ContainsSubstring("batch.h5: tokens[0, 1] = 100 must be in "
                                                       "[0, 100)"));
  CHECK_THAT(of_tokens({1, -5, 2}), ContainsSubstring("tokens[0, 1] = -5 must be in [0, 100)"));
  CHECK_THAT(of_tokens({1, 2, 1000}), ContainsSubstring("or negative to be ignored"));
  CHECK_THAT(of_tokens({1, std::int64_t{1} << 32, 3}), ContainsSubstring("4294967296"));
  CHECK_THAT(of_tokens({1}), ContainsSubstring("[batch, length + 1]; it is [1, 1]"));
  auto const of = [&](char const* name, hid_t type, std::vector<hsize_t> const& shape) {
    return refusal(write_dataset(directory, name, type, shape, std::vector<std::int64_t>(8, 1)));
  };
  CHECK_THAT(of("tokens", H5T_NATIVE_INT64, {8}), ContainsSubstring("it is [8]"));
  CHECK_THAT(of("tokens", H5T_NATIVE_DOUBLE, {2, 4}), ContainsSubstring("no integers"));
  CHECK_THAT(of("token", H5T_NATIVE_INT64, {2, 4}), ContainsSubstring("needs a dataset 'tokens'"));
  CHECK_THAT(refusal(directory / "absent.h5"), ContainsSubstring("absent.h5: can't be opened"));
}

}  // namespace kyrtos::testing
