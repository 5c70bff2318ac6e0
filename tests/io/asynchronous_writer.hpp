// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/io/asynchronous_writer.hpp>

#include "io/checkpoint_files.hpp"
#include "support/file_size_limit.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <optional>

// A checkpoint written behind the program's back is the one that would have been written before
// its eyes, and what goes wrong there is heard of.

namespace kyrtos::testing::asynchronous {

using Catch::Matchers::ContainsSubstring;
using Scalar = KYRTOS_TEST_SCALAR;
namespace fs = std::filesystem;

/// A checkpoint's vectors on the device, to be overwritten once they are copied.
struct Source {
  explicit Source(SmallCheckpoint<Scalar> const& from)
      : text(from.text),
        parameters(on_device<Scalar>(from.parameters)),
        moment(on_device<Scalar>(from.moment)) {}

  void start(io::AsynchronousWriter<Scalar, Space>& writer, Context<Space> const& context,
             std::string const& path) const {
    writer.start(context, path, text, small_layout(),
                 {{"parameters", parameters}, {"optimizer/m", moment}});
    Kokkos::deep_copy(parameters, Scalar(1));
    Kokkos::deep_copy(moment, Scalar(2));
  }

  io::CheckpointText text;
  Vector<Scalar, Space> parameters, moment;
};

TEST_CASE("written behind the program, it is the same file", "[asynchronous_writer]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const& ranks = context.communicator();
  TemporaryDirectory const directory(ranks);
  SmallCheckpoint<Scalar> written;
  io::AsynchronousWriter<Scalar, Space> writer(ranks);
  CHECK(writer.is_done());
  writer.finish();  // of nothing
  for (auto const* name : {"first", "second"}) {
    auto const path = directory / (name + std::string(".h5"));
    Source(written).start(writer, context, path);
    CHECK(!fs::exists(path));
    while (!writer.is_done()) {
    }
    CHECK(!fs::exists(path));
    writer.finish();
    CHECK(writer.seconds() > 0);
    CHECK(reads_back(ranks, path, written));
    written.write(ranks, directory / "other.h5");
    CHECK(directory.read(name + std::string(".h5")) == directory.read("other.h5"));
    written.moment = written.parameters;
  }
}

TEST_CASE("a second one waits for the first", "[asynchronous_writer]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const& ranks = context.communicator();
  TemporaryDirectory const directory(ranks);
  SmallCheckpoint<Scalar> const written;
  {
    io::AsynchronousWriter<Scalar, Space> writer(ranks);
    Source(written).start(writer, context, directory / "first.h5");
    Source(written).start(writer, context, directory / "second.h5");
    CHECK(reads_back(ranks, directory / "first.h5", written));
    ranks.barrier();
  }
  ranks.barrier();
  CHECK(!fs::exists(directory / "second.h5"));  // was not finished
  CHECK(!fs::exists(directory / "second.h5.partial"));
}

TEST_CASE("what goes wrong meanwhile is thrown in the end, on every rank",
          "[asynchronous_writer]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const& ranks = context.communicator();
  if (ranks.size() == 1) return;
  TemporaryDirectory const directory(ranks);
  SmallCheckpoint<Scalar> written, old;
  old.moment = old.parameters;
  auto const path = directory / "it.h5";
  old.write(ranks, path);
  io::AsynchronousWriter<Scalar, Space> writer(ranks);
  std::string words;
  {
    std::optional<FileSizeLimit> tight;
    if (ranks.rank() + 1 == ranks.size()) tight.emplace(512);
    Source(written).start(writer, context, path);
    words = failure<FileError>([&] { writer.finish(); });
  }
  CHECK_THAT(words, ContainsSubstring("it.h5.partial: can't be written: File too large; raise"));
  CHECK(ranks.broadcast(words) == words);
  CHECK(writer.is_done());
  CHECK(reads_back(ranks, path, old));
  CHECK(!fs::exists(path + ".partial"));
  Source(written).start(writer, context, path);
  writer.finish();
  CHECK(reads_back(ranks, path, written));
}

}  // namespace kyrtos::testing::asynchronous
