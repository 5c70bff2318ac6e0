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
class BufferPool {
 public:
  /// \param name of the pool: Kokkos' tools see its buffers as `kyrtos::<pool>::<buffer>`.
  explicit BufferPool(Context<Space> context, std::string name = "buffers")
      : context_(std::move(context)), name_(std::move(name)) {}

  /// Uninitialised memory. Asking for the same name again gives the same memory: that is how passes
  /// share it.
  VectorView<Scalar, Space> vector(std::string const& name, Index size) {
    auto const extent = static_cast<std::size_t>(size);
    for (auto const& entry : entries_)
      if (entry.name == name) {
        if (entry.buffer.size() < extent)
          throw ShapeError("buffer '" + name + "' is too small to be shared");
        return VectorView<Scalar, Space>(entry.buffer.data(), extent);
      }
    entries_.push_back(
        {name, context_.template allocate<Vector<Scalar, Space>>(name_ + "::" + name, size)});
    return entries_.back().buffer;
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
  std::string name_;
  std::vector<Entry> entries_;
};

}  // namespace kyrtos
