// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/random.hpp>
#include <kyrtos/layers/attention.hpp>
#include <kyrtos/layers/cross_entropy_head.hpp>
#include <kyrtos/layers/linear_embedding.hpp>
#include <kyrtos/layers/mean_squared_error_head.hpp>
#include <kyrtos/layers/token_embedding.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/model/transformer.hpp>

#include "block_layers.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace kyrtos::model {

namespace {

/// FNV-1a: a segment's stream of random numbers depends on its name, not on its place.
std::uint64_t hash_of(std::string_view name) {
  std::uint64_t hash = 14695981039346656037u;
  for (char const c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

}  // namespace

// ---- Construction ------------------------------------------------------------------------------

template <class Scalar, class Space>
Transformer<Scalar, Space>::Transformer(TransformerConfig const& config,
                                        layers::AttentionMethod attention_method)
    : config_(config.resolved()) {
  build_ends();
  detail::BlockLayers<Scalar, Space> const block(config_, attention_method);
  attention_ = block.append_attention(block_[0]);
  attention_index_ = block_[0].find("attention.heads");
  block.append_mlp(block_[1]);
  if (config_.has_final_norm()) final_norm_.add("final_norm", block.norm());

  input_range_ = layout_.append("embedding", input_->parameters());
  for (Index i = 0; i < config_.depth; ++i) {
    std::string const prefix = "blocks." + std::to_string(i);
    auto const attention = block_[0].append_parameters(layout_, prefix);
    block_ranges_.push_back({attention, block_[1].append_parameters(layout_, prefix)});
  }
  final_norm_range_ = final_norm_.append_parameters(layout_, "");
  head_range_ =
      config_.tied ? ParameterLayout::Range{input_range_.offset, config_.vocabulary * config_.width}
                   : layout_.append("head", head_->parameters());
}

template <class Scalar, class Space>
void Transformer<Scalar, Space>::build_ends() {
  auto const& c = config_;
  Index const positions = c.positions == Positions::learned ? c.context : 0;
  double const head_scale = c.initial_weights == InitialWeights::fan_in
                                ? 1 / std::sqrt(static_cast<double>(c.width))
                                : c.initial_scale;
  if (c.continuous()) {
    input_ = std::make_shared<layers::LinearEmbedding<Scalar, Space>>(c.input_features, c.width,
                                                                      positions, c.initial_scale);
    head_ = std::make_shared<layers::MeanSquaredErrorHead<Scalar, Space>>(
        c.width, c.output_features, head_scale);
  } else {
    input_ = std::make_shared<layers::TokenEmbedding<Scalar, Space>>(c.vocabulary, c.width,
                                                                     positions, c.initial_scale);
    head_ = std::make_shared<layers::CrossEntropyHead<Scalar, Space>>(c.vocabulary, c.width, c.tied,
                                                                      c.z_loss, head_scale);
  }
}

// ---- Questions ---------------------------------------------------------------------------------

template <class Scalar, class Space>
std::vector<ParameterLayout::Range> Transformer<Scalar, Space>::parts() const {
  std::vector<ParameterLayout::Range> parts{input_range_};
  for (auto const& [attention, mlp] : block_ranges_) parts.insert(parts.end(), {attention, mlp});
  if (config_.has_final_norm()) parts.push_back(final_norm_range_);
  if (!config_.tied) parts.push_back(head_range_);
  return parts;
}

template <class Scalar, class Space>
std::vector<std::string> Transformer<Scalar, Space>::part_names() const {
  std::vector<std::string> names{"embedding"};
  for (Index block = 0; block < config_.depth; ++block)
    for (char const* half : {"attention", "mlp"})
      names.push_back("blocks." + std::to_string(block) + "." + half);
  if (config_.has_final_norm()) names.push_back("final_norm");
  if (!config_.tied) names.push_back("head");
  return names;
}

template <class Scalar, class Space>
ParameterLayout::Range Transformer<Scalar, Space>::block_range(Index block) const {
  require(block >= 0 && block < config_.depth, "Transformer::block_range: there is no such block");
  auto const& [attention, mlp] = block_ranges_[static_cast<std::size_t>(block)];
  return {attention.offset, attention.size + mlp.size};
}

template <class Scalar, class Space>
double Transformer<Scalar, Space>::forward_flops(SequenceShape shape,
                                                 ActiveBlocks const& active) const {
  auto const blocks = active.empty()
                          ? config_.depth
                          : static_cast<Index>(std::count(active.begin(), active.end(), true));
  double const embedding =
      config_.continuous()
          ? 2.0 * static_cast<double>(shape.tokens() * config_.input_features * config_.width)
          : 0;
  return embedding +
         static_cast<double>(blocks) *
             (block_[0].forward_flops(shape) + block_[1].forward_flops(shape)) +
         final_norm_.forward_flops(shape) + head_->forward_flops(shape.tokens());
}

template <class Scalar, class Space>
void Transformer<Scalar, Space>::check_size(Index size, char const* name) const {
  if (size != layout_.size())
    throw ShapeError("Transformer: " + std::string(name) + " has " + std::to_string(size) +
                     " elements, but the model has " + std::to_string(layout_.size()) +
                     " parameters");
}

template <class Scalar, class Space>
void Transformer<Scalar, Space>::initialize(Context<Space> const& context, std::uint64_t seed,
                                            MutableVector theta) const {
  check_size(static_cast<Index>(theta.size()), "theta");
  for (auto const& segment : layout_.segments())
    initialize(context, seed, segment, 0, slice(theta, segment.offset, segment.size));
}

template <class Scalar, class Space>
void Transformer<Scalar, Space>::initialize(Context<Space> const& context, std::uint64_t seed,
                                            Segment const& segment, Index first,
                                            MutableVector values, double scale) const {
  scale *= segment.initial.scale;
  if (segment.initial.kind == Initialization::Kind::constant)
    return linalg::fill(context, values, scale);
  Philox const random{seed, hash_of(segment.name)};
  linalg::detail::for_each(
      context, "kyrtos::transformer::initialize", static_cast<Index>(values.size()),
      KOKKOS_LAMBDA(Index i) {
        values(i) =
            static_cast<Scalar>(scale * random.normal(static_cast<std::uint64_t>(first + i)));
      });
}

// ---- Passes over all stages ------------------------------------------------------------------

/// With a direction u also the tangents, stage by stage.
template <class Scalar, class Space>
void Transformer<Scalar, Space>::forward(Workspace& ws, Source theta, Batch const& batch,
                                         Source u) const {
  check_size(theta.size(), "theta");
  if (!u.empty()) ws.require_tangents();
  ws.begin_pass(batch);
  input_->forward(ws.context_, theta.part(input_range_), batch, ws.stream_.front());
  if (!u.empty()) input_->forward(ws.context_, u.part(input_range_), batch, ws.stream_dot_.front());
  for (auto const& s : ws.stages_) {
    auto const theta_s = theta.part(s.range);
    s.chain->forward(ws.context_, theta_s, s.primal);
    if (ws.watches_scores_ && s.attention_of >= 0)
      attention_->update_head_max(ws.context_, s.primal.links[attention_index_],
                                  flat(rows_of(ws.scores_, s.attention_of, 1)));
    if (!u.empty())
      s.chain->tangent_forward(ws.context_, theta_s, u.part(s.range), s.primal, s.tangent);
  }
}

/// From the adjoint of the features back to the data; adds to `gradient` unless it is empty.
template <class Scalar, class Space>
void Transformer<Scalar, Space>::backward(Workspace& ws, Source theta, Batch const& batch,
                                          Sink gradient) const {
  for (auto s = ws.stages_.rbegin(); s != ws.stages_.rend(); ++s) {
    auto const theta_s = theta.part(s->range);
    if (ws.options_.recompute)
      s->chain->forward(ws.context_, theta_s, s->primal, Chain::Links::recomputed);
    s->chain->backward(ws.context_, theta_s, s->primal, s->adjoint, gradient.part(s->range));
    gradient.final_from(s->range.offset);
  }
  add_input_gradient(ws, batch, ws.stream_adjoint_.front(), gradient);
}

template <class Scalar, class Space>
void Transformer<Scalar, Space>::add_input_gradient(Workspace& ws, Batch const& batch,
                                                    MatrixView<Scalar const, Space> dy,
                                                    Sink gradient) const {
  if (gradient.empty()) return;
  input_->backward(ws.context_, batch, dy, gradient.part(input_range_));
  gradient.final_from(0);
}

template <class Scalar, class Space>
auto Transformer<Scalar, Space>::head_passes(Workspace& ws, Source u) const -> Passes {
  Passes passes;
  passes.x = ws.stream_.back();
  passes.u = u.part(head_range_);
  if (!u.empty()) passes.x_dot = ws.stream_dot_.back();
  return passes;
}

// ---- Operations --------------------------------------------------------------------------------

template <class Scalar, class Space>
double Transformer<Scalar, Space>::loss(Workspace& ws, Source theta, Batch const& batch) const {
  forward(ws, theta, batch);
  return head_->run(ws.context_, theta.part(head_range_), batch, head_passes(ws)).loss;
}

template <class Scalar, class Space>
double Transformer<Scalar, Space>::gradient(Workspace& ws, Source theta, Batch const& batch,
                                            Sink gradient) const {
  if (!gradient.empty()) check_size(gradient.size(), "gradient");
  forward(ws, theta, batch);
  auto passes = head_passes(ws);
  passes.dx = ws.stream_adjoint_.back();
  passes.dtheta = gradient.part(head_range_);
  double const loss = head_->run(ws.context_, theta.part(head_range_), batch, passes).loss;
  gradient.final_from(end_of_stages());
  backward(ws, theta, batch, gradient);
  ws.gradient_is_kept_ = ws.options_.keep_adjoints;
  return loss;
}

template <class Scalar, class Space>
double Transformer<Scalar, Space>::hvp_after_gradient(Workspace& ws, Source theta, Source u,
                                                      Batch const& batch, Sink hu) const {
  check_size(u.size(), "u");
  check_size(hu.size(), "hu");
  ws.require_tangents();
  require<Error>(ws.gradient_is_kept_,
                 "Transformer::hvp_after_gradient: needs a gradient() just before on the same "
                 "workspace, made with keep_adjoints");
  input_->forward(ws.context_, u.part(input_range_), batch, ws.stream_dot_.front());
  for (auto const& s : ws.stages_)
    s.chain->tangent_forward(ws.context_, theta.part(s.range), u.part(s.range), s.primal,
                             s.tangent);
  auto passes = head_passes(ws, u);
  passes.dx_dot = ws.stream_tangent_adjoint_.back();
  passes.hu = hu.part(head_range_);
  double const derivative =
      head_->run(ws.context_, theta.part(head_range_), batch, passes).loss_dot;
  hu.final_from(end_of_stages());
  for (auto s = ws.stages_.rbegin(); s != ws.stages_.rend(); ++s) {
    s->chain->tangent_backward(ws.context_, theta.part(s->range), u.part(s->range), s->primal,
                               s->tangent, s->adjoint, s->tangent_adjoint, hu.part(s->range));
    hu.final_from(s->range.offset);
  }
  add_input_gradient(ws, batch, ws.stream_tangent_adjoint_.front(), hu);
  return derivative;
}

template <class Scalar, class Space>
auto Transformer<Scalar, Space>::gradient_and_hvp(Workspace& ws, Source theta, Source u,
                                                  Batch const& batch, Sink gradient, Sink hu) const
    -> Directional {
  if (!gradient.empty()) check_size(gradient.size(), "gradient");
  check_size(u.size(), "u");
  check_size(hu.size(), "hu");
  forward(ws, theta, batch, u);
  auto passes = head_passes(ws, u);
  passes.dx = ws.stream_adjoint_.back();
  passes.dtheta = gradient.part(head_range_);
  passes.dx_dot = ws.stream_tangent_adjoint_.back();
  passes.hu = hu.part(head_range_);
  auto const [loss, derivative] = head_->run(ws.context_, theta.part(head_range_), batch, passes);
  gradient.final_from(end_of_stages());
  hu.final_from(end_of_stages());
  for (auto s = ws.stages_.rbegin(); s != ws.stages_.rend(); ++s) {
    auto const theta_s = theta.part(s->range), u_s = u.part(s->range);
    if (ws.options_.recompute) {
      s->chain->forward(ws.context_, theta_s, s->primal, Chain::Links::recomputed);
      s->chain->tangent_forward(ws.context_, theta_s, u_s, s->primal, s->tangent,
                                Chain::Links::recomputed);
    }
    s->chain->both_backward(ws.context_, theta_s, u_s, s->primal, s->tangent, s->adjoint,
                            s->tangent_adjoint, gradient.part(s->range), hu.part(s->range));
    gradient.final_from(s->range.offset);
    hu.final_from(s->range.offset);
  }
  add_input_gradient(ws, batch, ws.stream_adjoint_.front(), gradient);
  add_input_gradient(ws, batch, ws.stream_tangent_adjoint_.front(), hu);
  return {loss, derivative};
}

template <class Scalar, class Space>
double Transformer<Scalar, Space>::gauss_newton(Workspace& ws, Source theta, Source u,
                                                Batch const& batch, Sink gu) const {
  check_size(u.size(), "u");
  check_size(gu.size(), "gu");
  forward(ws, theta, batch, u);
  auto passes = head_passes(ws, u);
  passes.dx_dot = ws.stream_adjoint_.back();
  passes.hu = gu.part(head_range_);
  passes.gauss_newton = true;
  double const loss = head_->run(ws.context_, theta.part(head_range_), batch, passes).loss;
  gu.final_from(end_of_stages());
  backward(ws, theta, batch, gu);
  return loss;
}

template <class Scalar, class Space>
void Transformer<Scalar, Space>::outputs(Workspace& ws, Source theta, Batch const& batch,
                                         Index begin, MatrixView<Scalar, Space> z) const {
  auto const rows = static_cast<Index>(z.extent(0));
  require(begin >= 0 && begin + rows <= batch.shape.tokens() &&
              static_cast<Index>(z.extent(1)) == head_->out_features(),
          "Transformer::outputs: the matrix does not fit rows of the batch by outputs");
  forward(ws, theta, batch);
  head_->outputs(ws.context_, theta.part(head_range_), rows_of(ws.stream_.back(), begin, rows), z);
}

KYRTOS_INSTANTIATE(kyrtos::model::Transformer)

}  // namespace kyrtos::model
