// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "model.hpp"

#include <kyrtos/train/run_parts.hpp>

namespace kyrtos::c {

template <class Scalar>
Model<Scalar>::Model(Context<Space> const& c, train::RunConfig settings, std::string stored_state)
    : context(std::is_same_v<Scalar, float> ? train::with_precision(c, settings.training.precision)
                                            : c),
      config(std::move(settings)),
      state(std::move(stored_state)),
      transformer(config.model),
      active(train::active_blocks(config, state, "the model's checkpoint")),
      parameters_(std::in_place, context, transformer),
      objective_(context, transformer, *parameters_, objective_options(false)) {}

template <class Scalar>
model::ObjectiveOptions Model<Scalar>::objective_options(bool tangents) const {
  return {
      .workspace = {.active = active, .tangents = tangents, .recompute = config.training.recompute},
      .reduction = config.parallel.reduction};
}

template <class Scalar>
auto Model<Scalar>::objective(Batches<Scalar> const& batches) -> Objective& {
  objective_.set_batches(batches.all());
  return objective_;
}

template <class Scalar>
void Model<Scalar>::use_parameters(kyrtos_array const& array) {
  require_argument(!home_is_fixed_, "parameters: say where they lie before you make a trainer");
  auto const home = in_place<Scalar>(array, {"parameters", {size()}});
  parameters_.emplace(context, home);  // where the objective looks for them
}

template class Model<float>;
template class Model<double>;

}  // namespace kyrtos::c
