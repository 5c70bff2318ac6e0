// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/train/run_record.hpp>

#include "fuzz.hpp"
#include "support/temporary_directory.hpp"

// Records of runs: lines, and columns whose values have no checksums. What is understood is
// written back as it was understood.

namespace kyrtos::fuzz {

std::vector<std::string> seeds() {
  Communicator const ranks(MPI_COMM_SELF);
  testing::TemporaryDirectory const directory(ranks);
  train::RunRecord record(ranks, directory.path(), "x = 1", 0);
  train::StepReport report;
  report.step = 1;
  report.loss = 2.5;
  report.tokens = 64;
  record.append(report);
  report.step = 2;
  report.skipped = true;
  report.sharpness.emplace();
  report.sharpness->lambda = 9;
  record.append(report);
  record.save();
  return {directory.read("metrics.jsonl"), directory.read("run.h5"),
          R"({"step":9007199254740991,"hvps":2147483647,"later":[null]})"
          "\n{\"step\":3,\"lo"};
}

}  // namespace kyrtos::fuzz

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace kyrtos;
  auto const input = fuzz::text_of(data, size);
  fuzz::File const file(input, input.starts_with("\x89HDF") ? ".h5" : ".jsonl");
  fuzz::succeeds(file.path(), [&] {
    for (auto const& report : train::read_run(file.path())) {
      auto const once = train::to_json(report);
      if (train::to_json(train::from_json(once)) != once) fuzz::finding("another step comes back");
    }
  });
  return 0;
}
