// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/projection_head.hpp>

namespace kyrtos::layers {

/// Mean squared error of continuous outputs z = x Wᵀ + b against target fields y.
///
/// With F outputs and w = batch.weight, for one row:
///
///     φ  = Σⱼ (zⱼ − yⱼ)² / F
///     Dⱼ = 2w (zⱼ − yⱼ) / F
///     φ̇  = Σⱼ 2 (zⱼ − yⱼ) żⱼ / F
///     Ḋⱼ = 2w żⱼ / F
///
/// so that w = 1/(rows of the global batch) gives the mean over rows and outputs. ∂²φ/∂z² is the
/// constant 2/F on the diagonal.
///
/// Segments `weight` [output_features, width] and `bias` [output_features].
template <class Scalar, class Space>
class MeanSquaredErrorHead : public ProjectionHead<Scalar, Space> {
  using Head = ProjectionHead<Scalar, Space>;

 public:
  /// `chunk_rows` 0: chosen by the number of outputs. \throws ConfigError
  MeanSquaredErrorHead(Index width, Index output_features, double initial_scale = 0.02,
                       Index chunk_rows = 0);

  std::string kind() const override { return "mean_squared_error_head"; }
  std::vector<SegmentSpec> parameters() const override;

 private:
  using typename Head::Rows;
  void evaluate(Context<Space> const& context, Batch<Scalar, Space> const& batch,
                Rows const& rows) const override;
  void check_targets(Batch<Scalar, Space> const& batch) const override;

  double initial_scale_;
};

}  // namespace kyrtos::layers
