// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../lanes.hpp"
#include "passes.hpp"

namespace kyrtos::layers::attention {

namespace extension {

constexpr int tile = 64;  // keys at once

/// Keys by features, so that scores of neighbouring keys are sums of neighbouring numbers.
template <class Scalar, class Space>
void keep(Space const& space, ExtendArguments<Scalar> const& in) {
  auto const& g = in.g;
  Index const width = Index(g.kv_heads) * g.head_size, d = g.head_size, capacity = in.capacity;
  Index const stride = Index(g.heads) * d + 2 * width, past = in.past;
  Scalar const* const x = in.x + Index(g.heads) * d;
  Scalar *const keys = in.keys, *const values = in.values;
  using Range = Kokkos::RangePolicy<Space, Kokkos::IndexType<Index>>;
  Kokkos::parallel_for(
      "kyrtos::attention::keep", Range(space, 0, g.length * width), KOKKOS_LAMBDA(Index k) {
        Index const row = k / width, feature = k % width, token = past + row;
        keys[feature * capacity + token] = x[row * stride + feature];
        values[(feature / d * capacity + token) * d + feature % d] =
            x[row * stride + width + feature];
      });
}

/// One team's query, which sees keys one after the other; sums are those of the forward pass.
template <class Scalar, class Space>
struct Query {
  using Team = lanes::Team<Space>;
  static constexpr Scalar infinity = Kokkos::Experimental::infinity<Scalar>::value;

  Team const& team;
  Scalar const *q, *keys, *values;
  Index capacity;
  int head_size;
  Scalar scale, soft_cap;
  Scalar *o, *weight;  ///< In scratch: [head_size], [tile]
  Scalar max_score = -infinity, sum = 0;

  /// weight ← the scores of `count` keys.
  KOKKOS_INLINE_FUNCTION void score(Index begin, int count) const {
    Scalar* const z = weight;
    lanes::for_each<Space>(team, count, [=](int j, int) { z[j] = 0; });
    for (int e = 0; e < head_size; ++e) {
      Scalar const factor = scale * q[e];
      Scalar const* const k = keys + e * capacity + begin;
      lanes::for_each<Space>(team, count, [=](int j, int) { z[j] += factor * k[j]; });
    }
    Scalar const cap = soft_cap;
    if (cap > 0)
      lanes::for_each<Space>(team, count, [=](int j, int) { z[j] = cap * math::tanh(z[j] / cap); });
    team.team_barrier();
  }

  KOKKOS_INLINE_FUNCTION void add(Index begin, int count) {
    score(begin, count);
    Scalar top = max_score;
    for (int j = 0; j < count; ++j) top = top < weight[j] ? weight[j] : top;
    team.team_barrier();
    Scalar* const p = weight;
    lanes::for_each<Space>(team, count, [=](int j, int) { p[j] = math::exp(p[j] - top); });
    team.team_barrier();
    Scalar const rescale = math::exp(max_score - top);
    max_score = top;
    sum *= rescale;
    for (int j = 0; j < count; ++j) sum += weight[j];
    Scalar* const out = o;
    lanes::for_each<Space>(team, head_size, [=](int e, int) { out[e] *= rescale; });
    for (int j = 0; j < count; ++j) {
      Scalar const w = weight[j];
      Scalar const* const v = values + (begin + j) * head_size;
      lanes::for_each<Space>(team, head_size, [=](int e, int) { out[e] += w * v[e]; });
    }
    team.team_barrier();
  }
};

template <class Scalar, class Space>
void attend(Space const& space, ExtendArguments<Scalar> const& in) {
  auto const g = in.g;
  using Scratch = Kokkos::View<Scalar*, typename Space::scratch_memory_space, Unmanaged>;
  auto const numbers = static_cast<std::size_t>(g.head_size + tile);
  auto policy = lanes::policy(space, Index(g.length) * g.heads);
  policy.set_scratch_size(0, Kokkos::PerTeam(static_cast<int>(Scratch::shmem_size(numbers))));
  Kokkos::parallel_for(
      "kyrtos::attention::extend", policy, KOKKOS_LAMBDA(lanes::Team<Space> const& team) {
        int const row = team.league_rank() / g.heads, head = team.league_rank() % g.heads;
        int const d = g.head_size;
        Index const key_head = head / g.group(), from = key_head * in.capacity * d;
        Scratch const scratch(team.team_scratch(0), numbers);
        Scalar* const o = scratch.data();
        lanes::for_each<Space>(team, d, [=](int e, int) { o[e] = 0; });
        Query<Scalar, Space> query{
            team,
            in.x + Index(row) * (g.heads + 2 * g.kv_heads) * d + Index(head) * d,
            in.keys + from,
            in.values + from,
            in.capacity,
            d,
            g.scale,
            g.soft_cap,
            o,
            o + d};
        Index const seen = in.past + row + 1;
        for (Index begin = seen < g.window ? 0 : seen - g.window; begin < seen; begin += tile)
          query.add(begin, static_cast<int>(seen - begin < tile ? seen - begin : tile));
        Scalar* const y = in.y + (Index(row) * g.heads + head) * d;
        Scalar const factor = 1 / query.sum;
        lanes::for_each<Space>(team, d, [=](int e, int) { y[e] = factor * o[e]; });
      });
}

}  // namespace extension

template <class Scalar, class Space>
void extend(Space const& space, ExtendArguments<Scalar> const& in) {
  extension::keep(space, in);
  extension::attend(space, in);
}

#define KYRTOS_EXTEND(SPACE)                                         \
  template void extend(SPACE const&, ExtendArguments<float> const&); \
  template void extend(SPACE const&, ExtendArguments<double> const&);
KYRTOS_FOR_EACH_SPACE(KYRTOS_EXTEND)

}  // namespace kyrtos::layers::attention
