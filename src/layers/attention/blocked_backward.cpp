// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "blocked_kernels.hpp"
#include "blocked_pass.hpp"
#include "passes.hpp"

namespace kyrtos::layers::attention {

namespace {

template <class Factors, class Scalar, class Space>
void run_backward(Context<Space> const& context, BackwardArguments<Scalar> in,
                  RowSumArguments<Scalar> sums, Index working_bytes) {
  using Pass = BlockedPass<Factors, Scalar, Space>;
  using Memory = typename Pass::Memory;
  Pass const pass(context, "kyrtos::attention::backward", in.g, working_bytes, true, 1);
  WorkingMemory<Space> working(
      context.template scratch<std::byte>(row_sum_bytes(in.g, false) + pass.bytes()));
  sums.row_sum = working.template take<Scalar>(statistics_of(in.g)).data();
  in.row_sum = sums.row_sum;
  output_row_sums<Scalar>(context.space(), sums);
  pass.run(
      working,
      [&](Memory const& m, Stretch const& group) {
        pass.pack_heads(m, group, in.x, in.dy, 0, 0);
        pass.clear_sums(m);
      },
      [&](Memory const& m, QueryBlock const& b) {
        pass.compute_scores(m, b);
        pass.for_rows(b, BackwardRow<Factors, Scalar, Space>{in.g, b, m.scores, m.gradients,
                                                             in.log_sum_exp, in.row_sum});
        pass.multiply(b, Pass::no, m.gradients.factors.part(b), Pass::no,
                      m.k.part(b.first_key, b.keys), 0, pass.block_rows(m, b).part(0, b.tokens));
        pass.add_to_sums(m, b);
        pass.unpack_block(m, b, in.dx, query_places(in.g), Scaled<Scalar>{in.g.scale});
      },
      [&](Memory const& m, Stretch const& group) { pass.unpack_sums(m, group, in.dx); });
}

}  // namespace

template <class Scalar, class Space>
void blocked_backward(Context<Space> const& context, BackwardArguments<Scalar> const& in,
                      RowSumArguments<Scalar> const& sums, Index working_bytes) {
  with_factors<Scalar>(context, [&](auto factors) {
    run_backward<decltype(factors)>(context, in, sums, working_bytes);
  });
}

#define KYRTOS_BLOCKED_BACKWARD(SCALAR, SPACE)                                            \
  template void blocked_backward(Context<SPACE> const&, BackwardArguments<SCALAR> const&, \
                                 RowSumArguments<SCALAR> const&, Index);
KYRTOS_INSTANTIATE_FUNCTIONS(KYRTOS_BLOCKED_BACKWARD)

}  // namespace kyrtos::layers::attention
