// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "blocked_kernels.hpp"
#include "blocked_pass.hpp"
#include "passes.hpp"

namespace kyrtos::layers::attention {

namespace {

/// dQ̇ = dṠ K + dS K̇, and what is added to dK̇ and dV̇.
template <class Pass, class Memory>
void multiply_back(Pass const& pass, Memory const& m, QueryBlock const& b) {
  auto const& ds = m.gradients.factors;
  auto const dq = pass.block_rows(m, b).part(0, b.tokens);
  pass.multiply(b, Pass::no, ds.part(b, 1), Pass::no, m.k.part(b.first_key, b.keys, 0), 0, dq);
  pass.multiply(b, Pass::no, ds.part(b, 0), Pass::no, m.k.part(b.first_key, b.keys, 1), 1, dq);
  pass.add_to_sums(m, b);
}

template <class Factors, class Scalar, class Space>
void run_tangent_backward(Context<Space> const& context, TangentBackwardArguments<Scalar> in,
                          RowSumArguments<Scalar> sums, Index working_bytes) {
  using Pass = BlockedPass<Factors, Scalar, Space>;
  using Memory = typename Pass::Memory;
  Pass const pass(context, "kyrtos::attention::tangent_backward", in.g, working_bytes, true, 2);
  WorkingMemory<Space> working(
      context.template scratch<std::byte>(row_sum_bytes(in.g, true) + pass.bytes()));
  in.row_sum = sums.row_sum = working.template take<Scalar>(statistics_of(in.g)).data();
  in.row_sum_dot = sums.row_sum_dot = working.template take<Scalar>(statistics_of(in.g)).data();
  output_row_sums<Scalar>(context.space(), sums);
  pass.run(
      working,
      [&](Memory const& m, Stretch const& group) {
        pass.pack_heads(m, group, in.x, in.dy, 1, 0);  // [Q̇ Q], [K K̇], [V V̇], [dȮ dO]
        pass.pack_heads(m, group, in.x_dot, in.dy_dot, 0, 1);
        pass.clear_sums(m);
      },
      [&](Memory const& m, QueryBlock const& b) {
        pass.compute_scores(m, b);
        pass.for_rows(b, TangentBackwardRow<Factors, Scalar, Space>{in.g, b, m.scores, m.gradients,
                                                                    in.log_sum_exp, in.mean_dot,
                                                                    in.row_sum, in.row_sum_dot});
        multiply_back(pass, m, b);
        pass.unpack_block(m, b, in.dx_dot, query_places(in.g), Scaled<Scalar>{in.g.scale});
      },
      [&](Memory const& m, Stretch const& group) { pass.unpack_sums(m, group, in.dx_dot); });
}

}  // namespace

template <class Scalar, class Space>
void blocked_tangent_backward(Context<Space> const& context,
                              TangentBackwardArguments<Scalar> const& in,
                              RowSumArguments<Scalar> const& sums, Index working_bytes) {
  with_factors<Scalar>(context, [&](auto factors) {
    run_tangent_backward<decltype(factors)>(context, in, sums, working_bytes);
  });
}

#define KYRTOS_BLOCKED_TANGENT_BACKWARD(SCALAR, SPACE)                            \
  template void blocked_tangent_backward(Context<SPACE> const&,                   \
                                         TangentBackwardArguments<SCALAR> const&, \
                                         RowSumArguments<SCALAR> const&, Index);
KYRTOS_INSTANTIATE_FUNCTIONS(KYRTOS_BLOCKED_TANGENT_BACKWARD)

}  // namespace kyrtos::layers::attention
