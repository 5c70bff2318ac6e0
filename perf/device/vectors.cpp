// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// For perf/device/check, the files of `kyrtos hvp`: device_vectors batch FILE VOCABULARY SEQUENCES
// LENGTH writes a batch of tokens; device_vectors compare CHECKPOINT FILE REFERENCE prints how far
// the vectors of one file are from those of another, ‖a − b‖/‖b‖, a line each.

#include <kyrtos/core/random.hpp>
#include <kyrtos/io/batch_file.hpp>
#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/model/transformer.hpp>
#include <kyrtos/train/config.hpp>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace {

using kyrtos::Index;
using HostSpace = Kokkos::DefaultHostExecutionSpace;

void write_batch(std::string const& path, Index vocabulary, kyrtos::SequenceShape shape) {
  kyrtos::io::TokenBatch batch{shape, {}, {}};
  kyrtos::Philox const random{1, 1};
  for (Index row = 0; row < shape.batch; ++row)
    for (Index i = 0; i <= shape.length; ++i) {
      auto const bits = random.bits(static_cast<std::uint64_t>(row * (shape.length + 1) + i));
      auto const token = static_cast<kyrtos::Token>(bits % static_cast<std::uint64_t>(vocabulary));
      if (i < shape.length) batch.inputs.push_back(token);
      if (i > 0) batch.targets.push_back(token);
    }
  kyrtos::io::write_batch_file(path, batch);
}

void compare(std::string const& checkpoint, std::string const& found, std::string const& wanted) {
  kyrtos::Context<HostSpace> const context(MPI_COMM_SELF);
  auto const& self = context.communicator();
  using kyrtos::io::CheckpointReader;
  auto const config =
      kyrtos::train::parse_config(CheckpointReader(self, checkpoint).text().config, checkpoint);
  kyrtos::model::Transformer<double, HostSpace> const model(config.model);
  auto const read = [&](std::string const& path, std::string const& group) {
    kyrtos::Vector<double, HostSpace> const values(group, model.layout().size());
    CheckpointReader const reader(self, path, CheckpointReader::Kind::vectors);
    reader.read<double, HostSpace>(context, group, model.layout(), values);
    return values;
  };
  for (std::string const group : {"gradient", "hvp"}) {
    auto const a = read(found, group), b = read(wanted, group);
    double const size = kyrtos::linalg::norm(context, b);
    kyrtos::linalg::axpy(context, -1, b, a);
    std::printf("%s %.3e\n", group.c_str(), kyrtos::linalg::norm(context, a) / size);
  }
}

int run(std::vector<std::string> const& words) {
  if (words.size() == 5 && words[0] == "batch")
    write_batch(words[1], std::stoi(words[2]), {std::stoi(words[3]), std::stoi(words[4])});
  else if (words.size() == 4 && words[0] == "compare")
    compare(words[1], words[2], words[3]);
  else
    return std::fprintf(stderr,
                        "device_vectors batch FILE VOCABULARY SEQUENCES LENGTH | "
                        "compare CHECKPOINT FILE REFERENCE\n"),
           2;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  Kokkos::initialize(argc, argv);
  int code = 1;
  try {
    code = run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (std::exception const& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  Kokkos::finalize();
  MPI_Finalize();
  return code;
}
