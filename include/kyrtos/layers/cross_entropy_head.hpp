// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/projection_head.hpp>

namespace kyrtos::layers {

/// Softmax cross-entropy of logits z = x Wᵀ against target tokens, with an optional z-loss.
///
/// For one row with target t, L = log Σⱼ exp zⱼ, p = softmax(z), and c the z-loss coefficient
/// (de Brébisson and Vincent, "The Z-loss", 2016; PaLM, arXiv 2204.02311, section 5):
///
///     φ  = L − z_t + c L²
///     Dⱼ = w (a pⱼ − δⱼt),               a = 1 + 2cL,  w = batch.weight
///     φ̇  = a μ − ż_t,                    μ = L̇ = Σⱼ pⱼ żⱼ
///     Ḋⱼ = w pⱼ (a żⱼ + (2c − a) μ)
///
/// The last line is D's derivative, with ṗⱼ = pⱼ(żⱼ − μ) and ȧ = 2cμ. D is not a function of the
/// target beyond a constant, so that Ḋ = w (∂²φ/∂z²) ż as it stands; without z-loss the matrix is
/// diag(p) − ppᵀ, positive semidefinite, which makes the Gauss-Newton matrix so too. (With one,
/// as long as L > −1/(2c).) Rows with a negative target have φ = 0, D = 0 and Ḋ = 0.
///
/// The row kernel reads the logits three times, for the maximum, for exp(zⱼ − max) (kept in z's
/// place) with the sums Σ exp and Σ exp·ż, and for writing D and Ḋ; one exponential a logit. On
/// CPUs the second and third reading come from the core's cache.
///
/// Segment `weight` [vocabulary, width]; none when tied: θ is then the token embedding's matrix.
template <class Scalar, class Space>
class CrossEntropyHead : public ProjectionHead<Scalar, Space> {
  using Head = ProjectionHead<Scalar, Space>;

 public:
  /// `chunk_rows` 0: chosen by the vocabulary. \throws ConfigError
  CrossEntropyHead(Index vocabulary, Index width, bool tied, double z_loss = 0,
                   double initial_scale = 0.02, Index chunk_rows = 0);

  std::string kind() const override { return "cross_entropy_head"; }
  std::vector<SegmentSpec> parameters() const override;

 private:
  using typename Head::Rows;
  void evaluate(Context<Space> const& context, Batch<Scalar, Space> const& batch,
                Rows const& rows) const override;
  void check_targets(Batch<Scalar, Space> const& batch) const override;

  bool tied_;
  double z_loss_;
  double initial_scale_;
};

}  // namespace kyrtos::layers
