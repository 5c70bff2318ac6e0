// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/model_operators.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

namespace kyrtos::curvature {

template <class Scalar, class Space>
ModelOperator<Scalar, Space>::ModelOperator(ModelMatrix matrix,
                                            Transformer<Scalar, Space> const& model,
                                            TransformerWorkspace<Scalar, Space>& workspace,
                                            VectorView<Scalar const, Space> theta,
                                            std::vector<Batch> batches,
                                            ReductionOptions const& reduction)
    : matrix_(matrix),
      model_(&model),
      workspace_(&workspace),
      theta_(theta),
      batches_(std::move(batches)),
      sum_(workspace.context(), model.layout().size(), reduction) {
  require<ConfigError>(workspace.options().tangents,
                       "ModelOperator: needs a workspace made with tangents");
}

template <class Scalar, class Space>
void ModelOperator<Scalar, Space>::apply(Context<Space> const& context,
                                         VectorView<Scalar const, Space> x,
                                         VectorView<Scalar, Space> y) {
  linalg::fill(context, y, 0);
  sum_.begin(y);
  for (std::size_t i = 0; i < batches_.size(); ++i) {
    if (i + 1 == batches_.size())
      workspace_->on_final([this](Index first) { sum_.final_from(first); });
    if (matrix_ == ModelMatrix::hessian)
      model_->hvp(*workspace_, theta_, x, batches_[i], y);
    else
      model_->gauss_newton(*workspace_, theta_, x, batches_[i], y);
  }
  workspace_->on_final({});
  sum_.finish();
}

KYRTOS_INSTANTIATE(kyrtos::curvature::ModelOperator)

}  // namespace kyrtos::curvature
