// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/model_operators.hpp>

namespace kyrtos::curvature {

template <class Scalar, class Space>
ModelOperator<Scalar, Space>::ModelOperator(Context<Space> const& context, ModelMatrix matrix,
                                            Transformer<Scalar, Space> const& model,
                                            TransformerWorkspace<Scalar, Space>& workspace,
                                            VectorSource<Scalar, Space> theta,
                                            std::vector<Batch> batches,
                                            ReductionOptions const& reduction)
    : matrix_(matrix),
      model_(&model),
      workspace_(&workspace),
      theta_(theta),
      batches_(std::move(batches)),
      size_(context.shards() ? context.shards()->local_size() : model.layout().size()),
      sum_(make_rank_sum<Scalar>(context, size_, reduction)) {
  require<ConfigError>(workspace.options().tangents,
                       "ModelOperator: needs a workspace made with tangents");
  if (context.shards()) x_ = std::make_unique<ShardedSource<Scalar, Space>>(context);
}

template <class Scalar, class Space>
void ModelOperator<Scalar, Space>::apply(Context<Space> const&, VectorView<Scalar const, Space> x,
                                         VectorView<Scalar, Space> y) {
  if (x_) x_->begin(x);
  VectorSource<Scalar, Space> const source = x_ ? VectorSource<Scalar, Space>(*x_) : x;
  sum_->begin(y);
  for (std::size_t i = 0; i < batches_.size(); ++i) {
    auto const sink = sum_->sink(i + 1 == batches_.size());
    if (matrix_ == ModelMatrix::hessian)
      model_->hvp(*workspace_, theta_, source, batches_[i], sink);
    else
      model_->gauss_newton(*workspace_, theta_, source, batches_[i], sink);
  }
  sum_->finish();
}

KYRTOS_INSTANTIATE(kyrtos::curvature::ModelOperator)

}  // namespace kyrtos::curvature
