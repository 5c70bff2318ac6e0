// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/linalg/gemm.hpp>

#include <memory>
#include <string>

namespace kyrtos::linalg {

/// What factors are rounded to. Both have float32's exponents; bfloat16 has 8 significant bits,
/// TF32 11.
enum class FactorFormat { bfloat16, tf32 };

/// Products of float32 matrices for a Context (Context::with_products()), of rounded factors.
///
/// Each element of op(A) and op(B) is rounded to the nearest number of the format; products are
/// exact in float32, and are added there. With u = 2⁻⁸ in bfloat16 and 2⁻¹¹ in TF32 the error of an
/// element is at most (2u + u²)·Σ |aᵢₖ||bₖⱼ|, beside that of the float32 sum, and as rounding has
/// no direction it is of the size u·(Σ aᵢₖ² bₖⱼ²)^½. Matrices in memory stay float32: nothing
/// outside a product is less accurate. Where nothing multiplies TF32 faster than float32, float32
/// is what multiplies the rounded factors: the same numbers, at no gain.
///
/// What the library needs for a product (its plan, and memory for rearranged factors) is kept from
/// the first product of each shape on.
template <class Space>
class RoundedProducts {
 public:
  /// Empty where this build and processor have them; otherwise, what is missing.
  static std::string missing(FactorFormat format);

  /// What a product C ← op(A)·op(B), or C + op(A)·op(B), of C [m, n] with k terms holds: its
  /// rounded factors and the library's own memory, without that where something is missing.
  static Index bytes(FactorFormat format, Transpose a_op, Transpose b_op, Index m, Index n, Index k,
                     bool adds);

  /// \throws ConfigError where something is missing.
  RoundedProducts(Context<Space> const& context, FactorFormat format);
  ~RoundedProducts();
  RoundedProducts(RoundedProducts const&) = delete;

  FactorFormat format() const { return format_; }

  /// C ← α·op(A)·op(B) + β·C, of extents that fit and are not zero. As linalg::gemm(), which calls
  /// this for a Context that has one.
  void multiply(Transpose a_op, Transpose b_op, float alpha,
                MatrixView<float const, Space> const& a, MatrixView<float const, Space> const& b,
                float beta, MatrixView<float, Space> const& c);

 private:
  struct State;
  Context<Space> context_;  ///< Its own products are not rounded.
  FactorFormat format_;
  std::unique_ptr<State> state_;
};

}  // namespace kyrtos::linalg
