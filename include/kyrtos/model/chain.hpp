// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/buffer_pool.hpp>
#include <kyrtos/core/region.hpp>
#include <kyrtos/layers/layer.hpp>
#include <kyrtos/layers/pass_bytes.hpp>

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace kyrtos::model {

/// Layers one after the other, y = fₙ(…f₁(x)), or with a residual connection that ends after layer
/// k, y = fₙ(…fₖ₊₁(r + fₖ(…f₁(x)))), where r is x unless bind() is given another.
///
/// The derivative of a residual connection is the identity in each of the four passes, so all that
/// it costs is one addition a pass: by the layer that writes the sum, if it adds (layer.hpp), or by
/// a kernel. A chain holds no memory: `bind…` lays views for a given part of
/// the stream into a Workspace, and the passes run over those. Each layer's pass is a Region, such
/// as `kyrtos::linear::backward`.
template <class Scalar, class Space>
class Chain {
 public:
  using Layer = layers::Layer<Scalar, Space>;
  using ConstVector = VectorView<Scalar const, Space>;
  using MutableVector = VectorView<Scalar, Space>;
  using ConstMatrix = MatrixView<Scalar const, Space>;
  using MutableMatrix = MatrixView<Scalar, Space>;
  using Activation = layers::Activation<Scalar, Space>;
  using Adjoint = layers::Adjoint<Scalar, Space>;

  /// One link a layer.
  struct Activations {
    std::vector<Activation> links;
    ConstMatrix residual;  ///< r
  };
  struct Adjoints {
    std::vector<Adjoint> links;
    /// Adjoints that join that of x, which comes from the first layer. By default that of the sum
    /// r + fₖ(…), if there is one; whoever gives another r says where its adjoint goes.
    std::vector<ConstMatrix> joining;
  };

  /// `name` prefixes the layer's segments, such as `attention.qkv`.
  void add(std::string name, std::shared_ptr<Layer const> layer);

  /// The residual connection ends after the layer that was added last.
  void end_residual() { residual_end_ = static_cast<Index>(links_.size()) - 1; }

  std::size_t size() const { return links_.size(); }
  /// The place of the layer with a name. \throws Error when there is none.
  std::size_t find(std::string const& name) const;

  /// Appends all layers' segments under `prefix`. θ of the chain is that range.
  ParameterLayout::Range append_parameters(ParameterLayout& layout,
                                           std::string const& prefix) const;

  double forward_flops(SequenceShape shape) const;
  Index widest_features() const;

  /// Whether what is bound has memory of its own, or shares it with other chains.
  enum class Retention { kept, transient };
  enum class Kind { primal, tangent };

  /// Memory from x to y: outputs of the inner layers and what they save, under `prefix`. Kept
  /// buffers are named by the layers; transient ones are shared between chains, by index.
  /// \param residual r, if it isn't x.
  Activations bind(BufferPool<Scalar, Space>& workspace, std::string const& prefix,
                   SequenceShape shape, Kind kind, Retention retention, MutableMatrix x,
                   MutableMatrix y, ConstMatrix residual = {}) const;

  /// Values that bind() takes for each layer: of its output, and of what it saves.
  struct Inside {
    Index output = 0, saved = 0;
  };
  std::vector<Inside> inside(SequenceShape shape, Kind kind) const;

  /// Memory from ∂ℓ/∂y back to ∂ℓ/∂x. Kept: every inner adjoint has its own memory under
  /// `prefix`, for a tangent backward pass later. Otherwise two buffers, `prefix.even` and
  /// `prefix.odd` of widest_features(), take turns, and the sum's is `prefix.sum`.
  Adjoints bind_back(BufferPool<Scalar, Space>& workspace, std::string const& prefix,
                     SequenceShape shape, Retention retention, MutableMatrix dy,
                     MutableMatrix dx) const;

  /// Recomputed: what the layers save and the inner outputs are filled again; y keeps its values.
  enum class Links { all, recomputed };

  void forward(Context<Space> const& context, ConstVector theta, Activations const& p,
               Links which = Links::all) const;

  /// Values that all layers keep of earlier tokens.
  Index past_size(Index capacity) const;
  /// forward() of tokens that continue one sequence (layers/layer.hpp).
  void extend(Context<Space> const& context, ConstVector theta, Activations const& p,
              layers::Past<Scalar, Space> const& past) const;

  void tangent_forward(Context<Space> const& context, ConstVector theta, ConstVector u,
                       Activations const& p, Activations const& t, Links which = Links::all) const;

  void backward(Context<Space> const& context, ConstVector theta, Activations const& p,
                Adjoints const& a, MutableVector dtheta) const;

  void tangent_backward(Context<Space> const& context, ConstVector theta, ConstVector u,
                        Activations const& p, Activations const& t, Adjoints const& a,
                        Adjoints const& ta, MutableVector hu) const;

  /// backward and tangent backward layer by layer, so that adjoints can be transient.
  void both_backward(Context<Space> const& context, ConstVector theta, ConstVector u,
                     Activations const& p, Activations const& t, Adjoints const& a,
                     Adjoints const& ta, MutableVector dtheta, MutableVector hu) const;

 private:
  struct Link {
    std::string name;
    std::string label;  // of its buffers; no two links have the same
    std::shared_ptr<Layer const> layer;
    Index offset = 0;  // of the layer's θ within the chain's
    Index size = 0;
    std::array<std::string, 4> regions = {};  // their names, by PassKind

    /// \param added values that join what the pass writes.
    Region<Space> region(Context<Space> const& context, layers::PassKind pass, SequenceShape shape,
                         std::size_t added) const {
      double const bytes = layers::pass_bytes(*layer, pass, shape, size);
      return {context,
              regions[static_cast<std::size_t>(pass)],
              {.bytes = bytes + sizeof(Scalar) * static_cast<double>(added)}};
    }
  };

  /// Whether layer i may overwrite its input: never the stream that the chain starts from.
  bool overwrites(std::size_t i) const {
    return i > 0 && i + 1 < links_.size() && links_[i].layer->in_place();
  }
  template <class V>
  static V part(V const& v, Link const& link) {
    return v.size() == 0 ? V() : V(slice(v, link.offset, link.size));
  }
  static std::size_t count_of(Links which, Activations const& p);
  void backward_link(Context<Space> const& context, Link const& link, ConstVector theta,
                     Activation const& p, Adjoint const& a, MutableVector dtheta) const;
  void tangent_backward_link(Context<Space> const& context, Link const& link, ConstVector theta,
                             ConstVector u, Activation const& p, Activation const& t,
                             Adjoint const& a, Adjoint const& ta, MutableVector hu) const;
  /// What layer i is given: with the residual, if the connection ends there and it adds one.
  Activation forward_of(Activations const& p, std::size_t i) const;
  /// After layer i, if the residual connection ends there and it did not.
  void add_residual(Context<Space> const& context, Activations const& p, std::size_t i) const;
  /// Likewise of adjoints, of which the first layer adds one.
  Adjoint backward_of(Adjoints const& a, std::size_t i) const;
  void join(Context<Space> const& context, Adjoints const& a) const;

  std::vector<Link> links_;
  Index residual_end_ = -1;  // the link whose output gets r; -1: none
  Index size_ = 0;
};

}  // namespace kyrtos::model
