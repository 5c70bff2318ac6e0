// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/train/line_model.hpp>

namespace kyrtos::train {

namespace {

template <class Objective>
model::ObjectiveOptions with_tangents(Objective const& objective) {
  model::ObjectiveOptions options{.workspace = {.active = objective.options().workspace.active,
                                                .tangents = true,
                                                .name = "activations of the update"},
                                  .reduction = objective.options().reduction};
  return options;
}

}  // namespace

template <class Scalar, class Space>
LineModel<Scalar, Space>::LineModel(model::Objective<Scalar, Space> const& objective,
                                    SequenceShape shape)
    : moved_(&objective.parameters()),
      context_(objective.context()),
      kept_(context_, objective.partition(), objective.parameters().sharding()),
      step_(allocate<Scalar>(context_, "line::step", objective.partition().local_size())),
      product_(allocate<Scalar>(context_, "line::product", objective.partition().local_size())),
      objective_(context_, objective.model(), kept_, with_tangents(objective), shape) {}

template <class Scalar, class Space>
void LineModel<Scalar, Space>::begin() {
  linalg::copy(context_, moved_->own(), kept_.own());
  kept_.changed();
}

template <class Scalar, class Space>
auto LineModel<Scalar, Space>::measure(ConstVector gradient, std::vector<Batch> const& batches)
    -> Terms {
  DistributedView<Scalar, Space> const step(step_, kept_.partition());
  linalg::copy(context_, moved_->own(), step);
  linalg::axpy(context_, -1, kept_.own(), step);
  objective_.set_batches(batches);
  objective_.hvp(step_, product_);
  return {linalg::dot(context_, step, gradient), linalg::dot(context_, step, product_)};
}

template <class Scalar, class Space>
void LineModel<Scalar, Space>::move(double share) {
  linalg::copy(context_, kept_.own(), moved_->own());
  linalg::axpy(context_, share, step_, moved_->own());
}

KYRTOS_INSTANTIATE(kyrtos::train::LineModel)

}  // namespace kyrtos::train
