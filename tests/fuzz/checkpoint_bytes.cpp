// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/io/checkpoint.hpp>

#include "fuzz.hpp"
#include "io/checkpoint_files.hpp"

#include <iterator>

// Checkpoints of Kyrtos with damaged bytes. Their checksums, HDF5's own of all metadata included,
// let nothing pass but what was written.

namespace kyrtos::fuzz {

namespace {

testing::SmallCheckpoint<float> const& written() {
  static testing::SmallCheckpoint<float> const instance;
  return instance;
}

}  // namespace

std::vector<std::string> seeds() {
  File const file("", ".h5");
  written().write(Communicator(MPI_COMM_SELF), file.path());
  std::ifstream bytes(file.path(), std::ios::binary);
  return {{std::istreambuf_iterator<char>(bytes), {}}};
}

}  // namespace kyrtos::fuzz

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace kyrtos;
  fuzz::File const file(fuzz::text_of(data, size), ".h5");
  Communicator const ranks(MPI_COMM_SELF);
  fuzz::succeeds(file.path(), [&] { io::verify_checkpoint(ranks, file.path()); });
  fuzz::succeeds(file.path(), [&] {
    if (!testing::reads_back(ranks, file.path(), fuzz::written()))
      fuzz::finding("other values than were written");
  });
  return 0;
}
