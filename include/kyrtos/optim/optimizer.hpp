// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>
#include <kyrtos/core/parameter_layout.hpp>
#include <kyrtos/core/partition.hpp>
#include <kyrtos/curvature/preconditioner.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kyrtos::optim {

/// How long a range of parameters has been moved, and how fast it is: what blocks that join a
/// run on the way have for themselves.
struct ParameterAge {
  Index first = 0;   ///< The step after which the first moment began, at zero.
  Index second = 0;  ///< The same for the second; earlier where it was inherited.
  double rate = 1;   ///< Of the learning rate.
  friend bool operator==(ParameterAge const&, ParameterAge const&) = default;
};

/// A range of the parameter vector that an optimiser moves, with or without weight decay.
struct ParameterRange {
  Index offset = 0;
  Index size = 0;
  bool decay = false;
  ParameterAge age = {};
};

/// The segments of a layout as few ranges: neighbours of the same kind are joined. `age_of` gives a
/// segment's age, or nothing to leave it out (blocks that are not trained yet).
template <class AgeOf>
std::vector<ParameterRange> ranges_of(ParameterLayout const& layout, AgeOf const& age_of) {
  std::vector<ParameterRange> ranges;
  for (auto const& segment : layout.segments()) {
    std::optional<ParameterAge> const age = age_of(segment);
    if (!age || !segment.trained) continue;
    if (!ranges.empty() && ranges.back().decay == segment.decay && ranges.back().age == *age &&
        ranges.back().offset + ranges.back().size == segment.offset)
      ranges.back().size += segment.size;
    else
      ranges.push_back({segment.offset, segment.size, segment.decay, *age});
  }
  return ranges;
}

inline std::vector<ParameterRange> ranges_of(ParameterLayout const& layout) {
  return ranges_of(layout, [](Segment const&) { return ParameterAge(); });
}

/// Decoupled weight decay: what θ is multiplied by in a step.
struct WeightDecay {
  double strength = 0;
  /// 0: θ ← (1 − η·strength)θ (Loshchilov and Hutter 2019, arXiv 1711.05101). A rate: independent
  /// of the peak of learning rates, θ ← (1 − η/rate·strength)θ; with the peak here, η/rate is the
  /// schedule's share of it (Wortsman et al. 2023, arXiv 2309.14322).
  double reference_rate = 0;

  double factor(double learning_rate) const {
    return 1 - strength * (reference_rate > 0 ? learning_rate / reference_rate : learning_rate);
  }
};

/// The tensors of a vector that lies on the ranks as θ does.
struct Tensors {
  Partition partition;
  std::vector<ParameterLayout::Range> ranges;  ///< Of the whole vector.
};

inline Tensors tensors_of(ParameterLayout const& layout, Partition const& partition) {
  Tensors tensors{partition, {}};
  for (auto const& segment : layout.segments())
    tensors.ranges.push_back({segment.offset, segment.size});
  return tensors;
}

/// Moves θ against the gradient. Parameters outside its ranges, and their state, stay untouched.
template <class Scalar, class Space>
class Optimizer {
 public:
  using ConstVector = VectorView<Scalar const, Space>;
  using MutableVector = VectorView<Scalar, Space>;

  virtual ~Optimizer() = default;
  virtual std::string name() const = 0;

  /// One step with learning rate η on gradient_scale·gradient (the scale is how clipping comes
  /// in without reading the gradient for it). Asynchronous; it reads θ, the gradient and the
  /// state, unless the optimiser says otherwise.
  void update(Context<Space> const& context, MutableVector theta, ConstVector gradient,
              double learning_rate, double gradient_scale = 1) {
    ++steps_;
    move(context, theta, gradient, learning_rate, gradient_scale);
  }

  /// What the last update() moved, and how: θ ← … − η·share·direction/P.
  struct Moved {
    Index offset = 0, size = 0;
    double share = 1;            ///< Of the learning rate.
    ConstVector direction = {};  ///< Of θ's layout; none: the gradient.
    curvature::PreconditionerElement<Scalar, Space> p{{}, 1, 1, 0};
  };
  virtual std::vector<Moved> moved() const {
    std::vector<Moved> all;
    for (auto const& range : ranges_) all.push_back({range.offset, range.size, range.age.rate});
    return all;
  }

  /// Steps taken so far: part of the state, because bias corrections depend on it.
  Index steps() const { return steps_; }
  void set_steps(Index steps) { steps_ = steps; }

  std::vector<ParameterRange> const& ranges() const { return ranges_; }
  void set_ranges(std::vector<ParameterRange> ranges) { ranges_ = std::move(ranges); }

  /// The vectors, of θ's layout, that a checkpoint must hold.
  struct State {
    std::string name;
    MutableVector values;
  };
  virtual std::vector<State> state() const = 0;

  /// The sharpness of the Hessian above which the optimiser is unstable on a quadratic.
  virtual curvature::StabilityThreshold threshold() const = 0;

  /// The same where noise of small batches moves θ, if that is another one: momentum's.
  virtual std::optional<curvature::StabilityThreshold> small_batch_threshold() const {
    return std::nullopt;
  }

  /// Of the diagonal preconditioner that it divides by, if it has one: Adam's.
  virtual std::optional<curvature::AdamPreconditionerOptions> preconditioner() const {
    return std::nullopt;
  }

 protected:
  explicit Optimizer(std::vector<ParameterRange> ranges) : ranges_(std::move(ranges)) {}

  virtual void move(Context<Space> const& context, MutableVector theta, ConstVector gradient,
                    double learning_rate, double gradient_scale) = 0;

 private:
  std::vector<ParameterRange> ranges_;
  Index steps_ = 0;
};

}  // namespace kyrtos::optim
