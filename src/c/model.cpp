// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "model.hpp"

#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/parallel/all_reduce.hpp>
#include <kyrtos/train/run_parts.hpp>

namespace kyrtos::c {

template <class Scalar>
Model<Scalar>::Model(Context<Space> const& c, RunConfig settings, std::string stored_state)
    : context(std::is_same_v<Scalar, float> ? with_precision(c, settings.training.precision) : c),
      config(std::move(settings)),
      state(std::move(stored_state)),
      transformer(config.model),
      active(active_blocks(config, state, "the model's checkpoint")),
      storage_(allocate<Scalar>(context, "theta", transformer.layout().size())) {
  theta = storage_;
}

template <class Scalar>
TransformerWorkspace<Scalar, Space>& Model<Scalar>::workspace(SequenceShape shape, bool tangents) {
  bool const fits =
      workspace_ && workspace_->shape() == shape && (workspace_->options().tangents || !tangents);
  if (!fits) {
    workspace_.reset();  // give back first
    workspace_.emplace(
        context, transformer, shape,
        TransformerWorkspaceOptions{
            .active = active, .tangents = tangents, .recompute = config.training.recompute});
  }
  return *workspace_;
}

template <class Scalar>
double Model<Scalar>::loss(Batches<Scalar> const& batches) {
  double sum = 0;
  for (auto const& batch : batches.all())
    sum += transformer.loss(workspace(batch.shape, false), theta, batch);
  return context.communicator().sum(sum);
}

template <class Scalar>
double Model<Scalar>::gradient(Batches<Scalar> const& batches, Vectors gradient) {
  double sum = 0;
  for (auto const& batch : batches.all())
    sum += transformer.gradient(workspace(batch.shape, false), theta, batch, gradient);
  all_reduce_sum<Scalar, Space>(context, gradient);
  return context.communicator().sum(sum);
}

template <class Scalar>
double Model<Scalar>::hvp(Batches<Scalar> const& batches, VectorView<Scalar const, Space> u,
                          Vectors hu, Vectors gradient) {
  double sum = 0;
  for (auto const& batch : batches.all())
    sum += transformer.gradient_and_hvp(workspace(batch.shape, true), theta, u, batch, gradient, hu)
               .loss;
  all_reduce_sum<Scalar, Space>(context, hu);
  if (gradient.size() > 0) all_reduce_sum<Scalar, Space>(context, gradient);
  return context.communicator().sum(sum);
}

template <class Scalar>
void Model<Scalar>::use_parameters(kyrtos_array const& array) {
  check_array(array, {"parameters", {size()}});
  require_argument(!home_is_fixed_, "parameters: say where they lie before you make a trainer");
  if (!is_in_place<Scalar>(array))
    throw ShapeError(
        "parameters: can be worked on in place only where they are contiguous, of the model's "
        "precision and in the memory of Kokkos' execution space");
  theta =
      VectorView<Scalar, Space>(static_cast<Scalar*>(array.data), static_cast<std::size_t>(size()));
  storage_ = {};
}

template class Model<float>;
template class Model<double>;

}  // namespace kyrtos::c
