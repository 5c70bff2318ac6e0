// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "blocked_kernels.hpp"
#include "blocked_pass.hpp"

namespace kyrtos::layers::attention {

namespace {

/// ẏ = Ȯ - μy of Ȯ = (P∘Ż)V + PV̇.
template <class Scalar>
struct LessMean {
  Scalar const *mean_dot, *y;
  KOKKOS_FORCEINLINE_FUNCTION Scalar operator()(Scalar o_dot, Index, Index statistic,
                                                Index place) const {
    return o_dot - mean_dot[statistic] * y[place];
  }
};

template <class Factors, class Scalar, class Space>
void run_tangent_forward(Context<Space> const& context, TangentForwardArguments<Scalar> const& in,
                         Index working_bytes) {
  using Pass = BlockedPass<Factors, Scalar, Space>;
  using Memory = typename Pass::Memory;
  Pass const pass(context, "kyrtos::attention::tangent_forward", in.g, working_bytes, false, 2);
  WorkingMemory<Space> working(context.template scratch<std::byte>(pass.bytes()));
  pass.run(
      working,
      [&](Memory const& m, Stretch const& group) {
        pass.pack_heads(m, group, in.x, nullptr, 1, 0);  // [Q̇ Q], [K K̇], [V V̇]
        pass.pack_heads(m, group, in.x_dot, nullptr, 0, 1);
      },
      [&](Memory const& m, QueryBlock const& b) {
        pass.compute_scores(m, b);
        pass.for_rows(b, TangentSoftmaxRow<Factors, Scalar, Space>{in.g, b, m.scores,
                                                                   in.log_sum_exp, in.mean_dot});
        auto const o_dot = pass.block_rows(m, b).part(0, b.tokens);
        auto const& p = m.scores.factors;  // P∘Ż, P
        pass.multiply(b, Pass::no, p.part(b, 0), Pass::no, m.v.part(b.first_key, b.keys, 0), 0,
                      o_dot);
        pass.multiply(b, Pass::no, p.part(b, 1), Pass::no, m.v.part(b.first_key, b.keys, 1), 1,
                      o_dot);
        pass.unpack_block(m, b, in.y_dot, output_places(in.g), LessMean<Scalar>{in.mean_dot, in.y});
      },
      [](Memory const&, Stretch const&) {});
}

}  // namespace

template <class Scalar, class Space>
void blocked_tangent_forward(Context<Space> const& context,
                             TangentForwardArguments<Scalar> const& in, Index working_bytes) {
  with_factors<Scalar>(context, [&](auto factors) {
    run_tangent_forward<decltype(factors)>(context, in, working_bytes);
  });
}

#define KYRTOS_BLOCKED_TANGENT_FORWARD(SCALAR, SPACE)          \
  template void blocked_tangent_forward(Context<SPACE> const&, \
                                        TangentForwardArguments<SCALAR> const&, Index);
KYRTOS_INSTANTIATE_FUNCTIONS(KYRTOS_BLOCKED_TANGENT_FORWARD)

}  // namespace kyrtos::layers::attention
