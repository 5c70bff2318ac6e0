// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/model/decoder.hpp>

#include <algorithm>

namespace kyrtos::model {

/// What the passes of so many tokens work on. All blocks share it: the residual stream goes from
/// `stream` to `middle` through a block's attention, and back through its MLP, which reads the
/// block's input where the residual is parallel: it has read that before it writes.
template <class Scalar, class Space>
struct Decoder<Scalar, Space>::Rows {
  using Chain = model::Chain<Scalar, Space>;

  Rows(Context<Space> const& context, Transformer<Scalar, Space> const& model, Index count)
      : shape{1, count},
        memory(context, "decoder"),
        stream(memory.matrix("stream", count, model.config().width)),
        middle(memory.matrix("middle", count, model.config().width)) {
    attention = bind(model.block_[0], "attention", stream, middle);
    mlp = model.config().parallel_residual ? bind(model.block_[1], "mlp", stream, stream, middle)
                                           : bind(model.block_[1], "mlp", middle, stream);
    if (model.config().has_final_norm())
      norm = bind(model.final_norm_, "final_norm", stream, middle);
    context.reserve_scratch(static_cast<std::size_t>(model.scratch_bytes(count, false)));
  }

  typename Chain::Activations bind(Chain const& chain, char const* name,
                                   MatrixView<Scalar, Space> x, MatrixView<Scalar, Space> y,
                                   MatrixView<Scalar const, Space> residual = {}) {
    return chain.bind(memory, name, shape, Chain::Kind::primal, Chain::Retention::kept, x, y,
                      residual);
  }

  SequenceShape shape;
  BufferPool<Scalar, Space> memory;
  MatrixView<Scalar, Space> stream, middle;
  typename Chain::Activations attention, mlp, norm;
};

template <class Scalar, class Space>
Decoder<Scalar, Space>::Decoder(Context<Space> const& context,
                                Transformer<Scalar, Space> const& model, Index capacity,
                                ActiveBlocks active)
    : context_(context), model_(&model), capacity_(capacity), active_(std::move(active)) {
  auto const& config = model.config();
  require<ConfigError>(config.causal && !config.continuous(),
                       "Decoder: only a causal model of tokens can continue a sequence");
  require(capacity > 0, "Decoder: the capacity must be positive");
  require(config.positions != Positions::learned || capacity <= config.context,
          "Decoder: more tokens than the model has learned positions; lower the capacity");
  if (active_.empty()) active_.assign(static_cast<std::size_t>(config.depth), true);
  require<ConfigError>(static_cast<Index>(active_.size()) == config.depth,
                       "Decoder: `active` must have one entry for each block");
  past_ = allocate_rows<Scalar>(context, "decoder::past",
                                std::count(active_.begin(), active_.end(), true),
                                model.block_[0].past_size(capacity));
}

template <class Scalar, class Space>
Decoder<Scalar, Space>::~Decoder() = default;
template <class Scalar, class Space>
Decoder<Scalar, Space>::Decoder(Decoder&&) noexcept = default;

template <class Scalar, class Space>
void Decoder<Scalar, Space>::pass(Source theta, VectorView<Token const, Space> tokens) {
  auto const& model = *model_;
  auto const count = static_cast<Index>(tokens.size());
  if (!rows_ || rows_->shape.length != count)
    rows_ = std::make_unique<Rows>(context_, model, count);
  Batch<Scalar, Space> batch;
  batch.shape = rows_->shape;
  batch.inputs = tokens;
  batch.first_position = size_;
  model.input_->forward(context_, theta.part(model.input_range_), batch, rows_->stream);
  Index row = 0;
  for (std::size_t block = 0; block < active_.size(); ++block) {
    if (!active_[block]) continue;
    auto const& [attention, mlp] = model.block_ranges_[block];
    model.block_[0].extend(context_, theta.part(attention), rows_->attention,
                           {size_, capacity_, flat(rows_of(past_, row++, 1))});
    model.block_[1].forward(context_, theta.part(mlp), rows_->mlp);
  }
  size_ += count;
}

template <class Scalar, class Space>
void Decoder<Scalar, Space>::append(Source theta, VectorView<Token const, Space> tokens,
                                    MatrixView<Scalar, Space> z) {
  constexpr Index most = 256;
  auto const& model = *model_;
  auto const count = static_cast<Index>(tokens.size());
  model.check_size(theta.size(), "theta");
  require(count > 0 && size_ + count <= capacity_, "Decoder::append: no tokens, or no room");
  require(z.extent(0) == 1 && static_cast<Index>(z.extent(1)) == model.head_->out_features(),
          "Decoder::append: the matrix must be one row of outputs");
  for (Index begin = 0; begin < count; begin += most)
    pass(theta, slice(tokens, begin, std::min(most, count - begin)));
  auto features = rows_->stream;
  if (model.config().has_final_norm()) {
    model.final_norm_.forward(context_, theta.part(model.final_norm_range_), rows_->norm);
    features = rows_->middle;
  }
  model.head_->outputs(context_, theta.part(model.head_range_),
                       rows_of(features, rows_->shape.length - 1, 1), z);
}

KYRTOS_INSTANTIATE(kyrtos::model::Decoder)

}  // namespace kyrtos::model
