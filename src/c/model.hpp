// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/model/objective.hpp>
#include <kyrtos/train/config.hpp>

#include "batches.hpp"

#include <optional>

namespace kyrtos::c {

/// An architecture with its configuration, parameters and memory.
template <class Scalar>
class Model {
 public:
  using Objective = model::Objective<Scalar, Space>;

  /// \param state of the checkpoint that it comes from, empty for a new one; says which blocks
  /// take part.
  Model(Context<Space> const& context, train::RunConfig config, std::string state = {});

  Index size() const { return transformer.layout().size(); }
  ParameterLayout const& layout() const { return transformer.layout(); }
  VectorView<Scalar, Space> theta() const { return parameters_->own().local(); }
  model::Parameters<Scalar, Space>& parameters() { return *parameters_; }

  /// The loss on these batches, until it is asked for others.
  Objective& objective(Batches<Scalar> const& batches);
  /// Without batches, for inference.
  Objective& objective() { return objective_; }
  /// Of the objectives that others make of this model.
  model::ObjectiveOptions objective_options(bool tangents) const;

  /// Makes the caller's memory the home of θ. \throws Failure once somebody relies on where it is.
  void use_parameters(kyrtos_array const& array);
  void rely_on_home() { home_is_fixed_ = true; }

  Context<Space> const context;
  train::RunConfig const config;
  std::string const state;
  std::string checkpoint;   ///< That the model was loaded from; empty for another.
  std::string config_text;  ///< Once somebody has asked for it.
  model::Transformer<Scalar, Space> const transformer;
  model::ActiveBlocks const active;

 private:
  std::optional<model::Parameters<Scalar, Space>> parameters_;
  bool home_is_fixed_ = false;
  Objective objective_;
};

/// make(Scalar()) in the precision that is named. \throws Failure when it is none.
template <class Make>
auto in_precision(kyrtos_type precision, Make const& make) {
  if (!is_real(precision))
    throw Failure(KYRTOS_ERROR_ARGUMENT, "the precision must be KYRTOS_FLOAT32 or KYRTOS_FLOAT64");
  return precision == KYRTOS_FLOAT32 ? make(float()) : make(double());
}

}  // namespace kyrtos::c

struct kyrtos_model final : kyrtos::c::HandleOf<kyrtos::c::Either<kyrtos::c::Model>> {
  using HandleOf::HandleOf;
};
