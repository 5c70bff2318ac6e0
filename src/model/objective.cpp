// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/linalg/rounded_products.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/model/objective.hpp>

#include <algorithm>
#include <limits>

namespace kyrtos::model {

template <class Scalar, class Space>
Objective<Scalar, Space>::Objective(Context<Space> const& context,
                                    Transformer<Scalar, Space> const& model,
                                    Parameters<Scalar, Space>& parameters, ObjectiveOptions options,
                                    SequenceShape shape)
    : context_(context),
      model_(&model),
      parameters_(&parameters),
      options_(std::move(options)),
      sum_(parallel::make_rank_sum<Scalar>(context, parameters.partition(), options_.reduction)) {
  if (shape.tokens() > 0) workspace_for(shape, options_.workspace.tangents);
  if (options_.kept_shape.tokens() > 0) reserve_kept(options_.kept_shape);
  if (options_.workspace.tangents && partition().is_split())
    u_ = std::make_unique<parallel::ShardedSource<Scalar, Space>>(context, partition());
}

template <class Scalar, class Space>
auto Objective<Scalar, Space>::workspace_for(SequenceShape shape, bool tangents)
    -> TransformerWorkspace<Scalar, Space>& {
  bool const fits =
      workspace_ && workspace_->shape() == shape && (workspace_->options().tangents || !tangents);
  if (!fits) {
    auto options = options_.workspace;
    options.tangents = options.tangents || tangents;
    workspace_.reset();  // give back first
    workspace_.emplace(context_, *model_, shape, options);
  }
  return *workspace_;
}

template <class Scalar, class Space>
void Objective<Scalar, Space>::reserve_kept(SequenceShape shape) {
  if (kept_workspace_ && kept_workspace_->shape() == shape) return;
  auto options = options_.workspace;
  options.tangents = options.keep_adjoints = true;
  options.recompute = false;
  options.name = "activations of the probe";
  kept_workspace_.reset();  // give back first
  kept_workspace_.emplace(context_, *model_, shape, options);
}

template <class Scalar, class Space>
void Objective<Scalar, Space>::set_active(ActiveBlocks const& active) {
  options_.workspace.active = active;
  if (kept_workspace_) {
    auto const shape = kept_workspace_->shape();
    kept_workspace_.reset();
    reserve_kept(shape);
  }
  if (!workspace_) return;
  auto const shape = workspace_->shape();
  bool const tangents = workspace_->options().tangents;
  workspace_.reset();
  workspace_for(shape, tangents);
}

template <class Scalar, class Space>
VectorSource<Scalar, Space> Objective<Scalar, Space>::direction(ConstVector u) {
  if (!partition().is_split()) return u;
  if (!u_) u_ = std::make_unique<parallel::ShardedSource<Scalar, Space>>(context_, partition());
  u_->begin(u);
  return *u_;
}

namespace {

/// While it lives, θ, and a direction, are rounded to factors of products, if these are: once for
/// all micro-batches and passes. (But not where they are gathered part by part.)
template <class Scalar, class Space>
struct RoundedWeights {
  linalg::KeptVector<Space> theta, u;

  RoundedWeights(Context<Space> const& context, Parameters<Scalar, Space> const& parameters,
                 VectorSource<Scalar, Space> const& direction = {})
      : theta(context, linalg::KeptAs::all_weights, parameters.source().whole()),
        u(context, linalg::KeptAs::all_tangent_weights, direction.whole()) {}
};

/// pass(batch, is the last) for each micro-batch.
template <class Batches, class Pass>
void for_each_batch(Batches const& batches, Pass const& pass) {
  for (std::size_t i = 0; i < batches.size(); ++i) pass(batches[i], i + 1 == batches.size());
}

}  // namespace

template <class Scalar, class Space>
double Objective<Scalar, Space>::loss_at(Parameters<Scalar, Space> const& parameters) {
  double loss = 0;
  RoundedWeights<Scalar, Space> const weights(context_, parameters);
  for_each_batch(batches_, [&](Batch const& batch, bool) {
    loss += model_->loss(workspace_for(batch.shape, false), parameters.source(), batch);
  });
  return context_.communicator().sum(loss);
}

template <class Scalar, class Space>
double Objective<Scalar, Space>::gradient(MutableVector gradient) {
  double loss = 0;
  RoundedWeights<Scalar, Space> const weights(context_, *parameters_);
  sum_->begin(gradient);
  for_each_batch(batches_, [&](Batch const& batch, bool is_last) {
    loss += model_->gradient(workspace_for(batch.shape, false), parameters_->source(), batch,
                             sum_->sink(is_last && !kept_));
  });
  if (kept_) {
    reserve_kept(kept_->batch.shape);
    kept_loss_ = model_->gradient(*kept_workspace_, parameters_->source(), kept_->batch,
                                  sum_->sink(/*is_last=*/true));
    loss += kept_loss_;
  }
  sum_->finish();
  return context_.communicator().sum(loss);
}

template <class Scalar, class Space>
auto Objective<Scalar, Space>::hvp(ConstVector u, MutableVector hu) -> Directional {
  return gradient_and_hvp(u, {}, hu);
}

template <class Scalar, class Space>
auto Objective<Scalar, Space>::gradient_and_hvp(ConstVector u, MutableVector gradient,
                                                MutableVector hu) -> Directional {
  auto const source = direction(u);
  RoundedWeights<Scalar, Space> const weights(context_, *parameters_, source);
  bool const has_gradient = gradient.size() > 0;
  if (has_gradient) {
    if (!second_sum_)
      second_sum_ = parallel::make_rank_sum<Scalar>(context_, partition(), options_.reduction);
    second_sum_->begin(gradient);
  }
  sum_->begin(hu);
  double sums[2] = {};  // ℓ and ⟨∇ℓ, u⟩
  for_each_batch(batches_, [&](Batch const& batch, bool is_last) {
    auto const one = model_->gradient_and_hvp(
        workspace_for(batch.shape, true), parameters_->source(), source, batch,
        has_gradient ? second_sum_->sink(is_last) : VectorSink<Scalar, Space>(),
        sum_->sink(is_last));
    sums[0] += one.loss;
    sums[1] += one.derivative;
  });
  sum_->finish();
  if (has_gradient) second_sum_->finish();
  context_.communicator().sum(std::span(sums));
  return {sums[0], sums[1]};
}

template <class Scalar, class Space>
double Objective<Scalar, Space>::gauss_newton(ConstVector u, MutableVector gu) {
  auto const source = direction(u);
  RoundedWeights<Scalar, Space> const weights(context_, *parameters_, source);
  sum_->begin(gu);
  double loss = 0;
  for_each_batch(batches_, [&](Batch const& batch, bool is_last) {
    loss += model_->gauss_newton(workspace_for(batch.shape, true), parameters_->source(), source,
                                 batch, sum_->sink(is_last));
  });
  sum_->finish();
  return context_.communicator().sum(loss);
}

template <class Scalar, class Space>
double Objective<Scalar, Space>::forward_flops() const {
  double flops = 0;
  for_each_batch(batches_, [&](Batch const& batch, bool) {
    flops += model_->forward_flops(batch.shape, options_.workspace.active);
  });
  return flops;
}

template <class Scalar, class Space>
auto Objective<Scalar, Space>::kept_hvp(ConstVector u, MutableVector hu,
                                        Parameters<Scalar, Space> const* theta) -> Directional {
  require<Error>(kept_.has_value() && kept_workspace_.has_value(),
                 "Objective::kept_hvp: needs a gradient() with a kept micro-batch before");
  auto const source = direction(u);
  auto const& at = theta ? *theta : *parameters_;
  RoundedWeights<Scalar, Space> const weights(context_, at, source);
  sum_->begin(hu);
  double const derivative = model_->hvp_after_gradient(*kept_workspace_, at.source(), source,
                                                       kept_->batch, sum_->sink(/*is_last=*/true));
  sum_->finish();
  linalg::scale(context_, kept_scale(), hu);
  double sums[2] = {kept_scale() * kept_loss_, kept_scale() * derivative};
  context_.communicator().sum(std::span(sums));
  return {sums[0], sums[1]};
}

template <class Scalar, class Space>
double Objective<Scalar, Space>::kept_loss() {
  require<Error>(kept_.has_value(), "Objective::kept_loss: there is no kept micro-batch");
  reserve_kept(kept_->batch.shape);
  RoundedWeights<Scalar, Space> const weights(context_, *parameters_);
  double const loss = model_->loss(*kept_workspace_, parameters_->source(), kept_->batch);
  return context_.communicator().sum(kept_scale() * loss);
}

template <class Scalar, class Space>
std::vector<double> Objective<Scalar, Space>::largest_scores() const {
  std::vector<double> scores;
  if (!options_.workspace.scores) return scores;
  for (auto const* workspace : {&workspace_, &kept_workspace_}) {
    if (!*workspace) continue;
    auto const own = (*workspace)->largest_scores();
    scores.resize(own.size(), -std::numeric_limits<double>::infinity());
    for (std::size_t i = 0; i < own.size(); ++i) scores[i] = std::max(scores[i], own[i]);
  }
  context_.communicator().max(scores);
  return scores;
}

template <class Scalar, class Space>
void Objective<Scalar, Space>::forget_scores() {
  for (auto* workspace : {&workspace_, &kept_workspace_})
    if (*workspace) (*workspace)->forget_scores();
}

KYRTOS_INSTANTIATE(kyrtos::model::Objective)

}  // namespace kyrtos::model
