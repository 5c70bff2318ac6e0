// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/model/chain.hpp>

#include <algorithm>

namespace kyrtos::model {

using layers::PassKind;

template <class Scalar, class Space>
void Chain<Scalar, Space>::add(std::string name, std::shared_ptr<Layer const> layer) {
  if (!links_.empty())
    require(links_.back().layer->out_features() == layer->in_features(),
            "chain: '" + name + "' takes " + std::to_string(layer->in_features()) +
                " features, but '" + links_.back().name + "' gives " +
                std::to_string(links_.back().layer->out_features()));
  Index size = 0;
  for (auto const& spec : layer->parameters()) size += count_elements(spec.shape);
  auto label = name.empty() ? layer->kind() : name;
  if (std::any_of(links_.begin(), links_.end(), [&](Link const& l) { return l.label == label; }))
    label.append(".").append(layer->kind());
  std::string const region = "kyrtos::" + layer->kind() + "::";
  links_.push_back({std::move(name),
                    std::move(label),
                    std::move(layer),
                    size_,
                    size,
                    {region + "forward", region + "backward", region + "tangent_forward",
                     region + "tangent_backward"}});
  size_ += size;
}

template <class Scalar, class Space>
std::size_t Chain<Scalar, Space>::find(std::string const& name) const {
  for (std::size_t i = 0; i < links_.size(); ++i)
    if (links_[i].name == name) return i;
  throw Error("chain: there is no '" + name + "'");
}

template <class Scalar, class Space>
ParameterLayout::Range Chain<Scalar, Space>::append_parameters(ParameterLayout& layout,
                                                               std::string const& prefix) const {
  ParameterLayout::Range range{layout.size(), size_};
  for (auto const& link : links_) {
    std::string name = prefix;
    if (!prefix.empty() && !link.name.empty()) name += ".";
    layout.append(name + link.name, link.layer->parameters());
  }
  return range;
}

template <class Scalar, class Space>
double Chain<Scalar, Space>::forward_flops(SequenceShape shape) const {
  double flops = 0;
  for (auto const& link : links_) flops += link.layer->forward_flops(shape);
  return flops;
}

template <class Scalar, class Space>
Index Chain<Scalar, Space>::widest_features() const {
  Index widest = 0;
  for (auto const& link : links_) widest = std::max(widest, link.layer->in_features());
  return widest;
}

template <class Scalar, class Space>
auto Chain<Scalar, Space>::bind(BufferPool<Scalar, Space>& workspace, std::string const& prefix,
                                SequenceShape shape, Kind kind, Retention retention,
                                MutableMatrix x, MutableMatrix y, ConstMatrix residual) const
    -> Activations {
  Activations passes{{}, residual.size() > 0 ? residual : ConstMatrix(x)};
  auto const sizes = inside(shape, kind);
  for (std::size_t i = 0; i < links_.size(); ++i) {
    auto const& link = links_[i];
    std::string const label =
        prefix + "." + (retention == Retention::transient ? std::to_string(i) : link.label);
    MutableMatrix out = overwrites(i) ? x : y;
    if (sizes[i].output > 0)
      out = workspace.matrix(label, shape.tokens(), link.layer->out_features());
    Index const saved = sizes[i].saved;
    passes.links.push_back(
        {shape, x, out, saved > 0 ? workspace.vector(label + ".saved", saved) : MutableVector()});
    x = out;
  }
  return passes;
}

template <class Scalar, class Space>
auto Chain<Scalar, Space>::inside(SequenceShape shape, Kind kind) const -> std::vector<Inside> {
  std::vector<Inside> sizes;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    auto const& layer = *links_[i].layer;
    bool const has_output = !overwrites(i) && i + 1 < links_.size();
    sizes.push_back(
        {has_output ? shape.tokens() * layer.out_features() : 0,
         kind == Kind::primal ? layer.saved_size(shape) : layer.tangent_saved_size(shape)});
  }
  return sizes;
}

template <class Scalar, class Space>
auto Chain<Scalar, Space>::bind_back(BufferPool<Scalar, Space>& workspace,
                                     std::string const& prefix, SequenceShape shape,
                                     Retention retention, MutableMatrix dy, MutableMatrix dx) const
    -> Adjoints {
  Index const widest = widest_features();
  Adjoints backs{std::vector<Adjoint>(links_.size()), {}};
  bool odd = false;
  for (std::size_t i = links_.size(); i-- > 0;) {
    auto const& link = links_[i];
    Index const features = link.layer->in_features();
    MutableMatrix in = dx;
    if (static_cast<Index>(i) == residual_end_) backs.joining.push_back(dy);
    if (overwrites(i)) {
      in = dy;
    } else if (i > 0 && retention == Retention::kept) {
      in = workspace.matrix(prefix + "." + link.label, shape.tokens(), features);
    } else if (i > 0 && static_cast<Index>(i) == residual_end_ + 1) {
      in = workspace.matrix(prefix + ".sum", shape.tokens(), features);
    } else if (i > 0) {
      auto const buffer =
          workspace.vector(prefix + (odd ? ".odd" : ".even"), shape.tokens() * widest);
      in = as_matrix(buffer, 0, shape.tokens(), features);
      odd = !odd;
    }
    backs.links[i] = {dy, in};
    dy = in;
  }
  return backs;
}

template <class Scalar, class Space>
void add_stream(Context<Space> const& context, MatrixView<Scalar const, Space> from,
                MatrixView<Scalar, Space> to) {
  constexpr double accesses = 3;
  Region<Space> const region(context, "kyrtos::residual::add",
                             {.bytes = accesses * sizeof(Scalar) * static_cast<double>(to.size())});
  linalg::axpy(context, 1.0, flat(from), flat(to));
}

template <class Scalar, class Space>
auto Chain<Scalar, Space>::forward_of(Activations const& p, std::size_t i) const -> Activation {
  auto one = p.links[i];
  if (static_cast<Index>(i) == residual_end_ && links_[i].layer->adds_to_output())
    one.residual = p.residual;
  return one;
}

template <class Scalar, class Space>
void Chain<Scalar, Space>::add_residual(Context<Space> const& context, Activations const& p,
                                        std::size_t i) const {
  if (static_cast<Index>(i) == residual_end_ && !links_[i].layer->adds_to_output())
    add_stream<Scalar, Space>(context, p.residual, p.links[i].y);
}

template <class Scalar, class Space>
auto Chain<Scalar, Space>::backward_of(Adjoints const& a, std::size_t i) const -> Adjoint {
  auto one = a.links[i];
  if (i == 0 && !a.joining.empty() && links_[i].layer->adds_to_adjoint())
    one.joining = a.joining.front();
  return one;
}

template <class Scalar, class Space>
void Chain<Scalar, Space>::join(Context<Space> const& context, Adjoints const& a) const {
  for (std::size_t i = links_.front().layer->adds_to_adjoint() ? 1 : 0; i < a.joining.size(); ++i)
    add_stream<Scalar, Space>(context, a.joining[i], a.links.front().x);
}

// ---- Forward -----------------------------------------------------------------------------------

/// Of all links, or of all but the last, whose output is still there, unless it saves what backward
/// passes read.
template <class Scalar, class Space>
std::size_t Chain<Scalar, Space>::count_of(Links which, Activations const& p) {
  bool const has_last = which == Links::all || p.links.back().saved.size() > 0;
  return p.links.size() - (has_last ? 0 : 1);
}

template <class Scalar, class Space>
void Chain<Scalar, Space>::forward(Context<Space> const& context, ConstVector theta,
                                   Activations const& p, Links which) const {
  for (std::size_t i = 0; i < count_of(which, p); ++i) {
    auto const& link = links_[i];
    {
      auto const one = forward_of(p, i);
      auto const region = link.region(context, PassKind::forward, one.shape, one.residual.size());
      link.layer->forward(context, part(theta, link), one);
    }
    add_residual(context, p, i);
  }
}

template <class Scalar, class Space>
Index Chain<Scalar, Space>::past_size(Index capacity) const {
  Index size = 0;
  for (auto const& link : links_) size += link.layer->past_size(capacity);
  return size;
}

template <class Scalar, class Space>
void Chain<Scalar, Space>::extend(Context<Space> const& context, ConstVector theta,
                                  Activations const& p,
                                  layers::Past<Scalar, Space> const& past) const {
  Index used = 0;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    auto const& link = links_[i];
    {
      auto const one = forward_of(p, i);
      auto const region = link.region(context, PassKind::forward, one.shape, one.residual.size());
      auto own = past;
      Index const size = link.layer->past_size(past.capacity);
      own.memory = slice(past.memory, used, size);
      used += size;
      link.layer->extend(context, part(theta, link), one, own);
    }
    add_residual(context, p, i);
  }
}

template <class Scalar, class Space>
void Chain<Scalar, Space>::tangent_forward(Context<Space> const& context, ConstVector theta,
                                           ConstVector u, Activations const& p,
                                           Activations const& t, Links which) const {
  for (std::size_t i = 0; i < count_of(which, p); ++i) {
    auto const& link = links_[i];
    {
      auto const one = forward_of(t, i);
      auto const region =
          link.region(context, PassKind::tangent_forward, one.shape, one.residual.size());
      link.layer->tangent_forward(context, part(theta, link), part(u, link), p.links[i], one);
    }
    add_residual(context, t, i);
  }
}

// ---- Backward ----------------------------------------------------------------------------------

template <class Scalar, class Space>
void Chain<Scalar, Space>::backward_link(Context<Space> const& context, Link const& link,
                                         ConstVector theta, Activation const& p, Adjoint const& a,
                                         MutableVector dtheta) const {
  auto const region = link.region(context, PassKind::backward, p.shape, a.joining.size());
  link.layer->backward(context, part(theta, link), p, a, part(dtheta, link));
}

template <class Scalar, class Space>
void Chain<Scalar, Space>::tangent_backward_link(Context<Space> const& context, Link const& link,
                                                 ConstVector theta, ConstVector u,
                                                 Activation const& p, Activation const& t,
                                                 Adjoint const& a, Adjoint const& ta,
                                                 MutableVector hu) const {
  auto const region = link.region(context, PassKind::tangent_backward, p.shape, ta.joining.size());
  link.layer->tangent_backward(context, part(theta, link), part(u, link), p, t, a, ta,
                               part(hu, link));
}

template <class Scalar, class Space>
void Chain<Scalar, Space>::backward(Context<Space> const& context, ConstVector theta,
                                    Activations const& p, Adjoints const& a,
                                    MutableVector dtheta) const {
  for (std::size_t i = links_.size(); i-- > 0;)
    backward_link(context, links_[i], theta, p.links[i], backward_of(a, i), dtheta);
  join(context, a);
}

template <class Scalar, class Space>
void Chain<Scalar, Space>::tangent_backward(Context<Space> const& context, ConstVector theta,
                                            ConstVector u, Activations const& p,
                                            Activations const& t, Adjoints const& a,
                                            Adjoints const& ta, MutableVector hu) const {
  for (std::size_t i = links_.size(); i-- > 0;)
    tangent_backward_link(context, links_[i], theta, u, p.links[i], t.links[i], a.links[i],
                          backward_of(ta, i), hu);
  join(context, ta);
}

template <class Scalar, class Space>
void Chain<Scalar, Space>::both_backward(Context<Space> const& context, ConstVector theta,
                                         ConstVector u, Activations const& p, Activations const& t,
                                         Adjoints const& a, Adjoints const& ta,
                                         MutableVector dtheta, MutableVector hu) const {
  for (std::size_t i = links_.size(); i-- > 0;) {
    backward_link(context, links_[i], theta, p.links[i], backward_of(a, i), dtheta);
    tangent_backward_link(context, links_[i], theta, u, p.links[i], t.links[i], a.links[i],
                          backward_of(ta, i), hu);
  }
  join(context, a);
  join(context, ta);
}

KYRTOS_INSTANTIATE(kyrtos::model::Chain)

}  // namespace kyrtos::model
