// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

#include <limits>
#include <string>
#include <vector>

namespace kyrtos {

/// Named buffers of one scalar type that live as long as this object: activations, tangents,
/// adjoints. Allocated once, before the first step; a list of them can be printed.
template <class Scalar, class Space>
class Workspace {
 public:
  explicit Workspace(Context<Space> context) : context_(std::move(context)) {}

  /// An uninitialised vector; Kokkos sees it as `kyrtos::workspace::<name>`.
  VectorView<Scalar, Space> vector(std::string const& name, Index size) {
    Vector<Scalar, Space> buffer(Kokkos::view_alloc(context_.space(), Kokkos::WithoutInitializing,
                                                    "kyrtos::workspace::" + name),
                                 static_cast<std::size_t>(size));
    entries_.push_back({name, buffer});
    return buffer;
  }

  MatrixView<Scalar, Space> matrix(std::string const& name, Index rows, Index columns) {
    return as_matrix(vector(name, rows * columns), 0, rows, columns);
  }

  struct Entry {
    std::string name;
    Vector<Scalar, Space> buffer;
  };
  std::vector<Entry> const& entries() const { return entries_; }

  std::size_t bytes() const {
    std::size_t total = 0;
    for (auto const& entry : entries_) total += entry.buffer.size() * sizeof(Scalar);
    return total;
  }

  /// Fills every buffer with NaN, so that a test sees any read of a value nobody wrote.
  void poison() {
    for (auto const& entry : entries_)
      Kokkos::deep_copy(context_.space(), entry.buffer, std::numeric_limits<Scalar>::quiet_NaN());
  }

 private:
  Context<Space> context_;
  std::vector<Entry> entries_;
};

}  // namespace kyrtos
