// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "blocked_kernels.hpp"
#include "blocked_pass.hpp"

namespace kyrtos::layers::attention {

namespace {

/// y = Ô/Σ P̂ of Ô = P̂V.
template <class Scalar>
struct Normalised {
  Scalar const* inverse_sum;
  KOKKOS_FORCEINLINE_FUNCTION Scalar operator()(Scalar o, Index row, Index, Index) const {
    return inverse_sum[row] * o;
  }
};

template <class Factors, class Scalar, class Space>
void run_forward(Context<Space> const& context, ForwardArguments<Scalar> const& in,
                 Index working_bytes) {
  using Pass = BlockedPass<Factors, Scalar, Space>;
  using Memory = typename Pass::Memory;
  Pass const pass(context, "kyrtos::attention::forward", in.g, working_bytes, false, 1);
  WorkingMemory<Space> working(context.template scratch<std::byte>(pass.bytes()));
  pass.run(
      working,
      [&](Memory const& m, Stretch const& group) {
        pass.pack_heads(m, group, in.x, nullptr, 0, 0);
      },
      [&](Memory const& m, QueryBlock const& b) {
        pass.compute_scores(m, b);
        pass.for_rows(b, SoftmaxRow<Factors, Scalar, Space>{in.g, b, m.scores, m.inverse_sum.data(),
                                                            in.log_sum_exp, in.max_score});
        pass.multiply(b, Pass::no, m.scores.factors.part(b), Pass::no,
                      m.v.part(b.first_key, b.keys), 0, pass.block_rows(m, b).part(0, b.tokens));
        pass.unpack_block(m, b, in.y, output_places(in.g),
                          Normalised<Scalar>{m.inverse_sum.data()});
      },
      [](Memory const&, Stretch const&) {});
}

}  // namespace

template <class Scalar, class Space>
void blocked_forward(Context<Space> const& context, ForwardArguments<Scalar> const& in,
                     Index working_bytes) {
  with_factors<Scalar>(
      context, [&](auto factors) { run_forward<decltype(factors)>(context, in, working_bytes); });
}

template <class Scalar, class Space>
Index blocked_bytes(Context<Space> const& context, Geometry<Scalar> const& g, Index working_bytes,
                    bool tangents) {
  Index bytes = 0;
  with_factors<Scalar>(context, [&](auto factors) {
    using Factor = typename decltype(factors)::Factor;
    auto const by = division<Factor, Scalar, Space>(g, working_bytes);
    bytes = bytes_of<Factor, Scalar, Space>(g, by, true, tangents ? 2 : 1);
  });
  return bytes + row_sum_bytes(g, tangents);
}

#define KYRTOS_BLOCKED_FORWARD(SCALAR, SPACE)                                                   \
  template void blocked_forward(Context<SPACE> const&, ForwardArguments<SCALAR> const&, Index); \
  template Index blocked_bytes(Context<SPACE> const&, Geometry<SCALAR> const&, Index, bool);
KYRTOS_INSTANTIATE_FUNCTIONS(KYRTOS_BLOCKED_FORWARD)

}  // namespace kyrtos::layers::attention
