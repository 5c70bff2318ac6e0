// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "batches.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace kyrtos::c {

namespace {

/// How many of the tokens lie in [begin, end).
Index count_within(Context<Space> const& context, VectorView<Token const, Space> tokens,
                   Token begin, Index end) {
  Index count = 0;
  using Range = Kokkos::RangePolicy<Space, Kokkos::IndexType<Index>>;
  Kokkos::parallel_reduce(
      "kyrtos::c::count_within", Range(context.space(), 0, static_cast<Index>(tokens.size())),
      KOKKOS_LAMBDA(Index i, Index & sum) { sum += tokens(i) >= begin && tokens(i) < end; }, count);
  return count;
}

SequenceShape shape_of(kyrtos_array const& array, model::TransformerConfig const& model) {
  Index const rank = model.continuous() ? 3 : 2;
  if (array.rank != rank || array.extents[0] < 0 || array.extents[1] < 0)
    throw ShapeError(fmt::format(
        "inputs: have {} dimensions, but need {}", array.rank,
        model.continuous() ? "3, [sequences, length, input_features]" : "2, [sequences, length]"));
  SequenceShape const shape{array.extents[0], array.extents[1]};
  if (model.positions == model::Positions::learned && shape.length > model.context)
    throw ShapeError(fmt::format("inputs: sequences of {} rows exceed model.context = {}",
                                 shape.length, model.context));
  return shape;
}

}  // namespace

template <class Scalar>
VectorView<Token const, Space> Batches<Scalar>::tokens(kyrtos_array const& array, char const* name,
                                                       SequenceShape shape) {
  auto const& input =
      tokens_.emplace_back(context_, array, Expected{name, {shape.batch, shape.length}}, use_);
  return input.view();
}

template <class Scalar>
MatrixView<Scalar const, Space> Batches<Scalar>::fields(kyrtos_array const& array, char const* name,
                                                        SequenceShape shape, Index features) {
  auto const& input = fields_.emplace_back(
      context_, array, Expected{name, {shape.batch, shape.length, features}}, use_);
  return as_matrix(input.view(), 0, shape.tokens(), features);
}

template <class Scalar>
auto Batches<Scalar>::inputs(kyrtos_array const& array) -> Batch {
  Batch batch{.shape = shape_of(array, model_)};
  if (model_.continuous()) {
    batch.input_fields = fields(array, "inputs", batch.shape, model_.input_features);
    return batch;
  }
  batch.inputs = tokens(array, "inputs", batch.shape);
  if (count_within(context_, batch.inputs, 0, model_.vocabulary) != batch.shape.tokens())
    throw ShapeError(fmt::format("inputs: a token is outside [0, {}), the model's vocabulary",
                                 model_.vocabulary));
  return batch;
}

template <class Scalar>
auto Batches<Scalar>::add_one(kyrtos_batch const& b) -> Batch {
  Batch batch = inputs(b.inputs);
  batch.weight = b.weight;
  if (model_.continuous()) {
    batch.target_fields = fields(b.targets, "targets", batch.shape, model_.output_features);
    return batch;
  }
  batch.targets = tokens(b.targets, "targets", batch.shape);
  auto const lowest = std::numeric_limits<Token>::min();
  if (count_within(context_, batch.targets, lowest, model_.vocabulary) != batch.shape.tokens())
    throw ShapeError(
        fmt::format("targets: a token is not below {}, the model's vocabulary", model_.vocabulary));
  return batch;
}

template <class Scalar>
void Batches<Scalar>::add(std::span<kyrtos_batch const> batches) {
  Index targets = 0;
  agreed(context_.communicator(), [&] {
    require_argument(batches.empty() || batches.data() != nullptr, "the batch is NULL");
    for (auto const& b : batches) {
      Batch const batch = add_one(b);
      if (batch.shape.tokens() == 0) continue;  // a rank that has nothing
      targets += model_.continuous() ? batch.shape.tokens()
                                     : count_within(context_, batch.targets, 0, model_.vocabulary);
      batches_.push_back(batch);
    }
  });
  auto const all_targets = context_.communicator().sum(static_cast<double>(targets));
  for (auto& batch : batches_)
    if (batch.weight == 0) batch.weight = 1 / std::max(all_targets, 1.0);
}

template class Batches<float>;
template class Batches<double>;

}  // namespace kyrtos::c
