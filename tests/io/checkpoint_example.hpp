// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/model/transformer.hpp>
#include <kyrtos/train/config.hpp>

#include "io/checkpoint_files.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cmath>
#include <cstdlib>

// The Python program in docs/checkpoint.md writes what Kyrtos reads.

namespace kyrtos::testing {

/// Runs tests/io/write_checkpoint.py on rank 0. \return whether there was a Python with h5py.
inline bool run_example(Communicator const& ranks, std::string const& path) {
  ranks.barrier();
  bool is_written = false;
  char const* const sources = std::getenv("KYRTOS_TEST_SOURCES");
  if (ranks.is_root() && sources != nullptr)
    for (std::string const python : {"python3", "/usr/bin/python3"})  // the first may have no h5py
      is_written =
          is_written || std::system((python + " -c 'import h5py' 2> /dev/null && " + python + " '" +
                                     sources + "/io/write_checkpoint.py' '" + path + "'")
                                        .c_str()) == 0;
  return ranks.any(is_written);
}

TEST_CASE("the checkpoint of the documentation's example is a model", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  auto const path = directory / "example.h5";
  if (!run_example(ranks, path)) {
    WARN("skipped: no python3 with h5py (Debian: python3-h5py), or KYRTOS_TEST_SOURCES not set");
    return;
  }
  io::verify_checkpoint(ranks, path);
  {
    io::CheckpointReader const reader(ranks, path);
    auto const config = train::parse_config(reader.text().config, path).model;
    CHECK(config.depth == 2);
    CHECK(config.tied);
    auto const layout = model::Transformer<float, Space>(config).layout();
    auto const theta = read_group<float>(ranks, reader, "parameters", layout);
    auto const& norm = layout.find("blocks.1.norm2.weight");
    auto const& weight = layout.find("blocks.1.mlp.down.weight");
    CHECK(std::all_of(theta.begin() + norm.offset, theta.begin() + norm.offset + norm.size,
                      [](float w) { return w == 1; }));
    double square = 0;
    for (Index i = weight.offset; i < weight.offset + weight.size; ++i)
      square += std::pow(theta[static_cast<std::size_t>(i)], 2) / static_cast<double>(weight.size);
    CHECK(std::abs(std::sqrt(square) - 0.02) < 0.001);  // 4096 values
  }
  // Its checksums are Kyrtos' own: others are refused.
  edit(ranks, path, [](hid_t file) { set_checksum(file, "parameters/final_norm.bias", 1); });
  CHECK_THAT(failure<FileError>([&] { io::verify_checkpoint(ranks, path); }),
             Catch::Matchers::ContainsSubstring("'parameters/final_norm.bias'"));
}

}  // namespace kyrtos::testing
