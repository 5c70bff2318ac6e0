// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/preconditioned_operator.hpp>
#include <kyrtos/curvature/preconditioner.hpp>
#include <kyrtos/curvature/restricted_operator.hpp>
#include <kyrtos/model/objective.hpp>
#include <kyrtos/train/run_parts.hpp>

#include "../common/progress.hpp"
#include "../common/stored_model.hpp"
#include "options.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kyrtos::program {

/// The training step of a checkpoint, where its state says it.
std::optional<Index> stored_step(io::CheckpointReader const& file);

/// The segments that take part and, unless there are no patterns, match one of them.
/// \throws ConfigError when a pattern matches none, or none is left.
std::vector<Segment> choose_segments(ParameterLayout const& layout,
                                     model::ActiveBlocks const& active,
                                     std::vector<std::string> const& patterns);

/// The row of a table by blocks that a segment belongs to, such as `blocks.3`.
std::string block_of(Segment const& segment);
/// The same of a table by kinds: its name without block and `.weight`, such as `mlp.up`.
std::string kind_of(Segment const& segment);

/// The matrix that `kyrtos curvature` looks at: of a stored model, on batches of its data, with
/// its preconditioner, restricted to some of its parameters.
template <class Scalar>
class CurvatureProblem {
 public:
  using Operator = curvature::LinearOperator<Scalar, Space>;

  /// \throws ConfigError, FileError, with the fix, when the checkpoint lacks what is asked for.
  CurvatureProblem(Context<Space> const& context, StoredModel<Scalar> const& stored,
                   CurvatureOptions const& options, Progress& progress);
  CurvatureProblem(CurvatureProblem&&) = delete;

  /// The matrix, of the chosen parameters: of the mean over all batches, until use_batch().
  Operator& matrix() { return restricted_ ? static_cast<Operator&>(*restricted_) : watched_; }
  /// The same of some of them.
  std::unique_ptr<Operator> part(std::vector<Segment> const& segments);

  void use_mean() { objective_.set_batches(batches(0, streams_.size())); }
  void use_batch(std::size_t i) { objective_.set_batches(batches(i, i + 1)); }

  double mean_loss();
  std::vector<Segment> const& segments() const { return segments_; }
  model::ActiveBlocks const& active() const { return active_; }
  WatchedOperator<Scalar, Space> const& watched() const { return watched_; }
  /// A rank's memory: parameters, activations, the operator's own vectors.
  double bytes();

 private:
  using Batch = kyrtos::Batch<Scalar, Space>;

  void require_memory(CurvatureOptions const& options) const;
  std::vector<train::TokenStream<Scalar, Space>> open_streams(
      CurvatureOptions const& options) const;
  std::vector<Batch> batches(std::size_t begin, std::size_t end) const;
  Operator& preconditioned();

  Context<Space> context_;
  StoredModel<Scalar> const& stored_;
  model::ActiveBlocks active_;
  std::vector<Segment> segments_;
  std::vector<train::TokenStream<Scalar, Space>> streams_;  // one a batch
  model::Objective<Scalar, Space> objective_;
  model::CurvatureOperator<Scalar, Space> matrix_;
  std::optional<curvature::PreconditionedOperator<Scalar, Space>> preconditioned_;
  WatchedOperator<Scalar, Space> watched_;
  std::unique_ptr<Operator> restricted_;
};

}  // namespace kyrtos::program
