// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RMSNorm's kernels with teams of more or fewer rows: laboratory_normalization [WIDTH [TOKENS]].
// The winner belongs in layers/detail/rows.hpp; all layers whose kernels go by rows share it.

#include "reference/normalization.hpp"

#include "bench/layer_case.hpp"
#include "check_layer.hpp"
#include "laboratory.hpp"
#include "layers/normalization_passes.hpp"

#include <fmt/format.h>

namespace {

using namespace kyrtos;
using bench::Space;
using layers::detail::RowBlocks;

template <Index rows_a_team, Index rows_a_chunk>
struct Blocks {
  static constexpr Index rows = rows_a_team, chunk = rows_a_chunk;
};

template <class Choice>
class Tuned final : public layers::detail::Normalization<float, Space, Choice> {
 public:
  explicit Tuned(Index width)
      : layers::detail::Normalization<float, Space, Choice>(width, epsilon, false, false) {}
  std::string kind() const override { return "rms_norm"; }

  static constexpr double epsilon = 1e-5;
};

template <class Choice>
bench::Candidate candidate(Index width, SequenceShape shape, std::string const& name) {
  auto const error = [](Context<Space> const& context) {
    reference::Normalization const plain{70, Tuned<Choice>::epsilon, false, false};
    return bench::largest_error(context, Tuned<Choice>(70), {2, 75}, plain);
  };
  return {bench::layer_case(name, std::make_shared<Tuned<Choice> const>(width), shape), error};
}

template <Index rows, Index chunk>
bench::Candidate blocks(Index width, SequenceShape shape) {
  return candidate<Blocks<rows, chunk>>(width, shape, fmt::format("{}, {}", rows, chunk));
}

std::vector<bench::Candidate> candidates(Index width, SequenceShape shape) {
  return {candidate<RowBlocks<Space>>(width, shape, "in use"),
          blocks<1, 8>(width, shape),
          blocks<2, 16>(width, shape),
          blocks<4, 64>(width, shape),
          blocks<16, 128>(width, shape),
          blocks<32, 256>(width, shape)};
}

}  // namespace

int main(int argc, char** argv) {
  return bench::in_laboratory(argc, argv, {384, 2048},
                              [](Context<Space> const& context, std::vector<Index> const& n) {
                                bench::compare(context, candidates(n[0], {1, n[1]}), 1e-4);
                              });
}
