// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/io/checkpoint.hpp>

#include "io/checkpoint_files.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <chrono>
#include <ctime>
#include <thread>
#include <type_traits>

// What a checkpoint holds comes back bit by bit, whoever wrote it and whoever reads it, and a file
// that does not fit the model says where.

namespace kyrtos::testing {

using Catch::Matchers::ContainsSubstring;
using io::CheckpointReader;
using Scalar = KYRTOS_TEST_SCALAR;
using OtherScalar = std::conditional_t<std::is_same_v<Scalar, float>, double, float>;

/// The ranks below `count`, as a communicator of their own; work() runs on them.
template <class Work>
void on_first_ranks(Communicator const& ranks, int count, Work const& work) {
  bool const takes_part = ranks.rank() < count;
  MPI_Comm part = MPI_COMM_NULL;
  MPI_Comm_split(ranks.get(), takes_part ? 0 : MPI_UNDEFINED, ranks.rank(), &part);
  if (takes_part) {
    work(Communicator(part));
    MPI_Comm_free(&part);
  }
  ranks.barrier();
}

/// The words with which reading the parameters fails, the same on every rank.
template <class Read = Scalar>
std::string refusal(Communicator const& ranks, std::string const& path,
                    ParameterLayout const& layout = small_layout()) {
  auto const words = failure<FileError>(
      [&] { read_group<Read>(ranks, CheckpointReader(ranks, path), "parameters", layout); });
  CHECK(ranks.broadcast(words) == words);
  return words;
}

TEST_CASE("a checkpoint comes back bit by bit", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  SmallCheckpoint<Scalar> written;
  auto const path = directory / "step-00000007.h5";
  written.write(ranks, path);
  CHECK(reads_back(ranks, path, written));
  io::verify_checkpoint(ranks, path);
  CheckpointReader const reader(ranks, path);
  CHECK(reader.path() == path);
  CHECK(reader.has("optimizer/m"));
  CHECK_FALSE(reader.has("optimizer/v"));
  CHECK_FALSE(reader.has("curvature/u"));
  CHECK_FALSE(reader.has("parameters/head.bias"));  // is there, but no group

  written.text.state.clear();
  written.moment = written.parameters;
  written.write(ranks, path);  // over the old one
  CHECK(reads_back(ranks, path, written));
}

TEST_CASE("the same contents are the same file, at any time", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  SmallCheckpoint<Scalar>().write(ranks, directory / "before.h5");
  auto const second = std::time(nullptr);  // which HDF5 counts in
  while (std::time(nullptr) == second) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ranks.barrier();
  SmallCheckpoint<Scalar>().write(ranks, directory / "after.h5");
  CHECK(directory.read("before.h5") == directory.read("after.h5"));
}

TEST_CASE("a long text needs no other kind of file", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  SmallCheckpoint<Scalar> written;
  written.text.state.assign(300'000, 'x');  // HDF5 keeps up to 64 kB with the object itself
  written.write(ranks, directory / "long.h5");
  CHECK(reads_back(ranks, directory / "long.h5", written));
}

TEST_CASE("any number of ranks writes what any other number reads", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  SmallCheckpoint<Scalar> const written;
  for (int writers = 1; writers <= ranks.size(); ++writers) {
    auto const path = directory / ("by" + std::to_string(writers) + ".h5");
    on_first_ranks(ranks, writers, [&](Communicator const& c) { written.write(c, path); });
    CHECK(directory.read("by" + std::to_string(writers) + ".h5") == directory.read("by1.h5"));
    for (int readers = 1; readers <= ranks.size(); ++readers)
      on_first_ranks(ranks, readers,
                     [&](Communicator const& c) { CHECK(reads_back(c, path, written)); });
  }
}

#ifndef KYRTOS_DISTINCT_MEMORY  // which is in float alone
TEST_CASE("values are converted to what they are read into", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  SmallCheckpoint<Scalar> written;
  for (std::size_t i = 0; i < written.parameters.size(); ++i)
    written.parameters[i] = static_cast<Scalar>(Philox{3, 1}.normal(i));
  written.write(ranks, directory / "it.h5");
  std::vector<OtherScalar> expected(written.parameters.begin(), written.parameters.end());
  CHECK(same_bits(read_group<OtherScalar>(ranks, CheckpointReader(ranks, directory / "it.h5"),
                                          "parameters", written.layout),
                  expected));
}
#endif

TEST_CASE("a file of vectors is no checkpoint", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  auto const layout = small_layout();
  auto const values = any_bits<Scalar>(layout, 4);
  auto const path = directory / "O.h5";
  io::write_vectors<Scalar>(Context<Space>(ranks.get()), path, layout,
                            {{"hvp", on_device<Scalar>(values)}}, {{"loss", 2.5}});
  {
    CheckpointReader const reader(ranks, path, CheckpointReader::Kind::vectors);
    CHECK(same_bits(read_group<Scalar>(ranks, reader, "hvp", layout), values));
  }
  double loss = 0;
  edit(ranks, path, [&](hid_t file) {
    hid_t const dataset = H5Dopen2(file, "loss", H5P_DEFAULT);
    H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, &loss);
    H5Dclose(dataset);
  });
  if (ranks.is_root()) CHECK(loss == 2.5);
  CHECK_THAT(refusal(ranks, path),
             ContainsSubstring("O.h5: is a file of format 'kyrtos vectors'; give a 'kyrtos chec"));
}

TEST_CASE("a file that does not fit the model says where", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  auto const path = directory / "it.h5";
  SmallCheckpoint<Scalar>().write(ranks, path);
  auto const with = [](std::vector<SegmentSpec> const& head) {
    ParameterLayout layout;
    layout.append("embedding", {{"token.weight", {7, 5}}, {"position.weight", {2, 31}}});
    for (auto const* block : {"blocks.0", "blocks.1"})
      layout.append(block, {{"norm1.weight", {5}}, {"mixer.kernel", {3, 2, 5}}, {"gain", {}}});
    layout.append("head", head);
    return layout;
  };
  CHECK(refusal(ranks, path, with({{"weight", {11, 3}}, {"bias", {1}}})).empty());
  CHECK_THAT(refusal(ranks, path, with({{"weight", {11, 3}}, {"biased", {1}}, {"z", {4}}})),
             ContainsSubstring("it.h5: 'parameters' lacks 'head.biased', 2 of 11 segments of the "
                               "model in all; did you mean 'head.bias'?"));
  CHECK_THAT(refusal(ranks, path, with({{"weight", {11, 3}}})),
             ContainsSubstring("it.h5: 'parameters' holds 'head.bias', which the model does not"));
  CHECK_THAT(refusal(ranks, path, with({{"weight", {3, 11}}, {"bias", {1}}})),
             ContainsSubstring("it.h5: 'parameters/head.weight' has the shape [11, 3], but the "
                               "model needs [3, 11]"));
  CHECK_THAT(refusal(ranks, path, with({{"weight", {33}}, {"bias", {1}}})),
             ContainsSubstring("[11, 3], but the model needs [33]"));
  CheckpointReader const reader(ranks, path);
  CHECK_THAT(
      failure<FileError>([&] { read_group<Scalar>(ranks, reader, "optimizer/v", small_layout()); }),
      ContainsSubstring("it.h5: has no group 'optimizer/v'; it has: optimizer, parameters"));
}

/// Takes away what shows that Kyrtos wrote the file.
void make_foreign(hid_t file) {
  H5Adelete(file, "writer");
  H5Adelete(file, "state");
  H5Adelete(file, "text_checksum");
  auto const layout = small_layout();
  for (auto const& segment : layout.segments()) remove_checksum(file, "parameters/" + segment.name);
}

TEST_CASE("other programs may write checkpoints, without checksums", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  auto const path = directory / "foreign.h5";
  SmallCheckpoint<Scalar> const written;
  written.write(ranks, path);
  edit(ranks, path, [](hid_t file) {
    make_foreign(file);
    set_text(file, "format", "kyrtos checkpoint");
    set_text(file, "config", "model.width = 6");
    short const version = 1;
    set_attribute(file, "version", H5T_NATIVE_SHORT, &version);
  });
  {
    CheckpointReader const reader(ranks, path);
    CHECK(reader.text().config == "model.width = 6");
    CHECK(reader.text().state.empty());
    CHECK(same_bits(read_group<Scalar>(ranks, reader, "parameters", written.layout),
                    written.parameters));
  }
  // Those that are there must be right.
  edit(ranks, path, [](hid_t file) { set_checksum(file, "parameters/head.bias", 1); });
  CHECK_THAT(refusal(ranks, path),
             ContainsSubstring("the values of 'parameters/head.bias' do not have their checksum"));
}

TEST_CASE("files of Kyrtos without a checksum are damaged", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  SmallCheckpoint<Scalar>().write(ranks, directory / "a.h5");
  SmallCheckpoint<Scalar>().write(ranks, directory / "b.h5");
  edit(ranks, directory / "a.h5",
       [](hid_t file) { remove_checksum(file, "parameters/blocks.0.gain"); });
  edit(ranks, directory / "b.h5", [](hid_t file) { H5Adelete(file, "text_checksum"); });
  CHECK_THAT(refusal(ranks, directory / "a.h5"),
             ContainsSubstring("a.h5: is damaged: 'parameters/blocks.0.gain' has no checksum"));
  CHECK_THAT(refusal(ranks, directory / "b.h5"), ContainsSubstring("b.h5: is damaged: its text"));
}

TEST_CASE("formats that are not known are named", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  auto const path = directory / "it.h5";
  auto const after = [&](auto const& change) {
    SmallCheckpoint<Scalar>().write(ranks, path);
    edit(ranks, path, change);
    return refusal(ranks, path);
  };
  CHECK_THAT(after([](hid_t file) {
               int const version = 2;
               set_attribute(file, "version", H5T_NATIVE_INT, &version);
               set_text(file, "writer", "kyrtos 9.8.7");
             }),
             ContainsSubstring("has version 2 of the format, written by 'kyrtos 9.8.7'; Kyrtos ") &&
                 ContainsSubstring("is too old"));
  CHECK_THAT(after([](hid_t file) { H5Adelete(file, "version"); }), ContainsSubstring("'version'"));
  CHECK_THAT(after([](hid_t file) { set_text(file, "version", "1"); }),
             ContainsSubstring("'version' must be one integer"));
  CHECK_THAT(after([](hid_t file) { H5Adelete(file, "format"); }), ContainsSubstring("'format'"));
  CHECK_THAT(after([](hid_t file) { set_text(file, "format", "other"); }),
             ContainsSubstring("format 'other'"));
  CHECK_THAT(after([](hid_t file) { H5Adelete(file, "config"); }), ContainsSubstring("'config'"));
  CHECK_THAT(after([](hid_t file) {
               H5Ldelete(file, "parameters/head.bias", H5P_DEFAULT);
               H5Lcreate_soft("/parameters/head.weight", file, "parameters/head.bias", H5P_DEFAULT,
                              H5P_DEFAULT);
             }),
             ContainsSubstring("[11, 3], but the model needs [1]"));
}

TEST_CASE("vectors that do not have the layout's size are refused", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  Context<Space> const context(ranks.get());
  Vector<Scalar, Space> const small("test::small", 3);
  CHECK_THROWS_AS(io::write_checkpoint<Scalar>(context, directory / "it.h5", {}, small_layout(),
                                               {{"parameters", small}}),
                  ShapeError);
  SmallCheckpoint<Scalar>().write(ranks, directory / "it.h5");
  CheckpointReader const reader(ranks, directory / "it.h5");
  CHECK_THROWS_AS((reader.read<Scalar, Space>(context, "parameters", small_layout(), small)),
                  ShapeError);
}

TEST_CASE("checkpoints are listed, the newest first", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  CHECK(io::list_checkpoints(directory.path()).empty());
  CHECK(io::list_checkpoints(directory / "absent").empty());
  for (Index const step : {9, 10, 123456789})
    directory.write(io::checkpoint_path(".", step).substr(2), "");
  for (auto const* name : {"step-00000011.h5.partial", "step-.h5", "step--1.h5", "step-1a.h5", "x"})
    directory.write(name, "");
  CHECK(io::list_checkpoints(directory.path()) ==
        std::vector<std::string>{directory / "step-123456789.h5", directory / "step-00000010.h5",
                                 directory / "step-00000009.h5"});
  CHECK_THAT(failure<FileError>([&] { io::list_checkpoints(directory / "x"); }),
             ContainsSubstring("x: can't be listed"));
}

}  // namespace kyrtos::testing
