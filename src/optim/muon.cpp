// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/optim/detail/for_each_element.hpp>
#include <kyrtos/optim/muon.hpp>

#include <algorithm>
#include <cmath>

namespace kyrtos::optim {

namespace detail {

/// M and D of element i.
template <class Scalar, class Space>
struct MuonDirection {
  VectorView<Scalar const, Space> gradient;
  VectorView<Scalar, Space> m, d;
  Scalar momentum, scale;
  bool nesterov;

  KOKKOS_INLINE_FUNCTION void operator()(Index i) const {
    Scalar const g = scale * gradient(i);
    m(i) = momentum * m(i) + g;
    d(i) = nesterov ? g + momentum * m(i) : m(i);
  }
};

template <class Scalar, class Space>
struct MuonStep {
  VectorView<Scalar const, Space> direction;
  VectorView<Scalar, Space> theta;
  Scalar rate, shrink;

  KOKKOS_INLINE_FUNCTION void operator()(Index i) const {
    theta(i) = shrink * theta(i) - rate * direction(i);
  }
};

template <class Scalar, class Space>
struct ProductTerms {
  VectorView<Scalar const, Space> x, y;

  KOKKOS_INLINE_FUNCTION linalg::Terms<1> operator()(Index i) const {
    return {{static_cast<double>(x(i)) * static_cast<double>(y(i))}};
  }
};

}  // namespace detail

double step_scale(MuonOptions::Scale scale, Index rows, Index columns) {
  auto const m = static_cast<double>(rows), n = static_cast<double>(columns);
  return scale == MuonOptions::Scale::rms ? 0.2 * std::sqrt(std::max(m, n))
                                          : std::sqrt(std::max(1.0, m / n));
}

namespace {

/// AdamW's options within Muon's, whose rate is another one.
AdamWOptions for_the_rest(AdamWOptions options, double rate) {
  options.decay_reference_rate *= rate;
  return options;
}

}  // namespace

template <class Scalar, class Space>
Muon<Scalar, Space>::Muon(Context<Space> const& context, std::vector<ParameterRange> ranges,
                          std::vector<parallel::MatrixRange> matrices, Tensors const& tensors,
                          AdamWOptions const& adamw, MuonOptions const& options)
    : Base(context, tensors.partition.local_size(), std::move(ranges),
           for_the_rest(adamw, options.adamw_rate), tensors),
      options_(options),
      decay_{adamw.weight_decay, adamw.decay_reference_rate},
      is_split_(tensors.partition.is_split()),
      whole_(context, "optimizer", tensors.partition, std::move(matrices)),
      newton_schulz_(context, "optimizer::newton_schulz", whole_.largest_size(),
                     whole_.largest_side()) {
  require<ConfigError>(options.momentum >= 0 && options.momentum < 1,
                       "optimizer.muon_momentum must be in [0, 1)");
  require<ConfigError>(options.adamw_rate >= 0, "optimizer.adamw_rate must not be negative");
  for (std::size_t i = 0; i < whole_.matrices().size(); ++i) {
    auto const& m = whole_.matrices()[i];
    scales_.push_back(step_scale(options.scale, m.rows, m.columns));
    for (auto const& slice : tensors.partition.slices(m.range())) pieces_.push_back({i, slice});
  }
  std::sort(pieces_.begin(), pieces_.end(),
            [](Piece const& a, Piece const& b) { return a.slice.local < b.slice.local; });
  std::vector<ParameterLayout::Range> locals;
  for (auto const& [matrix, slice] : pieces_) locals.push_back({slice.local, slice.size});
  products_ = linalg::RangeSums<Space>(context, locals);
}

/// Cuts the ranges where matrices begin and end: of_adam(range) for what is between them,
/// of_matrix(range, piece) for each of them. (Ranges hold matrices whole, or none of them.)
template <class Scalar, class Space>
template <class OfAdam, class OfMatrix>
void Muon<Scalar, Space>::for_each_part(OfAdam const& of_adam, OfMatrix const& of_matrix) const {
  for (auto const& range : this->ranges()) {
    Index at = range.offset;
    Index const end = range.offset + range.size;
    auto const rest_until = [&](Index next) {
      auto between = range;
      between.offset = at;
      between.size = next - at;
      if (between.size > 0) of_adam(between);
    };
    auto piece = std::lower_bound(pieces_.begin(), pieces_.end(), at,
                                  [](auto const& p, Index i) { return p.slice.local < i; });
    for (; piece != pieces_.end() && piece->slice.local < end; ++piece) {
      rest_until(piece->slice.local);
      of_matrix(range, *piece);
      at = piece->slice.local + piece->slice.size;
    }
    rest_until(end);
  }
}

template <class Scalar, class Space>
std::vector<ParameterRange> Muon<Scalar, Space>::adam_ranges() const {
  std::vector<ParameterRange> ranges;
  for_each_part([&](ParameterRange const& range) { ranges.push_back(range); },
                [](ParameterRange const&, Piece const&) {});
  return ranges;
}

template <class Scalar, class Space>
void Muon<Scalar, Space>::move(Context<Space> const& context, MutableVector theta,
                               ConstVector gradient, double learning_rate, double gradient_scale) {
  auto const& m = this->m_;
  auto const& v = this->v_;
  auto const nothing = [](ParameterRange const&) {};
  for_each_part(nothing, [&](ParameterRange const&, Piece const& piece) {
    auto const& [offset, local, size] = piece.slice;
    detail::MuonDirection<Scalar, Space> const direction{slice(gradient, local, size),
                                                         slice(m, local, size),
                                                         slice(v, local, size),
                                                         static_cast<Scalar>(options_.momentum),
                                                         static_cast<Scalar>(gradient_scale),
                                                         options_.nesterov};
    detail::for_each_element(context, "kyrtos::muon::direction", size, direction);
  });
  auto const steps = linalg::muon_steps(options_.steps);
  whole_.transform(context, v, [&](std::size_t, MatrixView<Scalar, Space> x) {
    newton_schulz_.apply(context, x, steps);
  });
  for_each_part(nothing, [&](ParameterRange const& range, Piece const& piece) {
    auto const& [offset, local, size] = piece.slice;
    double const rate = learning_rate * range.age.rate;
    detail::MuonStep<Scalar, Space> const step{
        slice(v, local, size), slice(theta, local, size),
        static_cast<Scalar>(rate * scales_[piece.matrix]),
        static_cast<Scalar>(range.decay ? decay_.factor(rate) : 1)};
    detail::for_each_element(context, "kyrtos::muon::update", size, step);
  });
  Base::move(context, theta, gradient, learning_rate * options_.adamw_rate, gradient_scale);
}

template <class Scalar, class Space>
auto Muon<Scalar, Space>::moved() const -> std::vector<Moved> {
  auto all = Base::moved();
  for (auto& one : all) one.share *= options_.adamw_rate;
  for_each_part([](ParameterRange const&) {},
                [&](ParameterRange const& range, Piece const& piece) {
                  all.push_back({piece.slice.local, piece.slice.size,
                                 range.age.rate * scales_[piece.matrix], this->v_});
                });
  return all;
}

template <class Scalar, class Space>
double Muon<Scalar, Space>::slope(Context<Space> const& context) const {
  auto const sums = products_.template sum<1>(
      context, "kyrtos::muon::slope", detail::ProductTerms<Scalar, Space>{this->v_, this->m_});
  double total = 0;
  for (std::size_t i = 0; i < sums.size(); ++i)
    total += (1 - options_.momentum) * scales_[pieces_[i].matrix] * sums[i][0];
  return is_split_ ? context.communicator().sum(total) : total;
}

KYRTOS_INSTANTIATE(kyrtos::optim::Muon)

}  // namespace kyrtos::optim
