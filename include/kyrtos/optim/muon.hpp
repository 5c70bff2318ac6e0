// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/linalg/newton_schulz.hpp>
#include <kyrtos/linalg/range_sums.hpp>
#include <kyrtos/optim/adamw.hpp>
#include <kyrtos/parallel/whole_matrices.hpp>

namespace kyrtos::optim {

struct MuonOptions {
  double momentum = 0.95;
  bool nesterov = true;
  /// Of the step of a matrix, s:
  enum class Scale {
    spectral,  ///< √max(1, rows/columns), the spectral norm of the step (Jordan et al. 2024).
    rms,       ///< 0.2·√max(rows, columns): elements as large as AdamW's (arXiv 2502.16982).
  } scale = Scale::rms;
  int steps = 5;          ///< Newton–Schulz steps.
  double adamw_rate = 1;  ///< AdamW's learning rate is this share of Muon's.
};

double step_scale(MuonOptions::Scale scale, Index rows, Index columns);

/// Muon (Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks") for some
/// matrices, W [rows, columns] with gradient G, and AdamW for the rest:
///
///     M ← βM + G,  D = G + βM (Nesterov) or M
///     W ← W − η( s·O(D) + weight_decay·W )
///
/// O(D) = U p(Σ/‖D‖) Vᵀ are Newton–Schulz steps (linalg/newton_schulz.hpp), about UVᵀ. Each matrix
/// is orthogonalised whole, by one rank (parallel/whole_matrices.hpp).
///
/// State: m holds M, and v, which is the second moment elsewhere, O(D) of the last step. Waits for
/// the instance at each matrix; collective.
template <class Scalar, class Space = Kokkos::DefaultExecutionSpace>
class Muon final : public AdamW<Scalar, Space> {
 public:
  using Base = AdamW<Scalar, Space>;
  using typename Base::ConstVector;
  using typename Base::Moved;
  using typename Base::MutableVector;

  /// \param tensors of the whole vector, and how it lies on the ranks.
  /// \param matrices of the whole vector; those that lie in no range do not move.
  /// \throws ConfigError as AdamW does, and for a momentum outside [0, 1) or a rate below 0.
  Muon(Context<Space> const& context, std::vector<ParameterRange> ranges,
       std::vector<parallel::MatrixRange> matrices, Tensors const& tensors,
       AdamWOptions const& adamw = {}, MuonOptions const& options = {});

  std::string name() const override { return "muon"; }
  /// None: P is Adam's, and the largest part is not Adam's.
  std::optional<curvature::AdamPreconditionerOptions> preconditioner() const override {
    return std::nullopt;
  }
  std::vector<Moved> moved() const override;

  std::vector<parallel::MatrixRange> const& matrices() const { return whole_.matrices(); }
  /// Of each matrix its s: a step of rate 1 has it as spectral norm, nearly.
  std::vector<double> const& scales() const { return scales_; }

  /// Σ s⟨O(D), (1 − β)M⟩ over the matrices: with (1 − β)M as the gradient of the mean loss, how
  /// fast that falls along the last step, per unit of η. About the dual norm Σ s‖(1 − β)M‖_* of
  /// the ball whose vertices are Muon's steps. Waits for the instance; collective.
  double slope(Context<Space> const& context) const;

 private:
  /// What this rank holds of a matrix, as local elements.
  struct Piece {
    std::size_t matrix = 0;
    Partition::Slice slice;
  };
  template <class OfAdam, class OfMatrix>
  void for_each_part(OfAdam const& of_adam, OfMatrix const& of_matrix) const;
  std::vector<ParameterRange> adam_ranges() const override;
  void move(Context<Space> const& context, MutableVector theta, ConstVector gradient,
            double learning_rate, double gradient_scale) override;

  MuonOptions options_;
  WeightDecay decay_;
  bool is_split_;
  parallel::WholeMatrices<Scalar, Space> whole_;
  linalg::NewtonSchulz<Scalar, Space> newton_schulz_;
  std::vector<double> scales_;
  std::vector<Piece> pieces_;  // in the order of the local vector
  linalg::RangeSums<Space> products_;
};

}  // namespace kyrtos::optim
