// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/model/transformer.hpp>
#include <kyrtos/train/config.hpp>

#include <functional>
#include <string>
#include <vector>

/// \file
/// \brief What a run will hold and compute on so many ranks, before it is started.

namespace kyrtos::train {

struct Resources {
  struct Entry {
    std::string name;
    double bytes = 0;
  };
  std::vector<Entry> memory;  ///< Of the rank that holds most, in the library's own allocations.
  double memory_bytes = 0;    ///< All of these.
  double copy_bytes = 0;  ///< Of host memory, for checkpoints behind the steps and the recorder's
                          ///< states; where the device is the host, part of `memory`.

  Index parameters = 0;
  Index active_depth = 0;
  Index micro_batches = 0;    ///< Of the rank that has most.
  double step_flops = 0;      ///< Over all ranks, without the curvature's.
  double product_flops = 0;   ///< Of one product on the probe, over all ranks.
  double check_products = 0;  ///< Of the curvature's check, a step on average, in products on the
                              ///< probe.
  double parts = 0;           ///< Messages that a split vector is gathered or summed in,
  double buckets = 0;         ///< and a whole one.

  /// Adds to the entry of that name.
  void add(std::string const& name, double bytes);
};

template <class Scalar, class Space>
class ConfiguredTrainer;

/// With `depth` active blocks, on each of `ranks` ranks: makes the run's trainer with a Context
/// that only counts memory, which `ask` may look at. \throws ConfigError when the configuration
/// contradicts itself.
template <class Scalar, class Space>
Resources resources_of(
    Context<Space> const& context, RunConfig config, int ranks, Index depth,
    std::function<void(ConfiguredTrainer<Scalar, Space> const&)> const& ask = {});

/// Rates of one rank's device and link, for step_seconds().
struct DeviceRates {
  double flops = 0;      ///< Matrix products, floating-point operations a second.
  double share = 0.7;    ///< Of these that a gradient reaches.
  double bandwidth = 0;  ///< Bytes a second that a rank sends while it receives as many.
  double latency = 0;    ///< Seconds of a message.
};

struct StepSeconds {
  double compute = 0;  ///< Gradient and products.
  double exposed = 0;  ///< Communication that computing does not hide.
  double total() const { return compute + exposed; }
};

/// Time of a step with `products` products, by docs/performance.md's model:
///
///     all-reduce of b bytes on R ranks:       2 (R−1)/R b/bandwidth + 2 ⌈log₂ R⌉ latency a message
///     all-gather or reduce-scatter:             (R−1)/R b/bandwidth +   ⌈log₂ R⌉ latency a message
///
/// Sums hide behind the backward passes, gathers behind the pass that they are for; what a pass is
/// too short for is exposed, and always one message.
StepSeconds step_seconds(RunConfig const& config, Resources const& work, int ranks,
                         DeviceRates const& rates, double products);

/// Time on a rank without communication, where it is known better than by `flops` and `share`.
struct ComputeSeconds {
  double gradient = 0, product = 0;
};
StepSeconds step_seconds(RunConfig const& config, Resources const& work, int ranks,
                         DeviceRates const& rates, ComputeSeconds const& computing,
                         double products);

}  // namespace kyrtos::train
