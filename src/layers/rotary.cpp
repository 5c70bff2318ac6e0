// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/layers/detail/rows.hpp>
#include <kyrtos/layers/rotary.hpp>

namespace kyrtos::layers {

namespace rotary {

/// y = R(direction·angle) x; a sequence's first row is token `first`. A team takes `chunk` tokens
/// of a sequence and keeps, per pair of features, the angle's cosine and sine, and those of one
/// token's step.
template <class Scalar, class Space>
void rotate(Context<Space> const& context, char const* label, RotaryOptions const& options,
            SequenceShape shape, MatrixView<Scalar const, Space> x, MatrixView<Scalar, Space> y,
            double direction, Index first = 0) {
  using Member = detail::RowMember<Space>;
  using Table =
      Kokkos::View<double**, Kokkos::LayoutRight, typename Space::scratch_memory_space, Unmanaged>;
  constexpr Index chunk = 32;
  Index const half = options.head_size / 2, rotated = options.heads + options.kv_heads;
  Index const width = options.kv_heads * options.head_size;
  Index const chunks = (shape.length + chunk - 1) / chunk, length = shape.length;
  double const base = options.base;
  bool const in_place = x.data() == y.data();
  Kokkos::TeamPolicy<Space> policy(context.space(), static_cast<int>(shape.batch * chunks), 1,
                                   detail::RowTraits<Space>::vector_length);
  policy.set_scratch_size(
      0, Kokkos::PerTeam(static_cast<int>(Table::shmem_size(4, static_cast<std::size_t>(half)))));
  Kokkos::parallel_for(
      label, policy, KOKKOS_LAMBDA(Member const& member) {
        Table const table(member.team_scratch(0), 4, static_cast<std::size_t>(half));
        double* const c = &table(0, 0);
        double* const s = &table(1, 0);
        double* const step_c = &table(2, 0);
        double* const step_s = &table(3, 0);
        Index const sequence = member.league_rank() / chunks;
        Index const begin = member.league_rank() % chunks * chunk;
        Index const end = begin + chunk < length ? begin + chunk : length;
        // Not row_for: library functions in a loop that promises vectors gain nothing.
        Kokkos::parallel_for(Kokkos::ThreadVectorRange(member, half), [&](Index i) {
          double const step = direction * math::pow(base, -double(i) / double(half));
          c[i] = math::cos(double(first + begin) * step);
          s[i] = math::sin(double(first + begin) * step);
          step_c[i] = math::cos(step);
          step_s[i] = math::sin(step);
        });
        for (Index t = begin; t < end; ++t) {
          Scalar const* from = &x(sequence * length + t, 0);
          Scalar* to = &y(sequence * length + t, 0);
          for (Index head = 0; head < rotated; ++head, from += 2 * half, to += 2 * half)
            detail::row_for<Space>(member, half, [=](Index i) {
              auto const cosine = static_cast<Scalar>(c[i]), sine = static_cast<Scalar>(s[i]);
              Scalar const a = from[i], b = from[i + half];
              to[i] = cosine * a - sine * b;
              to[i + half] = cosine * b + sine * a;
            });
          if (!in_place) detail::row_for<Space>(member, width, [=](Index i) { to[i] = from[i]; });
          detail::row_for<Space>(member, half, [=](Index i) {
            double const cosine = c[i];
            c[i] = cosine * step_c[i] - s[i] * step_s[i];
            s[i] = s[i] * step_c[i] + cosine * step_s[i];
          });
        }
      });
}

}  // namespace rotary

template <class Scalar, class Space>
Rotary<Scalar, Space>::Rotary(RotaryOptions const& options) : options_(options) {
  if (options_.kv_heads == 0) options_.kv_heads = options_.heads;
  require<ConfigError>(options_.heads > 0 && options_.kv_heads > 0,
                       "rotary: heads and kv_heads must be positive");
  require<ConfigError>(options_.head_size > 0 && options_.head_size % 2 == 0,
                       "rotary: head_size = " + std::to_string(options_.head_size) +
                           " must be even, since features are rotated in pairs");
  require<ConfigError>(options_.base > 0, "rotary: base must be positive");
}

template <class Scalar, class Space>
double Rotary<Scalar, Space>::forward_flops(SequenceShape shape) const {
  return 3 * static_cast<double>(shape.tokens() * (options_.heads + options_.kv_heads) *
                                 options_.head_size);
}

template <class Scalar, class Space>
void Rotary<Scalar, Space>::forward(Context<Space> const& context, ConstVector,
                                    Pass const& p) const {
  rotary::rotate<Scalar>(context, "kyrtos::rotary::forward", options_, p.shape, p.x, p.y, 1);
}

template <class Scalar, class Space>
void Rotary<Scalar, Space>::extend(Context<Space> const& context, ConstVector, Pass const& p,
                                   Past<Scalar, Space> const& past) const {
  rotary::rotate<Scalar>(context, "kyrtos::rotary::extend", options_, p.shape, p.x, p.y, 1,
                         past.tokens);
}

template <class Scalar, class Space>
void Rotary<Scalar, Space>::tangent_forward(Context<Space> const& context, ConstVector, ConstVector,
                                            Pass const&, Pass const& t) const {
  rotary::rotate<Scalar>(context, "kyrtos::rotary::tangent_forward", options_, t.shape, t.x, t.y,
                         1);
}

template <class Scalar, class Space>
void Rotary<Scalar, Space>::backward(Context<Space> const& context, ConstVector, Pass const& p,
                                     Back const& a, MutableVector) const {
  if (a.x.size() == 0) return;
  rotary::rotate<Scalar>(context, "kyrtos::rotary::backward", options_, p.shape, a.y, a.x, -1);
}

template <class Scalar, class Space>
void Rotary<Scalar, Space>::tangent_backward(Context<Space> const& context, ConstVector,
                                             ConstVector, Pass const& p, Pass const&, Back const&,
                                             Back const& ta, MutableVector) const {
  if (ta.x.size() == 0) return;
  rotary::rotate<Scalar>(context, "kyrtos::rotary::tangent_backward", options_, p.shape, ta.y, ta.x,
                         -1);
}

}  // namespace kyrtos::layers

KYRTOS_INSTANTIATE(kyrtos::layers::Rotary)
