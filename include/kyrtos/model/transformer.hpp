// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/vector_access.hpp>
#include <kyrtos/layers/input_layer.hpp>
#include <kyrtos/layers/output_layer.hpp>
#include <kyrtos/model/chain.hpp>
#include <kyrtos/model/transformer_config.hpp>

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace kyrtos::layers {
template <class Scalar, class Space>
class Attention;
enum class AttentionMethod : int;
}  // namespace kyrtos::layers

namespace kyrtos::model {

template <class Scalar, class Space>
class TransformerWorkspace;
template <class Scalar, class Space>
class Decoder;

/// Which blocks take part; an inactive one is exactly the identity, costs nothing, and its
/// parameters are neither read nor written. Empty: all.
using ActiveBlocks = std::vector<bool>;

/// A decoder or encoder Transformer as a function of one flat parameter vector θ.
///
/// The object holds the architecture only: θ, gradients, directions and memory belong to the
/// caller, so that one Transformer serves several threads. Vectors are views, or come and go part
/// by part (core/vector_access.hpp). Segment names are `embedding.token.weight`,
/// `embedding.position.weight`, `blocks.<i>.norm1.weight`, `blocks.<i>.attention.qkv.weight`,
/// `blocks.<i>.attention.output.weight`, `blocks.<i>.norm2.weight`, `blocks.<i>.mlp.up.weight`,
/// `blocks.<i>.mlp.down.weight`, `final_norm.weight`, `head.weight` and their biases;
/// docs/checkpoint.md lists all of them. Norms stand in θ where the model has them.
///
/// Every operation below runs on the workspace's context and waits for it once, where the loss
/// returns to the host. Losses and products are those of this rank's batch: with
/// `batch.weight` = 1/(number of targets on all ranks), summing over ranks gives the mean.
/// Costs in units of 2·(matrix parameters)·tokens floating-point operations: forward 1,
/// gradient 3, HVP after the gradient 6, gradient and HVP together 9, HVP alone 8.
template <class Scalar, class Space = Kokkos::DefaultExecutionSpace>
class Transformer {
 public:
  using ConstVector = VectorView<Scalar const, Space>;
  using MutableVector = VectorView<Scalar, Space>;
  using Source = VectorSource<Scalar, Space>;
  using Sink = VectorSink<Scalar, Space>;
  using Batch = kyrtos::Batch<Scalar, Space>;
  using Workspace = TransformerWorkspace<Scalar, Space>;

  /// \param attention how it is computed (layers/attention.hpp); no part of the model.
  /// \throws ConfigError when the configuration contradicts itself.
  explicit Transformer(TransformerConfig const& config, layers::AttentionMethod attention = {});

  TransformerConfig const& config() const { return config_; }
  ParameterLayout const& layout() const { return layout_; }

  /// What the passes read and add to at once: the input layer, two stages a block, the last norm,
  /// the head (unless tied). In θ's order, without gaps.
  std::vector<ParameterLayout::Range> parts() const;
  /// Their names, such as `blocks.3.attention`.
  std::vector<std::string> part_names() const;

  /// θ's range that block i occupies.
  ParameterLayout::Range block_range(Index block) const;

  /// Floating-point operations of a forward pass over all blocks, or the active ones.
  double forward_flops(SequenceShape shape, ActiveBlocks const& active = {}) const;

  /// Of the context's scratch memory, that the head takes for tokens of a batch. (The layers' is
  /// smaller, but that of blocked attention: layers::Attention::scratch_bytes().)
  Index scratch_bytes(Index tokens, bool tangents) const {
    return head_->scratch_bytes(tokens, tangents);
  }

  /// Draws θ. A value depends on the seed, its segment's name and its place in it alone.
  void initialize(Context<Space> const& context, std::uint64_t seed, MutableVector theta) const;
  /// Elements [first, first + values.size()) of one segment alone, its standard deviation (or
  /// constant) times `scale`.
  void initialize(Context<Space> const& context, std::uint64_t seed, Segment const& segment,
                  Index first, MutableVector values, double scale = 1) const;

  /// ℓ(θ)
  double loss(Workspace& workspace, Source theta, Batch const& batch) const;

  /// Returns ℓ and adds ∇ℓ to `gradient`; an empty one skips the weight gradients, and only
  /// prepares the workspace for hvp_after_gradient().
  double gradient(Workspace& workspace, Source theta, Batch const& batch, Sink gradient) const;

  /// Adds H u to `hu`, from the activations and adjoints that gradient() left in a workspace made
  /// with `keep_adjoints`; θ and batch must be the same. Returns ⟨∇ℓ, u⟩.
  double hvp_after_gradient(Workspace& workspace, Source theta, Source u, Batch const& batch,
                            Sink hu) const;

  struct Directional {
    double loss = 0;
    double derivative = 0;  ///< ⟨∇ℓ, u⟩
  };

  /// Adds ∇ℓ to `gradient` and H u to `hu` in the same passes; an empty `gradient` is an HVP alone,
  /// which skips the weight gradients that it doesn't need.
  Directional gradient_and_hvp(Workspace& workspace, Source theta, Source u, Batch const& batch,
                               Sink gradient, Sink hu) const;

  Directional hvp(Workspace& workspace, Source theta, Source u, Batch const& batch, Sink hu) const {
    return gradient_and_hvp(workspace, theta, u, batch, {}, hu);
  }

  /// Adds G u to `gu`, with the Gauss-Newton matrix G = Jᵀ(∂²ℓ/∂z²)J of the outputs z.
  double gauss_newton(Workspace& workspace, Source theta, Source u, Batch const& batch,
                      Sink gu) const;

  /// The outputs z (logits or fields) of rows [begin, begin + z.extent(0)).
  void outputs(Workspace& workspace, Source theta, Batch const& batch, Index begin,
               MatrixView<Scalar, Space> z) const;

 private:
  friend class TransformerWorkspace<Scalar, Space>;
  friend class Decoder<Scalar, Space>;
  using Chain = model::Chain<Scalar, Space>;
  using Passes = typename layers::OutputLayer<Scalar, Space>::Passes;

  void build_ends();
  void check_size(Index size, char const* name) const;
  /// Where the head's own parameters begin, if it has some.
  Index end_of_stages() const { return final_norm_range_.offset + final_norm_range_.size; }
  Passes head_passes(Workspace& workspace, Source u = {}) const;
  void forward(Workspace& workspace, Source theta, Batch const& batch, Source u = {}) const;
  void backward(Workspace& workspace, Source theta, Batch const& batch, Sink gradient) const;
  void add_input_gradient(Workspace& workspace, Batch const& batch,
                          MatrixView<Scalar const, Space> dy, Sink gradient) const;

  TransformerConfig config_;
  ParameterLayout layout_;
  std::shared_ptr<layers::InputLayer<Scalar, Space> const> input_;
  std::shared_ptr<layers::OutputLayer<Scalar, Space> const> head_;
  std::array<Chain, 2> block_;  // attention, mlp: the same for all
  std::shared_ptr<layers::Attention<Scalar, Space> const> attention_;
  std::size_t attention_index_ = 0;  // its place in block_[0]
  Chain final_norm_;                 // empty where there is none
  ParameterLayout::Range input_range_, head_range_, final_norm_range_;
  std::vector<std::array<ParameterLayout::Range, 2>> block_ranges_;
};

struct TransformerWorkspaceOptions {
  ActiveBlocks active = {};    ///< Blocks that take part; empty: all.
  bool tangents = false;       ///< Memory for Hessian-vector products.
  bool keep_adjoints = false;  ///< gradient() leaves what hvp_after_gradient() needs.
  /// Activation checkpointing: only the residual stream is kept, and the inside of each branch
  /// is computed again on the way back. Excludes keep_adjoints.
  bool recompute = false;
  bool scores = false;               ///< Keep the largest attention score of each head.
  std::string name = "activations";  ///< Of its buffers, for tools and plans.
};

/// Memory for passes over micro-batches of one shape: allocated here, never in a step.
template <class Scalar, class Space = Kokkos::DefaultExecutionSpace>
class TransformerWorkspace {
 public:
  using Options = TransformerWorkspaceOptions;

  TransformerWorkspace(Context<Space> const& context, Transformer<Scalar, Space> const& model,
                       SequenceShape shape, Options options = {});

  Context<Space> const& context() const { return context_; }
  SequenceShape shape() const { return shape_; }
  Options const& options() const { return options_; }
  std::size_t bytes() const { return memory_.bytes(); }
  BufferPool<Scalar, Space>& memory() { return memory_; }

  /// Largest attention scores, [depth, heads], of all forward passes since forget_scores() but
  /// those of weight 0: −∞ for blocks that don't take part. Waits for the instance. \throws
  /// ConfigError without `scores`.
  std::vector<double> largest_scores() const;
  void forget_scores();

 private:
  friend class Transformer<Scalar, Space>;
  using Chain = model::Chain<Scalar, Space>;

  /// A chain at its place: between stream i and stream i + 1, with its slice of θ. With a parallel
  /// residual the second branch of a block reads what the first reads, stream i − 1, and stream i
  /// is its residual. Then the adjoint of stream i is that of stream i + 1, and the adjoint of what
  /// the second reads is a buffer `.branch`, which joins what the first gives back.
  struct Placed {
    Chain const* chain;
    ParameterLayout::Range range;
    Index attention_of = -1;  // the block whose attention it is
    enum class Place { alone, first_of_two, second_of_two } place = Place::alone;
    typename Chain::Activations primal = {}, tangent = {};
    typename Chain::Adjoints adjoint = {}, tangent_adjoint = {};
  };

  void place(Transformer<Scalar, Space> const& model);
  void bind_streams(Index width);
  void reserve_branch_adjoints();
  void reserve_any_branch();
  void bind(Placed& stage, std::size_t i, std::string const& prefix);
  typename Chain::Adjoints bind_back(Placed const& stage, std::size_t i, std::string const& prefix,
                                     typename Chain::Retention retention,
                                     std::vector<MatrixView<Scalar, Space>> const& adjoints);
  /// A forward pass over the batch begins. \throws ShapeError where it doesn't fit.
  void begin_pass(Batch<Scalar, Space> const& batch);
  void require_tangents() const;

  Context<Space> context_;
  SequenceShape shape_;
  Options options_;
  BufferPool<Scalar, Space> memory_;
  std::vector<Placed> stages_;
  /// The residual stream before each stage, and after the last; with its tangent and adjoints.
  std::vector<MatrixView<Scalar, Space>> stream_, stream_dot_, stream_adjoint_,
      stream_tangent_adjoint_;
  MatrixView<Scalar, Space> scores_;
  bool watches_scores_ = false;  // in the present pass
  bool gradient_is_kept_ = false;
};

}  // namespace kyrtos::model
