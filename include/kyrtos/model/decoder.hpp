// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/model/transformer.hpp>

#include <memory>

namespace kyrtos::model {

/// The outputs of a causal model of tokens for one sequence that grows: keys and values of earlier
/// tokens are kept, so that a new token costs a forward pass of that token alone, and attention to
/// those before it.
///
/// Memory: 2·H_kv·D numbers a token of the capacity and active block, and the activations of one
/// block for as many tokens as one call appends, at most 256.
template <class Scalar, class Space = Kokkos::DefaultExecutionSpace>
class Decoder {
 public:
  using Source = VectorSource<Scalar, Space>;

  /// \param model must live as long.
  /// \throws ConfigError for a model that is not causal or not of tokens, ShapeError for more
  /// tokens than learned positions.
  Decoder(Context<Space> const& context, Transformer<Scalar, Space> const& model, Index capacity,
          ActiveBlocks active = {});
  ~Decoder();
  Decoder(Decoder&&) noexcept;

  Index size() const { return size_; }  ///< Tokens of the sequence.
  Index capacity() const { return capacity_; }
  void clear() { size_ = 0; }

  /// Appends tokens, one at least, and writes the outputs z of the last, [1, vocabulary].
  /// Asynchronous. \throws ShapeError beyond the capacity.
  void append(Source theta, VectorView<Token const, Space> tokens, MatrixView<Scalar, Space> z);

 private:
  struct Rows;

  void pass(Source theta, VectorView<Token const, Space> tokens);

  Context<Space> context_;
  Transformer<Scalar, Space> const* model_;
  Index capacity_, size_ = 0;
  ActiveBlocks active_;
  Matrix<Scalar, Space> past_;  // a row a block that takes part
  std::unique_ptr<Rows> rows_;  // activations of the last call
};

}  // namespace kyrtos::model
