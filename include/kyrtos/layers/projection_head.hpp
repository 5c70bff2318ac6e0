// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/error.hpp>
#include <kyrtos/layers/output_layer.hpp>
#include <kyrtos/layers/pass_bytes.hpp>
#include <kyrtos/layers/work.hpp>

/// \file
/// \brief What all heads share: a linear projection, then a loss of each row of outputs.

namespace kyrtos::layers {

/// z = x Wᵀ (+ b) and ℓ = weight·Σᵢ φ(zᵢ, targetᵢ), worked in chunks of rows in all four passes.
///
/// Only one chunk of z (and of ż) exists at a time. For each chunk, with D = ∂φ/∂z·weight:
///
/// | pass             | products                                    | 2·N·d·V FLOP |
/// |------------------|---------------------------------------------|--------------|
/// | forward          | z = x Wᵀ + b                                | 1            |
/// | backward         | dx = D W, dW += Dᵀx, db += Σᵢ Dᵢ            | 2            |
/// | tangent forward  | ż = ẋ Wᵀ + x Ẇᵀ + ḃ                         | 2            |
/// | tangent backward | dẋ = Ḋ W + D Ẇ, dẆ += Ḋᵀx + Dᵀẋ, dḃ += Σᵢ Ḋᵢ | 4            |
///
/// for N rows of d features and V outputs; u = (Ẇ, ḃ). run() computes z once for all passes it
/// is asked for: loss 1, gradient 3, gradient and HVP 9; an HVP alone, also one after a gradient
/// whose z is long gone, 7. The Gauss-Newton product leaves out both terms with D: 5.
///
/// Between the products one kernel goes over the rows of the chunk: it reads z, ż, adds each
/// row's φ and φ̇ to two columns of N numbers, and overwrites z by D and ż by Ḋ = (∂²φ/∂z²)ż·weight.
/// The loss is their sum in an order that N alone fixes. No atomics; reruns give the same bits.
///
/// Scratch: chunk·V values (twice that with a tangent) and 2·N doubles; of the weights, each chunk
/// reads W once a product and reads and writes dW, so a chunk should not be much shorter than
/// chunk_rows() makes it. Where products round their factors, W, Ẇ, x and ẋ are rounded once for
/// all chunks, D and Ḋ by the kernel that makes them. On devices rows of z are padded to 16 bytes.
template <class Scalar, class Space>
class ProjectionHead : public OutputLayer<Scalar, Space> {
  using Base = OutputLayer<Scalar, Space>;

 public:
  using typename Base::ConstMatrix;
  using typename Base::ConstVector;
  using typename Base::MutableMatrix;
  using typename Base::MutableVector;
  using typename Base::Passes;
  using typename Base::Result;

  Index in_features() const override { return shape_.in; }
  Index out_features() const override { return shape_.out; }
  Index scratch_bytes(Index tokens, bool tangents) const override;
  double forward_flops(Index tokens) const override;

  /// \throws ShapeError, before any work, when θ, the batch and `what` do not fit together.
  Result run(Context<Space> const& context, ConstVector theta, Batch<Scalar, Space> const& batch,
             Passes const& what) const override;

  void outputs(Context<Space> const& context, ConstVector theta, ConstMatrix x,
               MutableMatrix z) const override;

  /// Rows worked at a time: as given to the constructor, or as many as make the products
  /// efficient and keep the chunk's outputs small.
  Index chunk_rows(bool is_host = compat::has_teams_of_one<Space>) const;

  /// What is asked of it beside the loss, as in Passes.
  struct Wanted {
    bool dx = false, dtheta = false, tangent = false, dx_dot = false, hu = false;
    bool gauss_newton = false;

    /// Whether D is a factor, and Ḋ.
    bool d() const { return dx || dtheta || (!gauss_newton && d_dot()); }
    bool d_dot() const { return dx_dot || hu; }
  };
  /// What run() does on so many tokens.
  Work work(Index tokens, Wanted const& wanted, Machine const& machine) const;

 protected:
  struct Shape {
    Index in = 0;
    Index out = 0;
    bool bias = false;
    Index chunk_rows = 0;  ///< 0: automatic.
  };
  explicit ProjectionHead(Shape shape);

  /// What the row kernel sees of one chunk.
  struct Rows {
    Index begin = 0;                           ///< Its first row in the batch.
    MutableMatrix z;                           ///< In: z. Out: D.
    MutableMatrix z_dot;                       ///< In: ż. Out: Ḋ. Empty without a tangent.
    VectorView<double, Space> loss, loss_dot;  ///< Out: φ and φ̇ of each row, without weight.
    linalg::RoundedRows d, d_dot;              ///< Out: D and Ḋ once more, rounded.
  };
  virtual void evaluate(Context<Space> const& context, Batch<Scalar, Space> const& batch,
                        Rows const& rows) const = 0;
  virtual void check_targets(Batch<Scalar, Space> const& batch) const = 0;

 private:
  /// Bytes of one pass over `rows`: the matrices of its products.
  double pass_bytes(PassKind pass, Index rows, Wanted const& wanted) const;
  /// Those that the row kernel reads and writes.
  double row_bytes(Index rows, Wanted const& wanted, Machine const& machine) const;
  /// Of z.
  Index row_stride() const;
  ConstMatrix weight_of(ConstVector theta) const;
  MutableMatrix weight_of(MutableVector theta) const;
  void check(ConstVector theta, Batch<Scalar, Space> const& batch, Passes const& what) const;
  void project(Context<Space> const& context, ConstVector theta, Passes const& what,
               Rows const& rows) const;
  void backward(Context<Space> const& context, ConstVector theta, Passes const& what,
                Rows const& rows) const;
  void tangent_backward(Context<Space> const& context, ConstVector theta, Passes const& what,
                        Rows const& rows) const;
  void add_parameter_gradient(Context<Space> const& context, ConstMatrix dz, ConstMatrix x,
                              MutableVector dtheta) const;

  Shape shape_;
};

}  // namespace kyrtos::layers
