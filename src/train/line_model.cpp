// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/train/line_model.hpp>

namespace kyrtos {

template <class Scalar, class Space>
LineModel<Scalar, Space>::LineModel(Context<Space> const& context,
                                    Transformer<Scalar, Space> const& model, SequenceShape shape)
    : context_(context),
      model_(&model),
      shape_(shape),
      theta_(allocate<Scalar>(context, "line::theta", model.layout().size())),
      step_(allocate<Scalar>(context, "line::step", model.layout().size())),
      product_(allocate<Scalar>(context, "line::product", model.layout().size())) {}

template <class Scalar, class Space>
void LineModel<Scalar, Space>::set_active(ActiveBlocks const& active) {
  workspace_.reset();  // give back first
  workspace_.emplace(context_, *model_, shape_,
                     TransformerWorkspaceOptions{.active = active, .tangents = true});
}

template <class Scalar, class Space>
void LineModel<Scalar, Space>::begin(ConstVector theta) {
  linalg::copy(context_, theta, theta_);
}

template <class Scalar, class Space>
auto LineModel<Scalar, Space>::measure(ConstVector moved, std::vector<Batch> const& batches)
    -> Terms {
  linalg::copy(context_, moved, step_);
  linalg::axpy(context_, -1, theta_, step_);
  linalg::fill(context_, product_, 0);
  double slope = 0;
  for (auto const& batch : batches)
    slope += model_->hvp(*workspace_, theta_, step_, batch, product_).derivative;
  // The sums over ranks of the products' dot products: the products themselves stay where they are.
  auto const& ranks = context_.communicator();
  return {ranks.sum(slope), ranks.sum(linalg::dot(context_, step_, product_))};
}

template <class Scalar, class Space>
void LineModel<Scalar, Space>::go(double share, MutableVector moved) {
  linalg::copy(context_, theta_, moved);
  linalg::axpy(context_, share, step_, moved);
}

KYRTOS_INSTANTIATE(kyrtos::LineModel)

}  // namespace kyrtos
