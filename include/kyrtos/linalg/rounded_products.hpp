// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/linalg/gemm.hpp>
#include <kyrtos/linalg/rounding.hpp>

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

/// What a factor that is kept is to a layer, or to all of them: one of each kind at a time, each in
/// memory of its own, which is as large as the largest of its kind.
enum class KeptAs : int {
  weight,
  tangent_weight,
  input,
  tangent_input,
  adjoint,
  tangent_adjoint,
  all_weights,  ///< θ
  all_tangent_weights
};
inline constexpr std::size_t kinds_of_kept = 8;

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
  /// What a kept factor [rows, columns] holds, and a kept vector as one row.
  static Index kept_bytes(FactorFormat format, Index rows, Index columns);
  /// Whether rows of so many columns are padded, so that a kept vector has no such matrices.
  static bool pads(FactorFormat format, Index columns);

  /// \throws ConfigError where something is missing.
  RoundedProducts(Context<Space> const& context, FactorFormat format);
  ~RoundedProducts();
  RoundedProducts(RoundedProducts const&) = delete;

  FactorFormat format() const { return format_; }

  /// C ← α·op(A)·op(B) + β·C, of extents that fit and are not zero. As linalg::gemm(), which calls
  /// this for a Context that has one. \param plus is added, where adds_addends(); with α = 1 and
  /// β = 0.
  void multiply(Transpose a_op, Transpose b_op, float alpha,
                MatrixView<float const, Space> const& a, MatrixView<float const, Space> const& b,
                float beta, MatrixView<float, Space> const& c,
                Addends<float, Space> const& plus = {});

 private:
  template <class>
  friend class KeptFactor;
  template <class>
  friend class KeptVector;
  /// Makes room; empty where rounded elements are kept already.
  RoundedRows keep(KeptAs as, MatrixView<float const, Space> const& matrix);
  void keep_vector(KeptAs as, VectorView<float const, Space> const& vector);
  void round(MatrixView<float const, Space> const& matrix, RoundedRows const& to) const;
  void forget(KeptAs as);

  struct State;
  Context<Space> context_;  ///< Its own products are not rounded.
  FactorFormat format_;
  std::unique_ptr<State> state_;
};

/// While it lives, a matrix does not change and is a factor of several of the context's products:
/// where these round their factors, it is rounded once. Matrices are known by their addresses; rows
/// of a kept one are kept too.
template <class Space>
class KeptFactor {
 public:
  /// Who rounds it: the constructor, or a kernel of the caller's, which goes over the matrix
  /// anyway.
  enum class By { itself, caller };

  template <class View>
  KeptFactor(Context<Space> const& context, KeptAs as, View const& matrix, By by = By::itself)
      : as_(as) {
    if constexpr (std::is_same_v<typename View::non_const_value_type, float>)
      if (auto* const products = context.products(); products != nullptr && matrix.size() > 0) {
        auto const rows = products->keep(as, matrix);
        if (rows.data == nullptr) return;
        products_ = products;
        if (by == By::itself)
          products->round(matrix, rows);
        else
          rows_ = rows;
      }
  }
  ~KeptFactor() {
    if (products_ != nullptr) products_->forget(as_);
  }
  KeptFactor(KeptFactor const&) = delete;
  KeptFactor& operator=(KeptFactor const&) = delete;

  /// Where the caller writes what it rounds; empty where there is nothing to do.
  RoundedRows const& rows() const { return rows_; }

 private:
  KeptAs as_;
  RoundedProducts<Space>* products_ = nullptr;
  RoundedRows rows_;
};

/// The same of a vector and all matrices without padding that lie in it: θ, or a direction, whose
/// weights are then rounded by one kernel. (On devices, but for those whose rows are no whole units
/// of 16 bytes in the format.)
template <class Space>
class KeptVector {
 public:
  template <class View>
  KeptVector(Context<Space> const& context, KeptAs as, View const& vector) : as_(as) {
    if constexpr (std::is_same_v<typename View::non_const_value_type, float>)
      if (auto* const products = context.products(); products != nullptr && vector.size() > 0) {
        products->keep_vector(as, VectorView<float const, Space>(vector));
        products_ = products;
      }
  }
  ~KeptVector() {
    if (products_ != nullptr) products_->forget(as_);
  }
  KeptVector(KeptVector const&) = delete;
  KeptVector& operator=(KeptVector const&) = delete;

 private:
  KeptAs as_;
  RoundedProducts<Space>* products_ = nullptr;
};

}  // namespace kyrtos::linalg
