// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/partition.hpp>
#include <kyrtos/core/types.hpp>

#include <concepts>
#include <type_traits>

namespace kyrtos {

/// A flat vector on the ranks of a communicator: the elements that this rank holds, and the
/// partition that says which they are.
///
/// Elementwise operations work on the local elements. Sums over a split vector (dot products,
/// norms; linalg/vector_operations.hpp) are collective, because the vector is of this type. A view
/// that every rank holds whole converts by itself. Owns nothing: memory and partition must outlive
/// it.
template <class T, class Space>
class DistributedView {
 public:
  using value_type = T;
  using non_const_value_type = std::remove_const_t<T>;
  using Local = VectorView<T, Space>;

  DistributedView() = default;
  DistributedView(Local local, Partition const& partition)
      : local_(local), partition_(partition.is_split() ? &partition : nullptr) {}

  /// Of a vector that every rank holds whole.
  template <class V>
  requires std::convertible_to<V const&, Local> DistributedView(V const& whole) : local_(whole) {}

  /// The same to read.
  operator DistributedView<T const, Space>() const requires(!std::is_const_v<T>) {
    DistributedView<T const, Space> view(typename DistributedView<T const, Space>::Local{local_});
    view.partition_ = partition_;
    return view;
  }

  Local const& local() const { return local_; }
  /// Null: every rank holds the whole vector.
  Partition const* partition() const { return partition_; }
  /// Of a range of the vector, what this rank holds.
  std::vector<Partition::Slice> slices(Partition::Range range) const {
    if (partition_ == nullptr) return {{range.offset, range.offset, range.size}};
    return partition_->slices(range);
  }

  /// Of the local elements.
  std::size_t size() const { return local_.size(); }
  KOKKOS_INLINE_FUNCTION T& operator()(Index i) const { return local_(i); }

 private:
  template <class, class>
  friend class DistributedView;

  Local local_;
  Partition const* partition_ = nullptr;
};

}  // namespace kyrtos
