// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/attention.hpp>
#include <kyrtos/model/transformer_config.hpp>

#include <array>
#include <cstddef>
#include <string>

/// \file
/// \brief What the operations of a model have to do, by classes of kernels: for predicted times.

namespace kyrtos::model {

/// Kernels that are limited by the same thing. `elementwise`: norms, activations, rotary positions,
/// gates, embeddings and residual connections. `vectors`: algebra on vectors of θ's length.
enum class KernelClass { linear, attention, head, elementwise, optimizer, vectors };
inline constexpr std::size_t kernel_classes = 6;
std::string name_of(KernelClass kernels);

using layers::Machine;
using layers::Work;

class WorkByClass {
 public:
  Work& operator[](KernelClass kernels) { return work_[static_cast<std::size_t>(kernels)]; }
  Work const& operator[](KernelClass kernels) const {
    return work_[static_cast<std::size_t>(kernels)];
  }
  WorkByClass& operator+=(WorkByClass const& other);
  friend WorkByClass operator*(double times, WorkByClass work) {
    for (auto& one : work.work_) one = times * one;
    return work;
  }
  Work total() const;

 private:
  std::array<Work, kernel_classes> work_ = {};
};

struct WorkOptions {
  Index blocks = 0;        ///< That take part.
  bool recompute = false;  ///< As in TransformerWorkspaceOptions.
  Machine machine = {};
  layers::AttentionMethod attention = layers::AttentionMethod::automatic;
};

/// Of one micro-batch, what the operations of Transformer with these names do. The layers are those
/// that the Transformer is made of, each asked for the FLOPs and bytes of its passes; a test
/// compares the sums with what the regions of these operations tell (core/region.hpp), and the
/// launches with what reaches Kokkos. A pass moves each matrix once (layers/pass_bytes.hpp), and
/// what its header says besides.
struct OperationWork {
  WorkByClass loss, gradient, hvp_after_gradient, hvp, gauss_newton;
};
template <class Scalar, class Space>
OperationWork operation_work(TransformerConfig const& config, SequenceShape shape,
                             WorkOptions const& options);

}  // namespace kyrtos::model
