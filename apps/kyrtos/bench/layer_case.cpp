// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "layer_case.hpp"

#include <kyrtos/layers/pass_bytes.hpp>

#include "random.hpp"

namespace kyrtos::bench {

namespace {

using Layer = layers::Layer<float, Space>;

/// A layer with all memory that its passes need.
class LayerProblem {
 public:
  LayerProblem(Context<Space> const& context, std::shared_ptr<Layer const> const& layer,
               SequenceShape shape)
      : context_(context), layer_(layer), shape_(shape) {
    Index const from = layer->in_features(), to = layer->out_features();
    p_ = {shape, matrix("x", from), matrix("y", to), vector("saved", layer->saved_size(shape))};
    t_ = {shape, matrix("x_dot", from), matrix("y_dot", to),
          vector("saved_dot", layer->tangent_saved_size(shape))};
    a_ = {matrix("dy", to), matrix("dx", from)};
    ta_ = {matrix("dy_dot", to), matrix("dx_dot", from)};
    Index const parameters = size_of(layer->parameters());
    theta_ = vector("theta", parameters);
    u_ = vector("u", parameters);
    dtheta_ = vector("dtheta", parameters);
    hu_ = vector("hu", parameters);
  }

  void forward() const { layer_->forward(context_, theta_, p_); }
  void backward() const { layer_->backward(context_, theta_, p_, a_, dtheta_); }
  void tangent_forward() const { layer_->tangent_forward(context_, theta_, u_, p_, t_); }
  void tangent_backward() const {
    layer_->tangent_backward(context_, theta_, u_, p_, t_, a_, ta_, hu_);
  }

  double forward_flops() const { return layer_->forward_flops(shape_); }

  double bytes(layers::PassKind pass) const {
    return layers::pass_bytes(*layer_, pass, shape_, static_cast<Index>(theta_.size()));
  }

 private:
  MatrixView<float, Space> matrix(char const* name, Index features) {
    return as_matrix(vector(name, shape_.tokens() * features), 0, shape_.tokens(), features);
  }
  VectorView<float, Space> vector(char const* name, Index size) {
    memory_.push_back(random_vector(context_, name, size, memory_.size()));
    return memory_.back();
  }

  Context<Space> context_;
  std::shared_ptr<Layer const> layer_;
  SequenceShape shape_;
  std::vector<Vector<float, Space>> memory_;
  layers::Activation<float, Space> p_, t_;
  layers::Adjoint<float, Space> a_, ta_;
  VectorView<float, Space> theta_, u_, dtheta_, hu_;
};

/// In the order in which they need each other's results.
std::vector<Operation> operations_of(std::shared_ptr<LayerProblem> const& p,
                                     PassCosts const& costs) {
  using layers::PassKind;
  double const flops = p->forward_flops();
  auto const work = [&](double cost, PassKind pass) {
    return cost > 0 ? Work::products(cost * flops) : Work::memory(p->bytes(pass));
  };
  return {{"forward", [p] { p->forward(); }, work(costs.forward, PassKind::forward)},
          {"tangent_forward", [p] { p->tangent_forward(); },
           work(costs.tangent_forward, PassKind::tangent_forward)},
          {"backward", [p] { p->backward(); }, work(costs.backward, PassKind::backward)},
          {"tangent_backward", [p] { p->tangent_backward(); },
           work(costs.tangent_backward, PassKind::tangent_backward)}};
}

}  // namespace

CaseMaker layer_case(std::string const& name,
                     std::shared_ptr<layers::Layer<float, Space> const> const& layer,
                     SequenceShape shape, PassCosts const& costs) {
  auto const make = [=](Context<Space> const& context) {
    auto const problem = std::make_shared<LayerProblem>(context, layer, shape);
    Json const facts{{"batch", shape.batch},
                     {"length", shape.length},
                     {"in_features", layer->in_features()},
                     {"out_features", layer->out_features()}};
    return Case{name, "layer", facts, operations_of(problem, costs)};
  };
  return {name, make};
}

}  // namespace kyrtos::bench
