// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/interruption.hpp>
#include <kyrtos/train/curvature_probe.hpp>

#include <functional>
#include <optional>
#include <vector>

namespace kyrtos::train {

/// Measures the tracked direction on sequences that it was not fitted to.
///
/// λ of a probe is too large in the mean, as u was chosen for just these sequences. On n batches of
/// as many other sequences, drawn independently of u,
///
///     ρᵢ = ⟨u, Aᵢu⟩/⟨u, u⟩,   ρ̄ = Σ ρᵢ/n,   error s/√n,   s² = Σ (ρᵢ − ρ̄)²/(n − 1),
///
/// ρ̄ is an unbiased estimate of ⟨u, Au⟩/⟨u, u⟩ over all data, and that is at most λmax(A)
/// (docs/mathematics.md). A is the matrix that the probe follows, with P as it is now; over
/// spectral norms ρᵢ = ⟨D, HᵢD⟩, of which the same is true.
///
/// Where factors of the probe's products are rounded, one product more on the first of these
/// batches, in training's precision, says what the rounding does to ⟨u, Au⟩ and to Au.
///
/// Neither the probe nor the training are changed by it: a run takes the same steps with it and
/// without. Memory: none for a probe of its own sequences; for one on the step's batch, or with
/// rounded factors, an objective with tangents, and for the latter a vector.
template <class Scalar, class Space = Kokkos::DefaultExecutionSpace>
class CurvatureCheck {
 public:
  using Objective = model::Objective<Scalar, Space>;
  using Batch = kyrtos::Batch<Scalar, Space>;
  /// This rank's micro-batches of the i-th batch that is drawn at a step, as many sequences as the
  /// probe has; their data stay until the next call. Collective.
  using Source = std::function<std::vector<Batch>(Index i)>;

  /// \param probe must outlive the check, as must `training`, the trainer's own objective.
  /// \param options those of the probe. \param shape of the source's micro-batches.
  /// \throws ConfigError without a tracker, whose direction it takes.
  CurvatureCheck(CurvatureProbe<Scalar, Space>& probe, Objective& training,
                 CurvatureOptions const& options, SequenceShape shape, Source source,
                 Interruption interrupted = never_interrupted);
  CurvatureCheck(CurvatureCheck&&) = delete;

  /// Whether a step, counted from 1, has a check.
  bool is_due(Index step) const { return step % options_.check_every == 0; }
  /// Products of one check.
  Index products() const { return options_.check_batches + (rounds_ ? 1 : 0); }

  /// At the present θ, on products() products; nothing without an estimate to check, or where it is
  /// interrupted. Overwrites the probe's image. Collective.
  std::optional<CheckReport> measure();

  void set_active(model::ActiveBlocks const& active);

 private:
  struct Image {
    double quotient = 0, length = 0;
  };
  void apply(Objective& objective, VectorView<Scalar, Space> y);
  Image quotient_of(VectorView<Scalar, Space> y) const;
  void compare_precisions(std::vector<Batch> const& batches, CheckReport& report);

  CurvatureProbe<Scalar, Space>* probe_;
  CurvatureOptions options_;
  Source source_;
  Interruption interrupted_;
  std::optional<Objective> own_;  // in training's precision; where the probe's doesn't do
  Objective* measured_;           // own_ or the probe's
  VectorView<Scalar const, Space> direction_;
  curvature::AdamPreconditioner<Scalar, Space> const none_;
  bool rounds_;                  // factors, where training does not
  Vector<Scalar, Space> image_;  // in training's precision; with rounds_
};

/// Products of a check, on average over the steps.
double check_products(CurvatureOptions const& options, bool rounds_factors);

}  // namespace kyrtos::train
