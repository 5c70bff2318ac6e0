// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/linalg/gemm.hpp>

#include <memory>
#include <string>

namespace kyrtos::linalg {

/// Products of float32 matrices for a Context (Context::with_products()), of factors in bfloat16.
///
/// Each element of op(A) and op(B) is rounded to bfloat16, which has float32's exponents and 8
/// significant bits; products are exact in float32, and are added there. With u = 2⁻⁸ the error of
/// an element is at most (2u + u²)·Σ |aᵢₖ||bₖⱼ|, beside that of the float32 sum, and as rounding
/// has no direction it is of the size u·(Σ aᵢₖ² bₖⱼ²)^½. Matrices in memory stay float32: nothing
/// outside a product is less accurate.
///
/// What the library needs for a product (its plan, and memory for rearranged factors) is kept from
/// the first product of each shape on.
template <class Space>
class Bf16Products {
 public:
  /// Empty where this build and processor have them; otherwise, what is missing.
  static std::string missing();

  /// What a product C ← op(A)·op(B), or C + op(A)·op(B), of C [m, n] with k terms holds: its
  /// rounded factors and the library's own memory, without that where something is missing.
  static Index bytes(Transpose a_op, Transpose b_op, Index m, Index n, Index k, bool adds);

  /// \throws ConfigError where something is missing.
  explicit Bf16Products(Context<Space> const& context);
  ~Bf16Products();
  Bf16Products(Bf16Products const&) = delete;

  /// C ← α·op(A)·op(B) + β·C, of extents that fit and are not zero. As linalg::gemm(), which calls
  /// this for a Context that has one.
  void multiply(Transpose a_op, Transpose b_op, float alpha,
                MatrixView<float const, Space> const& a, MatrixView<float const, Space> const& b,
                float beta, MatrixView<float, Space> const& c);

 private:
  struct State;
  Context<Space> context_;
  std::unique_ptr<State> state_;
};

}  // namespace kyrtos::linalg
