// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/linear_operator.hpp>

#include "core/seconds_since.hpp"

#include <chrono>
#include <string>

namespace kyrtos::program {

/// Tells on rank 0's stderr how many Hessian-vector products a long measurement has done: on a
/// terminal in one line that is rewritten, in a log in a line a minute.
class Progress {
 public:
  explicit Progress(bool speaks);
  ~Progress() { clear(); }
  Progress(Progress const&) = delete;
  Progress& operator=(Progress const&) = delete;

  /// What all that begins from now on is part of, such as `checkpoint 2 of 5`.
  void part_of(std::string whole) { whole_ = std::move(whole); }
  /// A new piece of work, of at most `most` products.
  void begin(std::string what, Index most);
  void advance();
  /// Takes the line off the terminal.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  bool speaks_, is_terminal_, is_shown_ = false;
  std::string whole_, what_;
  Index done_ = 0, most_ = 0;
  Clock::time_point start_ = Clock::now(), shown_ = start_;
};

/// An operator that counts and times its products, and reports them.
template <class Scalar, class Space>
class WatchedOperator final : public curvature::LinearOperator<Scalar, Space> {
 public:
  WatchedOperator(curvature::LinearOperator<Scalar, Space>& inner, Progress& progress)
      : inner_(&inner), progress_(&progress) {}

  Index size() const override { return inner_->size(); }
  void apply(Context<Space> const& context, VectorView<Scalar const, Space> x,
             VectorView<Scalar, Space> y) override {
    context.fence("kyrtos::program::watched");
    auto const start = std::chrono::steady_clock::now();
    inner_->apply(context, x, y);
    context.fence("kyrtos::program::watched");
    seconds_ += seconds_since(start);
    ++products_;
    progress_->advance();
  }

  Index products() const { return products_; }
  double seconds() const { return seconds_; }

 private:
  curvature::LinearOperator<Scalar, Space>* inner_;
  Progress* progress_;
  Index products_ = 0;
  double seconds_ = 0;
};

}  // namespace kyrtos::program
