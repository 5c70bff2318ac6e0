// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "profile.hpp"

#include "core/seconds_since.hpp"
#include "operation.hpp"

#include <string_view>

namespace kyrtos::bench {

namespace {

Profile* listener = nullptr;  // Kokkos Tools call plain functions

std::string without_prefix(std::string_view name) {
  constexpr std::string_view prefix = "kyrtos::";
  if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  return std::string(name);
}

void set_callbacks(Kokkos::Tools::beginFunction begin, Kokkos::Tools::endFunction end) {
  using namespace Kokkos::Tools::Experimental;
  set_begin_parallel_for_callback(begin);
  set_begin_parallel_reduce_callback(begin);
  set_begin_parallel_scan_callback(begin);
  set_end_parallel_for_callback(end);
  set_end_parallel_reduce_callback(end);
  set_end_parallel_scan_callback(end);
}

void add(Profile::Sum& sum, double seconds, RegionWork const& work = {}) {
  sum.seconds += seconds;
  sum.work.flops += work.flops;
  sum.work.bytes += work.bytes;
  ++sum.calls;
}

}  // namespace

Profile::Profile(std::string span) : name_(std::move(span)) {
  listener = this;
  set_callbacks(
      [](char const* label, std::uint32_t, std::uint64_t*) { listener->kernel_begins(label); },
      [](std::uint64_t) { listener->kernel_ends(); });
}

Profile::~Profile() {
  set_callbacks(nullptr, nullptr);
  listener = nullptr;
}

void Profile::begin(std::string const& name, RegionWork const& work) {
  if (open_.empty() && name != name_) return;
  if (open_.empty() && span_.calls == 1 && !is_warm_) forget_warm_up();
  open_.push_back({name, work, Clock::now()});
}

void Profile::end() {
  if (open_.empty()) return;
  auto const [name, work, start] = open_.back();
  open_.pop_back();
  double const seconds = seconds_since(start);
  if (open_.empty()) return add(span_, seconds, work);
  open_.back().work.flops += work.flops;
  open_.back().work.bytes += work.bytes;
  if (is_between_regions()) add(regions_[without_prefix(name)], seconds, work);
}

void Profile::forget_warm_up() {
  is_warm_ = true;
  span_ = {};
  regions_.clear();
  kernels_.clear();
}

void Profile::kernel_begins(std::string const& label) {
  if (is_between_regions()) kernel_ = {label, {}, Clock::now()};
}

void Profile::kernel_ends() {
  if (is_between_regions())
    add(kernels_[without_prefix(kernel_.name)], seconds_since(kernel_.start));
}

double Profile::seconds_in_regions() const {
  double seconds = 0;
  for (auto const& [name, sum] : regions_) seconds += sum.seconds;
  return seconds;
}

namespace {

Json rows_of(std::map<std::string, Profile::Sum> const& sums, Profile::Sum const& span) {
  Json rows = Json::object();
  for (auto const& [name, sum] : sums) {
    auto& row = rows[name];
    row["calls"] = static_cast<double>(sum.calls) / static_cast<double>(span.calls);
    row["seconds"] = sum.seconds / static_cast<double>(span.calls);
    row["share"] = sum.seconds / span.seconds;
    if (sum.work.flops > 0)
      row["flops_per_s"] = sum.work.flops / sum.seconds;
    else if (sum.work.bytes > 0)
      row["bytes_per_s"] = sum.work.bytes / sum.seconds;
  }
  return rows;
}

}  // namespace

Json to_json(Profile const& profile) {
  auto const& span = profile.span();
  if (span.calls == 0) return nullptr;
  return {{"calls", span.calls},
          {"seconds", span.seconds / static_cast<double>(span.calls)},
          {"flops_per_s", span.work.flops / span.seconds},
          {"no_region", 1 - profile.seconds_in_regions() / span.seconds},
          {"regions", rows_of(profile.regions(), span)},
          {"kernels", rows_of(profile.kernels(), span)}};
}

}  // namespace kyrtos::bench
