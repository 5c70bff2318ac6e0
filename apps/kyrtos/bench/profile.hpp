// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/region.hpp>

#include "operation.hpp"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace kyrtos::bench {

/// Where the time of a span goes: by the regions directly inside it, such as
/// `kyrtos::linear::forward`, with the work that they and all inside them have told; what is left
/// by the kernels outside all of them.
///
/// A span is a region around everything, such as `kyrtos::Trainer::step`. Only the one that is
/// named is watched, and of several the first is left out: it warms up. Kernels come from Kokkos
/// Tools, which know one listener at a time; so one object at a time, of one host thread.
class Profile final : public RegionObserver {
 public:
  explicit Profile(std::string span);
  ~Profile() override;
  Profile(Profile const&) = delete;
  Profile& operator=(Profile const&) = delete;

  void begin(std::string const& name, RegionWork const& work) override;
  void end() override;

  struct Sum {
    double seconds = 0;
    Index calls = 0;
    RegionWork work = {};
  };
  Sum const& span() const { return span_; }
  /// By name, without `kyrtos::`.
  std::map<std::string, Sum> const& regions() const { return regions_; }
  std::map<std::string, Sum> const& kernels() const { return kernels_; }
  double seconds_in_regions() const;

 private:
  using Clock = std::chrono::steady_clock;

  void kernel_begins(std::string const& label);
  void kernel_ends();
  bool is_between_regions() const { return open_.size() == 1; }
  void forget_warm_up();

  struct Open {
    std::string name;
    RegionWork work;  ///< Its own and that of the regions inside that have ended.
    Clock::time_point start;
  };
  std::string name_;
  std::vector<Open> open_;  // from the span inwards; empty outside of it
  Open kernel_;
  bool is_warm_ = false;
  Sum span_;
  std::map<std::string, Sum> regions_, kernels_;
};

/// While it lives, the profile hears of the context's regions.
template <class Space>
class Observation {
 public:
  Observation(Context<Space> const& context, RegionObserver& observer) : context_(context) {
    context_.observe(&observer);
  }
  ~Observation() { context_.observe(nullptr); }
  Observation(Observation const&) = delete;
  Observation& operator=(Observation const&) = delete;

 private:
  Context<Space> context_;
};

/// `calls`, `seconds` of one, `no_region` (the share of it that no region explains), and `regions`
/// and `kernels` by name, each with `calls`, `seconds`, `share` and, where told, `flops_per_s` or
/// `bytes_per_s`; all per span.
Json to_json(Profile const& profile);

}  // namespace kyrtos::bench
