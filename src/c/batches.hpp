// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/batch.hpp>
#include <kyrtos/model/transformer_config.hpp>

#include "arrays.hpp"

#include <list>
#include <span>

namespace kyrtos::c {

/// The caller's batches as a model wants them.
template <class Scalar>
class Batches {
 public:
  using Batch = kyrtos::Batch<Scalar, Space>;

  Batches(Context<Space> context, model::TransformerConfig model, Use use = Use::borrow)
      : context_(std::move(context)), model_(std::move(model)), use_(use) {}

  /// Checks the batches of this rank and, where need be, copies them. Those without a weight get
  /// the one of the mean. Collective: a mistake on one rank is an error on all.
  void add(std::span<kyrtos_batch const> batches);

  /// Inputs without targets, for inference. Not collective.
  Batch inputs(kyrtos_array const& array);

  std::vector<Batch> const& all() const { return batches_; }

 private:
  Batch add_one(kyrtos_batch const& batch);
  VectorView<Token const, Space> tokens(kyrtos_array const& array, char const* name,
                                        SequenceShape shape);
  MatrixView<Scalar const, Space> fields(kyrtos_array const& array, char const* name,
                                         SequenceShape shape, Index features);

  Context<Space> context_;
  model::TransformerConfig model_;
  Use use_;
  std::list<Input<Token>> tokens_;
  std::list<Input<Scalar>> fields_;
  std::vector<Batch> batches_;
};

}  // namespace kyrtos::c
