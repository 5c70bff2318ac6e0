// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/error.hpp>
#include <kyrtos/layers/input_layer.hpp>

namespace kyrtos::layers {

/// y(b, t) = E[token(b, t)] + P[t], the second with learned positions only.
///
/// Linear in θ = (E, P), so the tangent forward is forward() with u, and the tangent backward is
/// backward() with dẏ and Hu:
///
///     dE[v] += Σ dy(b, t) over all (b, t) with token(b, t) = v
///     dP[t] += Σ_b dy(b, t)
///
/// The first sum has no atomics and one order: tokens are ranked by (identifier, place), so that
/// equal ones are neighbours, and one team sums one run of equal tokens. Ranking counts smaller
/// keys directly, N comparisons a token, in blocks of `block_rows` tokens so that the cost stays
/// linear in the batch; a block's ranks are its scratch. Rows of E that no token names are not
/// touched.
///
/// Memory traffic: forward reads the rows named and writes y; backward reads dy twice (once
/// without positions) and reads and writes the rows named. width additions a token each.
///
/// Segments `token.weight` [vocabulary, width] and `position.weight` [positions, width].
template <class Scalar, class Space>
class TokenEmbedding : public InputLayer<Scalar, Space> {
 public:
  static constexpr Index block_rows = 4096;

  /// `positions`: rows of the table of positions, the longest sequence; 0: no table.
  /// \throws ConfigError
  TokenEmbedding(Index vocabulary, Index width, Index positions, double initial_scale = 0.02);

  std::string kind() const override { return "token_embedding"; }
  Index out_features() const override { return width_; }
  std::vector<SegmentSpec> parameters() const override;

  void forward(Context<Space> const& context, VectorView<Scalar const, Space> theta,
               Batch<Scalar, Space> const& batch, MatrixView<Scalar, Space> y) const override;
  void backward(Context<Space> const& context, Batch<Scalar, Space> const& batch,
                MatrixView<Scalar const, Space> dy,
                VectorView<Scalar, Space> dtheta) const override;

 private:
  void check(Batch<Scalar, Space> const& batch, std::size_t parameters,
             MatrixView<Scalar const, Space> features) const;

  Index vocabulary_;
  Index width_;
  Index positions_;
  double initial_scale_;
};

}  // namespace kyrtos::layers
