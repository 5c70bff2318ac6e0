// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/linalg/gemm.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>

namespace kyrtos::linalg {

/// What factors are rounded to. Both have float32's exponents; bfloat16 has 8 significant bits,
/// TF32 11.
enum class FactorFormat { bfloat16, tf32 };

/// Bytes that rounding `values` float32 numbers reads and writes.
inline double rounding_bytes(FactorFormat format, double values) {
  return values * (sizeof(float) + (format == FactorFormat::tf32 ? 4 : 2));
}

/// What a factor that is kept is to a layer: one of each kind at a time, each in memory of its own,
/// which is as large as the largest of its kind.
enum class KeptAs : int { weight, tangent_weight, input, tangent_input, adjoint, tangent_adjoint };
inline constexpr std::size_t kinds_of_kept = 6;

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
/// the first product of each shape on. A matrix that is a factor of several products is rounded
/// once while a KeptFactor names it.
template <class Space>
class RoundedProducts {
 public:
  /// Empty where this build and processor have them; otherwise, what is missing.
  static std::string missing(FactorFormat format);

  /// What a product C ← op(A)·op(B), or C + op(A)·op(B), of C [m, n] with k terms holds: its
  /// rounded factors, but for A or B where these are kept, and the library's own memory, without
  /// that where something is missing.
  static Index bytes(FactorFormat format, Transpose a_op, Transpose b_op, Index m, Index n, Index k,
                     bool adds, bool keeps_a = false, bool keeps_b = false);
  /// What a kept factor [rows, columns] holds.
  static Index kept_bytes(FactorFormat format, Index rows, Index columns);

  /// \throws ConfigError where something is missing.
  RoundedProducts(Context<Space> const& context, FactorFormat format);
  ~RoundedProducts();
  RoundedProducts(RoundedProducts const&) = delete;

  FactorFormat format() const { return format_; }

  /// C ← α·op(A)·op(B) + β·C, of extents that fit and are not zero. As linalg::gemm(), which calls
  /// this for a Context that has one. \param bias is added to each row, where adds_bias(); with
  /// α = 1 and β = 0.
  void multiply(Transpose a_op, Transpose b_op, float alpha,
                MatrixView<float const, Space> const& a, MatrixView<float const, Space> const& b,
                float beta, MatrixView<float, Space> const& c, float const* bias = nullptr);

 private:
  template <class>
  friend class KeptFactor;
  void keep(KeptAs as, MatrixView<float const, Space> const& matrix);
  void forget(KeptAs as);

  struct State;
  Context<Space> context_;  ///< Its own products are not rounded.
  FactorFormat format_;
  std::unique_ptr<State> state_;
};

/// While it lives, a matrix does not change and is a factor of several of the context's products:
/// where these round their factors, it is rounded once. Matrices are known by their addresses.
template <class Space>
class KeptFactor {
 public:
  template <class View>
  KeptFactor(Context<Space> const& context, KeptAs as, View const& matrix) : as_(as) {
    if constexpr (std::is_same_v<typename View::non_const_value_type, float>)
      if (auto* const products = context.products(); products != nullptr && matrix.size() > 0) {
        products->keep(as, matrix);
        products_ = products;
      }
  }
  ~KeptFactor() {
    if (products_ != nullptr) products_->forget(as_);
  }
  KeptFactor(KeptFactor const&) = delete;
  KeptFactor& operator=(KeptFactor const&) = delete;

 private:
  KeptAs as_;
  RoundedProducts<Space>* products_ = nullptr;
};

}  // namespace kyrtos::linalg
