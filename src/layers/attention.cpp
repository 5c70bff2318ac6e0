// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/region.hpp>
#include <kyrtos/layers/attention.hpp>
#include <kyrtos/linalg/rounded_products.hpp>

#include "attention/blocked_passes.hpp"
#include "attention/blocked_work.hpp"
#include "attention/passes.hpp"
#include "attention/traits.hpp"

#include <algorithm>
#include <cmath>

namespace kyrtos::layers {

namespace {

AttentionOptions resolved(AttentionOptions options) {
  if (options.kv_heads == 0) options.kv_heads = options.heads;
  require<ConfigError>(options.heads > 0 && options.kv_heads > 0 && options.head_size > 0,
                       "attention: heads, kv_heads and head_size must be positive");
  constexpr Index largest_head = 1 << 14;  // tiles count their values as int
  require<ConfigError>(options.head_size <= largest_head,
                       "attention: head_size = " + std::to_string(options.head_size) + ", but " +
                           std::to_string(largest_head) + " is the most; use more heads");
  require<ConfigError>(options.heads % options.kv_heads == 0,
                       "attention: heads = " + std::to_string(options.heads) +
                           " must be a multiple of kv_heads = " + std::to_string(options.kv_heads));
  require<ConfigError>(options.soft_cap >= 0 && std::isfinite(options.soft_cap),
                       "attention: soft_cap must be 0 (off) or positive");
  require<ConfigError>(options.window >= 0, "attention: window must be 0 (all) or positive");
  require<ConfigError>(options.window == 0 || options.causal,
                       "attention: a window needs causal = true");
  require<ConfigError>(options.working_bytes >= 0,
                       "attention: working_bytes must be positive, or 0 for the default");
  return options;
}

template <class Scalar>
attention::Geometry<Scalar> geometry(AttentionOptions const& options, SequenceShape shape,
                                     Index past = 0) {
  bool const hides = options.window > 0 && options.window < past + shape.length;
  return {static_cast<int>(shape.batch),
          static_cast<int>(shape.length),
          static_cast<int>(options.heads),
          static_cast<int>(options.kv_heads),
          static_cast<int>(options.head_size),
          options.causal,
          hides ? static_cast<int>(options.window) : attention::Visibility::everything,
          static_cast<Scalar>(1 / std::sqrt(static_cast<double>(options.head_size))),
          static_cast<Scalar>(options.soft_cap)};
}

Index working_bytes(AttentionOptions const& options, bool is_host) {
  if (options.working_bytes > 0) return options.working_bytes;
  return Index{is_host ? 32 : 4096} << 20;
}
template <class Space>
Index working_bytes(AttentionOptions const& options) {
  return working_bytes(options, compat::runs_on_host<Space>);
}

/// Around a blocked pass, whose products tell their operations and bytes themselves.
template <class Scalar, class Space>
Region<Space> blocks(Context<Space> const& context, PassKind pass,
                     attention::Geometry<Scalar> const& g, Index working_bytes) {
  RegionWork work;
  if (context.observer() != nullptr)
    work.bytes = attention::blocked_work(pass, g, machine_of(context), working_bytes).bytes;
  return {context, "kyrtos::attention::blocks", work};
}

/// Around a pass over all pairs of tokens, of so many products of tiles; `forward` has 2.
template <class Space>
Region<Space> pairs(Context<Space> const& context, double products, double forward_flops) {
  return {context, "kyrtos::attention::pairs", {.flops = products / 2 * forward_flops}};
}

}  // namespace

template <class Scalar, class Space>
Attention<Scalar, Space>::Attention(AttentionOptions const& options)
    : options_(resolved(options)) {}

template <class Scalar, class Space>
double Attention<Scalar, Space>::forward_flops(SequenceShape shape) const {
  auto const n = static_cast<double>(shape.length);
  double const seen = options_.window > 0 ? std::min(static_cast<double>(options_.window), n) : n;
  double const pairs = options_.causal ? n * seen - seen * (seen - 1) / 2 : n * n;
  return 4 * static_cast<double>(shape.batch * out_features()) * pairs;
}

template <class Scalar, class Space>
void Attention<Scalar, Space>::forward(Context<Space> const& context, ConstVector,
                                       Pass const& p) const {
  attention::ForwardArguments<Scalar> const in{geometry<Scalar>(options_, p.shape), p.x.data(),
                                               p.y.data(), p.saved.data(),
                                               p.saved.data() + tangent_saved_size(p.shape)};
  if (is_blocked(context, p.shape)) {
    Index const bytes = working_bytes<Space>(options_);
    auto const region = blocks(context, PassKind::forward, in.g, bytes);
    return attention::blocked_forward(context, in, bytes);
  }
  auto const region = pairs(context, 2, forward_flops(p.shape));
  attention::forward<Scalar>(context.space(), in);
}

template <class Scalar, class Space>
void Attention<Scalar, Space>::extend(Context<Space> const& context, ConstVector, Pass const& p,
                                      Past<Scalar, Space> const& past) const {
  require<ConfigError>(options_.causal,
                       "attention: a sequence can only be continued where it is causal");
  require(p.shape.batch == 1 && past.tokens + p.shape.length <= past.capacity &&
              static_cast<Index>(past.memory.size()) == past_size(past.capacity),
          "Attention::extend: there is no room for the tokens' keys and values");
  attention::extend<Scalar>(
      context.space(),
      {geometry<Scalar>(options_, p.shape, past.tokens), p.x.data(), p.y.data(), past.tokens,
       past.capacity, past.memory.data(), past.memory.data() + past_size(past.capacity) / 2});
}

/// Streamed kernels use a CPU's vectors as well as products do, without scores in memory. Blocks
/// gain where something multiplies faster than vectors do: the matrix units of devices, and
/// instructions for bfloat16 on CPUs; a context's products are in bfloat16 on a CPU that has these
/// alone. Short sequences make small products, and are streamed: on a Zen 4
/// with AVX512_BF16 blocks in bfloat16 lost at 1024 tokens, tied or lost at 2048 and won from 4096
/// on (docs/results/speed.md). So is float64.
AttentionMethod chosen_method(AttentionMethod wanted, Machine const& machine, bool is_float32,
                              Index length) {
  if (wanted != AttentionMethod::automatic) return wanted;
  Index const shortest = machine.is_host ? 4096 : 256;
  bool const has_units = !machine.is_host || machine.factors == linalg::FactorFormat::bfloat16;
  return is_float32 && has_units && length >= shortest ? AttentionMethod::blocked
                                                       : AttentionMethod::streamed;
}

template <class Scalar, class Space>
bool Attention<Scalar, Space>::is_blocked(Machine const& machine, SequenceShape shape) const {
  return chosen_method(options_.method, machine, std::is_same_v<Scalar, float>, shape.length) ==
         AttentionMethod::blocked;
}

template <class Scalar, class Space>
Work Attention<Scalar, Space>::work(PassKind pass, SequenceShape shape,
                                    Machine const& machine) const {
  Work work{.bytes = pass_bytes(*this, pass, shape, 0)};
  if (is_blocked(machine, shape)) {
    work += attention::blocked_work(pass, geometry<Scalar>(options_, shape), machine,
                                    working_bytes(options_, machine.is_host));
    return work;
  }
  // Products of tiles, in those of a forward pass: the table in the header.
  bool const is_split = !machine.is_host;
  bool const is_back = pass == PassKind::backward || pass == PassKind::tangent_backward;
  double const products = pass == PassKind::forward           ? 1
                          : pass == PassKind::backward        ? (is_split ? 3.5 : 2.5)
                          : pass == PassKind::tangent_forward ? 2.5
                                                              : (is_split ? 9 : 6);
  double const kernels = !is_back ? 1 : is_split ? 3 : 2;  // with that of row sums
  work += {.flops = products * forward_flops(shape), .launches = kernels};
  return work;
}

template <class Scalar, class Space>
Index Attention<Scalar, Space>::scratch_bytes(Context<Space> const& context, SequenceShape shape,
                                              bool tangents) const {
  if (!is_blocked(context, shape)) return 0;
  return attention::blocked_bytes(context, geometry<Scalar>(options_, shape),
                                  working_bytes<Space>(options_), tangents);
}

/// A pass over no sequences.
template <class Scalar, class Space>
void Attention<Scalar, Space>::check_device(Context<Space> const& context, SequenceShape shape,
                                            bool tangents) const {
  if (is_blocked(context, shape)) return;
  auto const& space = context.space();
  auto const g = geometry<Scalar>(options_, {0, 1});
  using Traits = attention::AttentionTraits<Scalar, Space>;
  auto const note = [&](std::size_t bytes) {
    context.note_team_scratch(bytes, Traits::team_size * Traits::vector_length);
  };
  note(attention::forward<Scalar>(space, {g}));
  note(attention::backward<Scalar>(space, {g}, options_.backward));
  if (!tangents) return;
  note(attention::tangent_forward<Scalar>(space, {g}));
  note(attention::tangent_backward<Scalar>(space, {g}, options_.backward));
}

template <class Scalar, class Space>
void Attention<Scalar, Space>::update_head_max(Context<Space> const& context, Pass const& p,
                                               MutableVector per_head) const {
  require<ShapeError>(static_cast<Index>(per_head.size()) == options_.heads,
                      "Attention::update_head_max: needs one number a query head");
  Index const heads = options_.heads, tokens = p.shape.tokens();
  auto const max_score = slice(p.saved, tangent_saved_size(p.shape), tokens * heads);
  using Policy = Kokkos::TeamPolicy<Space>;
  Kokkos::parallel_for(
      "kyrtos::attention::head_max", Policy(context.space(), static_cast<int>(heads), Kokkos::AUTO),
      KOKKOS_LAMBDA(typename Policy::member_type const& team) {
        Index const head = team.league_rank();
        Scalar top = per_head(head);
        Kokkos::parallel_reduce(
            Kokkos::TeamThreadRange(team, tokens),
            [&](Index token, Scalar& most) {
              Scalar const z = max_score(token * heads + head);
              most = most < z ? z : most;
            },
            Kokkos::Max<Scalar>(top));
        Kokkos::single(Kokkos::PerTeam(team),
                       [&] { per_head(head) = per_head(head) < top ? top : per_head(head); });
      });
}

template <class Scalar, class Space>
void Attention<Scalar, Space>::tangent_forward(Context<Space> const& context, ConstVector,
                                               ConstVector, Pass const& p, Pass const& t) const {
  attention::TangentForwardArguments<Scalar> const in{geometry<Scalar>(options_, p.shape),
                                                      p.x.data(),
                                                      t.x.data(),
                                                      p.y.data(),
                                                      p.saved.data(),
                                                      t.y.data(),
                                                      t.saved.data()};
  if (is_blocked(context, p.shape)) {
    Index const bytes = working_bytes<Space>(options_);
    auto const region = blocks(context, PassKind::tangent_forward, in.g, bytes);
    return attention::blocked_tangent_forward(context, in, bytes);
  }
  auto const region = pairs(context, 5, forward_flops(p.shape));
  attention::tangent_forward<Scalar>(context.space(), in);
}

template <class Scalar, class Space>
void Attention<Scalar, Space>::backward(Context<Space> const& context, ConstVector, Pass const& p,
                                        Back const& a, MutableVector) const {
  if (a.x.size() == 0) return;
  auto const g = geometry<Scalar>(options_, p.shape);
  attention::BackwardArguments<Scalar> in{g,       p.x.data(), a.y.data(), p.saved.data(),
                                          nullptr, a.x.data()};
  attention::RowSumArguments<Scalar> sums{g, p.y.data(), a.y.data()};
  if (is_blocked(context, p.shape)) {
    Index const bytes = working_bytes<Space>(options_);
    auto const region = blocks(context, PassKind::backward, g, bytes);
    return attention::blocked_backward(context, in, sums, bytes);
  }
  auto const row_sum = context.template scratch<Scalar>(tangent_saved_size(p.shape));
  in.row_sum = sums.row_sum = row_sum.data();
  auto const region = pairs(context, 5, forward_flops(p.shape));
  attention::output_row_sums<Scalar>(context.space(), sums);
  attention::backward<Scalar>(context.space(), in, options_.backward);
}

template <class Scalar, class Space>
void Attention<Scalar, Space>::tangent_backward(Context<Space> const& context, ConstVector,
                                                ConstVector, Pass const& p, Pass const& t,
                                                Back const& a, Back const& ta,
                                                MutableVector) const {
  if (ta.x.size() == 0) return;
  auto const g = geometry<Scalar>(options_, p.shape);
  attention::TangentBackwardArguments<Scalar> in{
      g,       p.x.data(), t.x.data(), a.y.data(), ta.y.data(), p.saved.data(), t.saved.data(),
      nullptr, nullptr,    ta.x.data()};
  attention::RowSumArguments<Scalar> sums{g,       p.y.data(), a.y.data(),
                                          nullptr, t.y.data(), ta.y.data()};
  if (is_blocked(context, p.shape)) {
    Index const bytes = working_bytes<Space>(options_);
    auto const region = blocks(context, PassKind::tangent_backward, g, bytes);
    return attention::blocked_tangent_backward(context, in, sums, bytes);
  }
  Index const rows = tangent_saved_size(p.shape);
  auto const scratch = context.template scratch<Scalar>(2 * rows);
  in.row_sum = sums.row_sum = scratch.data();
  in.row_sum_dot = sums.row_sum_dot = scratch.data() + rows;
  auto const region = pairs(context, 12, forward_flops(p.shape));
  attention::output_row_sums<Scalar>(context.space(), sums);
  attention::tangent_backward<Scalar>(context.space(), in, options_.backward);
}

}  // namespace kyrtos::layers

KYRTOS_INSTANTIATE(kyrtos::layers::Attention)
