// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/layers/detail/rows.hpp>
#include <kyrtos/layers/rotary.hpp>

#include <algorithm>
#include <cmath>

namespace kyrtos::layers {

RotaryScaling RotaryScaling::resolved() const {
  constexpr double llama3_turns = 4, yarn_turns = 32;
  RotaryScaling s = *this;
  bool const is_yarn = kind == Kind::yarn;
  if (s.fast == 0) s.fast = is_yarn ? yarn_turns : llama3_turns;
  if (s.amplitude == 0) s.amplitude = is_yarn ? 1 + std::log(factor) / 10 : 1;
  return s;
}

namespace rotary {

/// Radians a token of each pair of features.
struct Frequencies {
  RotaryScaling::Kind kind;
  double base, factor;
  double low = 0, high = 1;  ///< Ends of the ramp: frequencies (llama3) or pairs (yarn).
  Index half;

  explicit Frequencies(RotaryOptions const& o)
      : kind(o.scaling.kind), base(o.base), factor(o.scaling.factor), half(o.features / 2) {
    auto const& s = o.scaling;
    if (kind == RotaryScaling::Kind::llama3) {
      low = s.slow * 2 * M_PI / s.context;
      high = s.fast * 2 * M_PI / s.context;
    } else if (kind == RotaryScaling::Kind::yarn) {
      auto const pair = [&](double turns) {
        return double(half) * std::log(s.context / (turns * 2 * M_PI)) / std::log(base);
      };
      low = std::max(std::floor(pair(s.fast)), 0.0);
      high = std::min(std::ceil(pair(s.slow)), double(o.features - 1));
      constexpr double narrowest = 0.001;  // as in the authors' code
      if (low == high) high += narrowest;
    }
  }

  KOKKOS_INLINE_FUNCTION double operator()(Index i) const {
    using Kind = RotaryScaling::Kind;
    double const f = math::pow(base, -double(i) / double(half));
    if (kind == Kind::none) return f;
    double kept = 0;
    if (kind == Kind::llama3) kept = (f - low) / (high - low);
    if (kind == Kind::yarn) kept = (high - double(i)) / (high - low);
    kept = kept < 0 ? 0 : kept > 1 ? 1 : kept;
    return f * (kept + (1 - kept) / factor);
  }
};

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
  Index const half = options.features / 2, rotated = options.heads + options.kv_heads;
  Index const size = options.head_size, rest = size - 2 * half, width = options.kv_heads * size;
  Index const chunks = (shape.length + chunk - 1) / chunk, length = shape.length;
  Frequencies const frequency(options);
  double const amplitude = options.scaling.amplitude;
  bool const in_place = x.data() == y.data();
  auto policy = detail::row_policy(context, shape.batch * chunks);
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
        Kokkos::parallel_for(detail::row_range<Space>(member, half), [&](Index i) {
          double const step = direction * frequency(i);
          c[i] = amplitude * math::cos(double(first + begin) * step);
          s[i] = amplitude * math::sin(double(first + begin) * step);
          step_c[i] = math::cos(step);
          step_s[i] = math::sin(step);
        });
        for (Index t = begin; t < end; ++t) {
          Scalar const* from = &x(sequence * length + t, 0);
          Scalar* to = &y(sequence * length + t, 0);
          for (Index head = 0; head < rotated; ++head, from += size, to += size) {
            detail::row_for<Space>(member, half, [=](Index i) {
              auto const cosine = static_cast<Scalar>(c[i]), sine = static_cast<Scalar>(s[i]);
              Scalar const a = from[i], b = from[i + half];
              to[i] = cosine * a - sine * b;
              to[i + half] = cosine * b + sine * a;
            });
            if (!in_place && rest > 0)
              detail::row_for<Space>(member, rest,
                                     [=](Index i) { to[2 * half + i] = from[2 * half + i]; });
          }
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
  if (options_.features == 0) options_.features = options_.head_size;
  require<ConfigError>(options_.features > 0 && options_.features <= options_.head_size &&
                           options_.features % 2 == 0,
                       "rotary: of head_size = " + std::to_string(options_.head_size) + " " +
                           std::to_string(options_.features) +
                           " features can't be rotated: they must be even in number, since it is "
                           "done in pairs");
  require<ConfigError>(options_.base > 0, "rotary: base must be positive");
  auto& s = options_.scaling = options_.scaling.resolved();
  using Kind = RotaryScaling::Kind;
  require<ConfigError>(s.kind == Kind::none || s.factor >= 1,
                       "rotary: the factor of scaled positions must be at least 1");
  bool const has_ramp = s.kind == Kind::llama3 || s.kind == Kind::yarn;
  require<ConfigError>(!has_ramp || (s.context > 0 && s.slow > 0 && s.slow < s.fast),
                       "rotary: scaled positions need the context of the first training, and "
                       "fewer slow turns than fast ones");
  require<ConfigError>(s.kind != Kind::yarn || options_.base > 1,
                       "rotary: yarn needs a base above 1");
}

template <class Scalar, class Space>
double Rotary<Scalar, Space>::forward_flops(SequenceShape shape) const {
  return 3 * static_cast<double>(shape.tokens() * (options_.heads + options_.kv_heads) *
                                 options_.features);
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
