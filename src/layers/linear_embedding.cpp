// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/region.hpp>
#include <kyrtos/layers/detail/rows.hpp>
#include <kyrtos/layers/linear_embedding.hpp>
#include <kyrtos/linalg/gemm.hpp>

#include "embedding.hpp"
#include "factor_rows.hpp"

namespace kyrtos::layers {

using linalg::gemm;
using linalg::Transpose;

namespace embedding {

/// y(b, t) ← bias + P[t]
template <class Scalar, class Space>
void start_rows(Context<Space> const& context, VectorView<Scalar const, Space> bias,
                MatrixView<Scalar const, Space> positions, Index length,
                MatrixView<Scalar, Space> y) {
  auto const columns = static_cast<int>(y.extent(1));
  Kokkos::parallel_for(
      "kyrtos::linear_embedding::forward",
      lanes::policy(context.space(), static_cast<Index>(y.extent(0))),
      KOKKOS_LAMBDA(lanes::Team<Space> const& team) {
        int const i = team.league_rank();
        Scalar* KOKKOS_RESTRICT const out = &y(i, 0);
        Scalar const* KOKKOS_RESTRICT const place = &positions(i % length, 0);
        Scalar const* KOKKOS_RESTRICT const shift = bias.data();
        lanes::for_each<Space>(team, columns, [&](int j, int) { out[j] = shift[j] + place[j]; });
      });
}

}  // namespace embedding

template <class Scalar, class Space>
LinearEmbedding<Scalar, Space>::LinearEmbedding(Index input_features, Index width, Index positions,
                                                double initial_scale)
    : input_features_(input_features),
      width_(width),
      positions_(positions),
      initial_scale_(initial_scale) {
  require<ConfigError>(input_features > 0 && width > 0 && positions >= 0,
                       "linear_embedding: input features and width must be positive");
}

template <class Scalar, class Space>
std::vector<SegmentSpec> LinearEmbedding<Scalar, Space>::parameters() const {
  Initialization const initial{Initialization::Kind::normal, initial_scale_};
  std::vector<SegmentSpec> specs{{"field.weight", {width_, input_features_}, initial, true},
                                 {"field.bias", {width_}}};
  if (positions_ > 0) specs.push_back({"position.weight", {positions_, width_}, initial, true});
  return specs;
}

template <class Scalar, class Space>
void LinearEmbedding<Scalar, Space>::check(Batch<Scalar, Space> const& batch,
                                           std::size_t parameters,
                                           MatrixView<Scalar const, Space> features) const {
  auto const fits = [](std::size_t found, Index wanted, char const* what) {
    if (static_cast<Index>(found) != wanted)
      throw ShapeError("linear_embedding: " + std::to_string(found) + " " + what + ", but " +
                       std::to_string(wanted) + " are needed");
  };
  fits(parameters, (input_features_ + 1 + positions_) * width_, "parameters");
  fits(batch.input_fields.extent(0), batch.shape.tokens(), "rows of input fields");
  fits(batch.input_fields.extent(1), input_features_, "input fields");
  fits(features.extent(0), batch.shape.tokens(), "rows of features");
  fits(features.extent(1), width_, "features");
  if (positions_ > 0 && batch.shape.length > positions_)
    throw ShapeError("linear_embedding: sequences of " + std::to_string(batch.shape.length) +
                     " rows, but the table of positions has " + std::to_string(positions_) +
                     " rows; shorten the sequences or raise the model's context");
}

template <class Scalar, class Space>
void LinearEmbedding<Scalar, Space>::forward(Context<Space> const& context,
                                             VectorView<Scalar const, Space> theta,
                                             Batch<Scalar, Space> const& batch,
                                             MatrixView<Scalar, Space> y) const {
  check(batch, theta.size(), y);
  Region<Space> const region(context, "kyrtos::linear_embedding::forward",
                             {.bytes = 2.0 * sizeof(Scalar) * static_cast<double>(y.size())});
  Index const weights = width_ * input_features_;
  auto const bias = slice(theta, weights, width_);
  if (positions_ > 0)
    embedding::start_rows<Scalar, Space>(context, bias,
                                         as_matrix(theta, weights + width_, positions_, width_),
                                         batch.shape.length, y);
  else
    detail::copy_to_rows<Scalar>(context, "kyrtos::linear_embedding::forward", bias, y);
  gemm<Scalar>(context, Transpose::no, Transpose::yes, 1, batch.input_fields,
               as_matrix(theta, 0, width_, input_features_), 1, y);
}

template <class Scalar, class Space>
void LinearEmbedding<Scalar, Space>::backward(Context<Space> const& context,
                                              Batch<Scalar, Space> const& batch,
                                              MatrixView<Scalar const, Space> dy,
                                              VectorView<Scalar, Space> dtheta) const {
  check(batch, dtheta.size(), dy);
  Region<Space> const region(context, "kyrtos::linear_embedding::backward",
                             {.bytes = 3.0 * sizeof(Scalar) * static_cast<double>(dy.size())});
  Index const weights = width_ * input_features_;
  gemm<Scalar>(context, Transpose::yes, Transpose::no, 1, dy, batch.input_fields, 1,
               as_matrix(dtheta, 0, width_, input_features_));
  detail::add_column_sums<Scalar>(context, "kyrtos::linear_embedding::backward", dy,
                                  slice(dtheta, weights, width_));
  if (positions_ > 0)
    embedding::add_position_gradient<Scalar, Space>(
        context, batch.shape, dy, as_matrix(dtheta, weights + width_, positions_, width_));
}

KYRTOS_INSTANTIATE(kyrtos::layers::LinearEmbedding)

}  // namespace kyrtos::layers
