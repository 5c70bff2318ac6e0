// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/train/line_model.hpp>

namespace kyrtos {

template <class Scalar, class Space>
LineModel<Scalar, Space>::LineModel(Context<Space> const& context,
                                    Transformer<Scalar, Space> const& model, SequenceShape shape,
                                    ParallelConfig::Shard shard, ReductionOptions const& reduction)
    : context_(context),
      model_(&model),
      shape_(shape),
      reduction_(reduction),
      theta_(context, model.layout().size(), shard),
      step_(allocate<Scalar>(context, "line::step", static_cast<Index>(theta_.own().size()))),
      product_(allocate<Scalar>(context, "line::product", static_cast<Index>(step_.size()))) {}

template <class Scalar, class Space>
void LineModel<Scalar, Space>::set_active(ActiveBlocks const& active) {
  hessian_.reset();
  workspace_.reset();  // give back first
  workspace_.emplace(context_, *model_, shape_,
                     TransformerWorkspaceOptions{.active = active, .tangents = true});
  hessian_.emplace(context_, curvature::ModelMatrix::hessian, *model_, *workspace_, theta_.source(),
                   std::vector<Batch>(), reduction_);
}

template <class Scalar, class Space>
void LineModel<Scalar, Space>::begin(ConstVector theta) {
  linalg::copy(context_, theta, theta_.own());
  theta_.changed();
}

template <class Scalar, class Space>
auto LineModel<Scalar, Space>::measure(ConstVector moved, ConstVector gradient,
                                       std::vector<Batch> const& batches) -> Terms {
  linalg::copy(context_, moved, step_);
  linalg::axpy(context_, -1, theta_.own(), step_);
  hessian_->set_batches(batches);
  hessian_->apply(context_, step_, product_);
  return {linalg::dot(context_, gradient, step_), linalg::dot(context_, step_, product_)};
}

template <class Scalar, class Space>
void LineModel<Scalar, Space>::go(double share, MutableVector moved) {
  linalg::copy(context_, theta_.own(), moved);
  linalg::axpy(context_, share, step_, moved);
}

KYRTOS_INSTANTIATE(kyrtos::LineModel)

}  // namespace kyrtos
