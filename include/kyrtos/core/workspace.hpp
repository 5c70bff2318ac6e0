// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>
#include <kyrtos/core/error.hpp>

#include <limits>
#include <string>
#include <vector>

namespace kyrtos {

/// Named buffers of one scalar type that live as long as this object: activations, tangents,
/// adjoints. Allocated once, before the first step; a list of them can be printed.
template <class Scalar, class Space>
class Workspace {
 public:
  /// \param allocates false: only counts; the vectors it hands out have a size and no memory.
  explicit Workspace(Context<Space> context, bool allocates = true)
      : context_(std::move(context)), allocates_(allocates) {}

  /// Uninitialised memory that Kokkos sees as `kyrtos::workspace::<name>`. Asking for the same
  /// name again gives the same memory: that is how passes share it.
  VectorView<Scalar, Space> vector(std::string const& name, Index size) {
    auto const extent = static_cast<std::size_t>(size);
    for (auto const& entry : entries_)
      if (entry.name == name) {
        if (entry.size < extent)
          throw ShapeError("workspace buffer '" + name + "' is too small to be shared");
        return VectorView<Scalar, Space>(entry.buffer.data(), extent);
      }
    Vector<Scalar, Space> buffer;
    if (allocates_)
      buffer =
          Vector<Scalar, Space>(Kokkos::view_alloc(context_.space(), Kokkos::WithoutInitializing,
                                                   "kyrtos::workspace::" + name),
                                extent);
    entries_.push_back({name, buffer, extent});
    return VectorView<Scalar, Space>(buffer.data(), extent);
  }

  MatrixView<Scalar, Space> matrix(std::string const& name, Index rows, Index columns) {
    return as_matrix(vector(name, rows * columns), 0, rows, columns);
  }

  struct Entry {
    std::string name;
    Vector<Scalar, Space> buffer;
    std::size_t size;
  };
  std::vector<Entry> const& entries() const { return entries_; }

  std::size_t bytes() const {
    std::size_t total = 0;
    for (auto const& entry : entries_) total += entry.size * sizeof(Scalar);
    return total;
  }

  /// Fills every buffer with NaN, so that a test sees any read of a value nobody wrote.
  void poison() {
    for (auto const& entry : entries_)
      Kokkos::deep_copy(context_.space(), entry.buffer, std::numeric_limits<Scalar>::quiet_NaN());
  }

 private:
  Context<Space> context_;
  bool allocates_;
  std::vector<Entry> entries_;
};

}  // namespace kyrtos
