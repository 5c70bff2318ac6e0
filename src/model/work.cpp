// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/layers/cross_entropy_head.hpp>
#include <kyrtos/layers/linear.hpp>
#include <kyrtos/layers/mean_squared_error_head.hpp>
#include <kyrtos/layers/pass_bytes.hpp>
#include <kyrtos/model/work.hpp>

#include "block_layers.hpp"

#include <array>
#include <map>
#include <memory>
#include <vector>

namespace kyrtos::model {

using layers::PassKind;

std::string name_of(KernelClass kernels) {
  switch (kernels) {
    case KernelClass::linear:
      return "linear layers";
    case KernelClass::attention:
      return "attention";
    case KernelClass::head:
      return "head";
    case KernelClass::elementwise:
      return "norms, activations";
    case KernelClass::optimizer:
      return "optimizer";
    case KernelClass::vectors:
      break;
  }
  return "vector operations";
}

WorkByClass& WorkByClass::operator+=(WorkByClass const& other) {
  for (std::size_t i = 0; i < kernel_classes; ++i) work_[i] += other.work_[i];
  return *this;
}

Work WorkByClass::total() const {
  Work sum;
  for (auto const& work : work_) sum += work;
  return sum;
}

namespace {

/// A number for each of the four passes.
using Passes = std::array<double, 4>;

double of(Passes const& passes, PassKind pass) {
  return passes[static_cast<std::size_t>(pass)];
}

/// FLOPs of the passes in forward passes, and kernels: of layers without products.
constexpr Passes elementwise_flops{1, 2, 2, 4};
std::map<std::string, Passes> const elementwise_launches{
    {"layer_norm", {1, 2, 1, 2}}, {"rms_norm", {1, 2, 1, 2}}, {"qk_norm", {1, 2, 1, 2}},
    {"gelu", {1, 1, 1, 1}},       {"swiglu", {1, 1, 1, 1}},   {"rotary", {1, 1, 1, 1}},
    {"scale", {1, 1, 1, 1}},      {"gate", {1, 1, 1, 1}}};

/// The layers of a branch, in the place of a Chain.
template <class Scalar, class Space>
struct Branch {
  struct Link {
    std::shared_ptr<layers::Layer<Scalar, Space> const> layer;
    bool ends_residual = false;
  };
  std::vector<Link> links;

  void add(std::string const&, std::shared_ptr<layers::Layer<Scalar, Space> const> layer) {
    links.push_back({std::move(layer)});
  }
  void end_residual() { links.back().ends_residual = true; }
};

template <class Scalar, class Space>
class Walk {
 public:
  Walk(TransformerConfig const& config, SequenceShape shape, WorkOptions const& options)
      : c(config.resolved()), shape_(shape), options_(options) {
    detail::BlockLayers<Scalar, Space> const block(c, options.attention);
    block.append_attention(branches_[0]);
    block.append_mlp(branches_[1]);
    if (c.has_final_norm()) last_.add("final_norm", block.norm());
  }

  OperationWork operations() const {
    auto const forward = blocks(PassKind::forward), back = blocks(PassKind::backward),
               tangent = blocks(PassKind::tangent_forward),
               tangent_back = blocks(PassKind::tangent_backward);
    OperationWork w;
    w.loss += input(1, 0);
    w.loss += forward;
    w.loss += head({});
    w.gradient += input(1, 1);
    w.gradient += forward;
    w.gradient += back;
    w.gradient += head({.dx = true, .dtheta = true});
    w.hvp_after_gradient += input(1, 1);
    w.hvp_after_gradient += tangent;
    w.hvp_after_gradient += tangent_back;
    w.hvp_after_gradient += head({.tangent = true, .dx_dot = true, .hu = true});
    w.hvp += input(2, 1);
    for (auto const& part : {forward, tangent, blocks(PassKind::backward, false), tangent_back})
      w.hvp += part;
    w.hvp += head({.dx = true, .tangent = true, .dx_dot = true, .hu = true});
    w.gauss_newton += input(2, 1);
    for (auto const& part : {forward, tangent, back}) w.gauss_newton += part;
    w.gauss_newton += head({.tangent = true, .dx_dot = true, .hu = true, .gauss_newton = true});
    if (!options_.recompute) return w;
    w.gradient += again(PassKind::forward);
    w.gauss_newton += again(PassKind::forward);
    w.hvp += again(PassKind::forward);
    w.hvp += again(PassKind::tangent_forward);
    return w;
  }

 private:
  using Link = typename Branch<Scalar, Space>::Link;

  double values(Index features) const { return static_cast<double>(shape_.tokens() * features); }

  /// \param adds one matrix of the residual stream to what it writes.
  void add(WorkByClass& sum, Link const& link, PassKind pass, bool has_gradient, bool adds) const {
    auto const& layer = *link.layer;
    auto const& machine = options_.machine;
    if (auto const* const linear = dynamic_cast<layers::Linear<Scalar, Space> const*>(&layer)) {
      sum[KernelClass::linear] += linear->work(pass, shape_, machine, has_gradient, adds);
      return;
    }
    if (auto const* const heads = dynamic_cast<layers::Attention<Scalar, Space> const*>(&layer)) {
      sum[KernelClass::attention] += heads->work(pass, shape_, machine);
      return;
    }
    Index parameters = 0;
    for (auto const& spec : layer.parameters()) parameters += count_elements(spec.shape);
    double const kernels = of(elementwise_launches.at(layer.kind()), pass);
    double const added = adds ? values(layer.in_features()) : 0;
    sum[KernelClass::elementwise] +=
        {.flops = layer.forward_flops(shape_) * of(elementwise_flops, pass) + added,
         .bytes = layers::pass_bytes(layer, pass, shape_, parameters) + sizeof(Scalar) * added,
         .launches = has_gradient ? kernels : 1};  // the second adds to dθ
  }

  /// One matrix of the residual stream is added to another.
  void add_stream(WorkByClass& sum) const {
    sum[KernelClass::elementwise] +=
        {.flops = values(c.width), .bytes = 3 * sizeof(Scalar) * values(c.width), .launches = 1};
  }

  WorkByClass branch(Branch<Scalar, Space> const& b, PassKind pass, bool has_gradient = true,
                     std::size_t skipped = 0) const {
    WorkByClass sum;
    bool const is_back = pass == PassKind::backward || pass == PassKind::tangent_backward;
    for (std::size_t i = 0; i + skipped < b.links.size(); ++i) {
      auto const& link = b.links[i];
      bool const joins = is_back ? i == 0 && joining(b) > 0 : link.ends_residual;
      bool const adds =
          joins && (is_back ? link.layer->adds_to_adjoint() : link.layer->adds_to_output());
      add(sum, link, pass, has_gradient, adds);
      int const sums = is_back && i == 0 ? joining(b) : joins ? 1 : 0;
      for (int k = adds ? 1 : 0; k < sums; ++k) add_stream(sum);
    }
    return sum;
  }

  /// Adjoints that join that of what the branch reads: of its own residual, or where both branches
  /// of a block read the same, of both at the first.
  int joining(Branch<Scalar, Space> const& b) const {
    if (&b == &last_) return 0;
    if (!c.parallel_residual) return 1;
    return &b == &branches_[0] ? 2 : 0;
  }

  WorkByClass blocks(PassKind pass, bool has_gradient = true) const {
    auto sum = branch(branches_[0], pass, has_gradient);
    sum += branch(branches_[1], pass, has_gradient);
    sum = static_cast<double>(options_.blocks) * sum;
    sum += branch(last_, pass, has_gradient);
    return sum;
  }

  /// What recomputing repeats: all but each branch's last layer, unless that saves something.
  WorkByClass again(PassKind pass) const {
    WorkByClass sum;
    auto const repeat = [&](Branch<Scalar, Space> const& b, Index times) {
      if (b.links.empty()) return;
      bool const saves = b.links.back().layer->saved_size(shape_) > 0;
      sum += static_cast<double>(times) * branch(b, pass, true, saves ? 0 : 1);
    };
    for (auto const& b : branches_) repeat(b, options_.blocks);
    repeat(last_, 1);
    return sum;
  }

  WorkByClass input(double forward, double backward) const {
    WorkByClass sum;
    bool const learned = c.positions == Positions::learned;
    double const y = values(c.width), passes = forward + backward;
    sum[KernelClass::elementwise] += {.bytes = sizeof(Scalar) * (2 * forward + 3 * backward) * y,
                                      .launches = forward + (learned ? 3 : 2) * backward};
    if (!c.continuous()) return sum;
    auto const features = static_cast<double>(c.input_features);
    sum[KernelClass::linear] += {.products = 2 * passes * y * features, .launches = passes};
    for (double const factor : {values(c.input_features), features * static_cast<double>(c.width)})
      sum[KernelClass::linear] += forward * layers::rounding(options_.machine, factor);
    for (double const factor : {values(c.input_features), y})
      sum[KernelClass::linear] += backward * layers::rounding(options_.machine, factor);
    return sum;
  }

  WorkByClass head(typename layers::ProjectionHead<Scalar, Space>::Wanted const& wanted) const {
    auto const add = [&](auto const& layer) {
      WorkByClass sum;
      sum[KernelClass::head] = layer.work(shape_.tokens(), wanted, options_.machine);
      return sum;
    };
    if (c.continuous())
      return add(layers::MeanSquaredErrorHead<Scalar, Space>(c.width, c.output_features));
    return add(layers::CrossEntropyHead<Scalar, Space>(c.vocabulary, c.width, c.tied));
  }

  TransformerConfig const c;
  SequenceShape shape_;
  WorkOptions options_;
  std::array<Branch<Scalar, Space>, 2> branches_;
  Branch<Scalar, Space> last_;
};

}  // namespace

template <class Scalar, class Space>
OperationWork operation_work(TransformerConfig const& config, SequenceShape shape,
                             WorkOptions const& options) {
  return Walk<Scalar, Space>(config, shape, options).operations();
}

#define KYRTOS_OPERATION_WORK(SCALAR, SPACE)                                                    \
  template OperationWork operation_work<SCALAR, SPACE>(TransformerConfig const&, SequenceShape, \
                                                       WorkOptions const&);
KYRTOS_INSTANTIATE_FUNCTIONS(KYRTOS_OPERATION_WORK)

}  // namespace kyrtos::model
