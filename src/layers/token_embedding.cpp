// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/region.hpp>
#include <kyrtos/layers/token_embedding.hpp>

#include "embedding.hpp"

#include <algorithm>

namespace kyrtos::layers {

namespace embedding {

template <class Scalar, class Space>
void gather(Context<Space> const& context, VectorView<Token const, Space> tokens,
            MatrixView<Scalar const, Space> table, MatrixView<Scalar, Space> y) {
  auto const columns = static_cast<int>(y.extent(1));
  Kokkos::parallel_for(
      "kyrtos::token_embedding::forward",
      lanes::policy(context.space(), static_cast<Index>(y.extent(0))),
      KOKKOS_LAMBDA(lanes::Team<Space> const& team) {
        int const i = team.league_rank();
        Scalar* KOKKOS_RESTRICT const out = &y(i, 0);
        Scalar const* KOKKOS_RESTRICT const in = &table(tokens(i), 0);
        lanes::for_each<Space>(team, columns, [&](int j, int) { out[j] = in[j]; });
      });
}

template <class Scalar, class Space>
void gather_with_positions(Context<Space> const& context, VectorView<Token const, Space> tokens,
                           MatrixView<Scalar const, Space> table,
                           MatrixView<Scalar const, Space> positions, Index length,
                           MatrixView<Scalar, Space> y) {
  auto const columns = static_cast<int>(y.extent(1));
  Kokkos::parallel_for(
      "kyrtos::token_embedding::forward",
      lanes::policy(context.space(), static_cast<Index>(y.extent(0))),
      KOKKOS_LAMBDA(lanes::Team<Space> const& team) {
        int const i = team.league_rank();
        Scalar* KOKKOS_RESTRICT const out = &y(i, 0);
        Scalar const* KOKKOS_RESTRICT const in = &table(tokens(i), 0);
        Scalar const* KOKKOS_RESTRICT const place = &positions(i % length, 0);
        lanes::for_each<Space>(team, columns, [&](int j, int) { out[j] = in[j] + place[j]; });
      });
}

/// order(r) ← the token of rank r by (identifier, place).
template <class Space>
void rank(Context<Space> const& context, VectorView<Token const, Space> tokens,
          VectorView<int, Space> order) {
  auto const n = static_cast<int>(tokens.extent(0));
  using Range = Kokkos::RangePolicy<Space, Kokkos::IndexType<int>>;
  Kokkos::parallel_for(
      "kyrtos::token_embedding::rank", Range(context.space(), 0, n), KOKKOS_LAMBDA(int i) {
        Token const* const key = tokens.data();
        Token const own = key[i];
        int smaller = 0;
        for (int j = 0; j < i; ++j) smaller += key[j] <= own ? 1 : 0;
        for (int j = i + 1; j < n; ++j) smaller += key[j] < own ? 1 : 0;
        order(smaller) = i;
      });
}

/// Adds to each row of the table the sum of its run of ranked tokens.
template <class Scalar, class Space>
void add_runs(Context<Space> const& context, VectorView<Token const, Space> tokens,
              VectorView<int const, Space> order, MatrixView<Scalar const, Space> dy,
              MatrixView<Scalar, Space> table) {
  auto const n = static_cast<int>(tokens.extent(0)), columns = static_cast<int>(dy.extent(1));
  Kokkos::parallel_for(
      "kyrtos::token_embedding::backward", lanes::policy(context.space(), n),
      KOKKOS_LAMBDA(lanes::Team<Space> const& team) {
        int const first = team.league_rank();
        Token const own = tokens(order(first));
        if (first > 0 && tokens(order(first - 1)) == own) return;
        int last = first + 1;
        while (last < n && tokens(order(last)) == own) ++last;
        auto const row = [&](int k) { return &dy(order(first + k), 0); };
        add_rows<Space>(team, columns, last - first, row, &table(own, 0));
      });
}

}  // namespace embedding

template <class Scalar, class Space>
TokenEmbedding<Scalar, Space>::TokenEmbedding(Index vocabulary, Index width, Index positions,
                                              double initial_scale)
    : vocabulary_(vocabulary), width_(width), positions_(positions), initial_scale_(initial_scale) {
  require<ConfigError>(vocabulary > 0 && width > 0 && positions >= 0,
                       "token_embedding: vocabulary and width must be positive");
}

template <class Scalar, class Space>
std::vector<SegmentSpec> TokenEmbedding<Scalar, Space>::parameters() const {
  Initialization const initial{Initialization::Kind::normal, initial_scale_};
  std::vector<SegmentSpec> specs{{"token.weight", {vocabulary_, width_}, initial, true}};
  if (positions_ > 0) specs.push_back({"position.weight", {positions_, width_}, initial, true});
  return specs;
}

template <class Scalar, class Space>
void TokenEmbedding<Scalar, Space>::check(Batch<Scalar, Space> const& batch, std::size_t parameters,
                                          MatrixView<Scalar const, Space> features) const {
  auto const fits = [](std::size_t found, Index wanted, char const* what) {
    if (static_cast<Index>(found) != wanted)
      throw ShapeError("token_embedding: " + std::to_string(found) + " " + what + ", but " +
                       std::to_string(wanted) + " are needed");
  };
  fits(parameters, (vocabulary_ + positions_) * width_, "parameters");
  fits(batch.inputs.size(), batch.shape.tokens(), "input tokens");
  fits(features.extent(0), batch.shape.tokens(), "rows of features");
  fits(features.extent(1), width_, "features");
  Index const end = batch.first_position + batch.shape.length;
  if (positions_ > 0 && (batch.first_position < 0 || end > positions_))
    throw ShapeError("token_embedding: sequences of " + std::to_string(end) +
                     " tokens, but the table of positions has " + std::to_string(positions_) +
                     " rows; shorten the sequences or raise the model's context");
}

template <class Scalar, class Space>
void TokenEmbedding<Scalar, Space>::forward(Context<Space> const& context,
                                            VectorView<Scalar const, Space> theta,
                                            Batch<Scalar, Space> const& batch,
                                            MatrixView<Scalar, Space> y) const {
  check(batch, theta.size(), y);
  Region<Space> const region(context, "kyrtos::token_embedding::forward",
                             {.bytes = 2.0 * sizeof(Scalar) * static_cast<double>(y.size())});
  auto const table = as_matrix(theta, 0, vocabulary_, width_);
  if (positions_ == 0) return embedding::gather<Scalar, Space>(context, batch.inputs, table, y);
  Index const length = batch.shape.length;
  auto const positions =
      as_matrix(theta, (vocabulary_ + batch.first_position) * width_, length, width_);
  embedding::gather_with_positions<Scalar, Space>(context, batch.inputs, table, positions, length,
                                                  y);
}

template <class Scalar, class Space>
void TokenEmbedding<Scalar, Space>::backward(Context<Space> const& context,
                                             Batch<Scalar, Space> const& batch,
                                             MatrixView<Scalar const, Space> dy,
                                             VectorView<Scalar, Space> dtheta) const {
  check(batch, dtheta.size(), dy);
  require(batch.first_position == 0, "token_embedding: only whole sequences have a gradient");
  Region<Space> const region(context, "kyrtos::token_embedding::backward",
                             {.bytes = 3.0 * sizeof(Scalar) * static_cast<double>(dy.size())});
  Index const n = batch.shape.tokens();
  auto const table = as_matrix(dtheta, 0, vocabulary_, width_);
  auto const order = context.template scratch<int>(std::min(n, block_rows));
  for (Index begin = 0; begin < n; begin += block_rows) {
    Index const rows = std::min(block_rows, n - begin);
    auto const tokens = slice(batch.inputs, begin, rows);
    embedding::rank<Space>(context, tokens, slice(order, 0, rows));
    embedding::add_runs<Scalar, Space>(context, tokens, slice(order, 0, rows),
                                       rows_of(dy, begin, rows), table);
  }
  if (positions_ > 0)
    embedding::add_position_gradient<Scalar, Space>(
        context, batch.shape, dy, as_matrix(dtheta, vocabulary_ * width_, positions_, width_));
}

KYRTOS_INSTANTIATE(kyrtos::layers::TokenEmbedding)

}  // namespace kyrtos::layers
