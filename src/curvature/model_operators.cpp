// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/model_operators.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/parallel/all_reduce.hpp>

namespace kyrtos::curvature {

template <class Scalar, class Space>
ModelOperator<Scalar, Space>::ModelOperator(ModelMatrix matrix,
                                            Transformer<Scalar, Space> const& model,
                                            TransformerWorkspace<Scalar, Space>& workspace,
                                            VectorView<Scalar const, Space> theta,
                                            std::vector<Batch> batches)
    : matrix_(matrix),
      model_(&model),
      workspace_(&workspace),
      theta_(theta),
      batches_(std::move(batches)) {
  require<ConfigError>(workspace.options().tangents,
                       "ModelOperator: needs a workspace made with tangents");
}

template <class Scalar, class Space>
void ModelOperator<Scalar, Space>::apply(Context<Space> const& context,
                                         VectorView<Scalar const, Space> x,
                                         VectorView<Scalar, Space> y) {
  linalg::fill(context, y, 0);
  for (auto const& batch : batches_)
    if (matrix_ == ModelMatrix::hessian)
      model_->hvp(*workspace_, theta_, x, batch, y);
    else
      model_->gauss_newton(*workspace_, theta_, x, batch, y);
  all_reduce_sum<Scalar, Space>(context, y);
}

KYRTOS_INSTANTIATE(kyrtos::curvature::ModelOperator)

}  // namespace kyrtos::curvature
