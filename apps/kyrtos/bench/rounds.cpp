// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rounds.hpp"

#include "core/seconds_since.hpp"
#include "profile.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fmt/format.h>

namespace kyrtos::bench {

namespace {

using Clock = std::chrono::steady_clock;

/// Seconds of a call, of so many in a row.
double seconds_of(Context<Space> const& context, Operation const& operation, Index calls) {
  if (operation.prepare) operation.prepare();
  context.fence("kyrtos::bench::before");
  context.communicator().barrier();
  auto const start = Clock::now();
  for (Index i = 0; i < calls; ++i) operation.run();
  context.fence("kyrtos::bench::after");
  double const seconds = seconds_since(start);
  if (operation.finish) operation.finish();
  return context.communicator().max(seconds) / static_cast<double>(calls);
}

/// Runs the operation for the first time. \return how often a measurement calls it.
Index warm_up(Context<Space> const& context, Operation const& operation, double shortest) {
  if (seconds_of(context, operation, 1) >= shortest || operation.finish) return 1;
  double const seconds = seconds_of(context, operation, 1);
  return std::clamp<Index>(static_cast<Index>(std::ceil(shortest / seconds)), 1, 100);
}

Measured set_up(Context<Space> const& parent, MemoryMeter& memory, CaseMaker const& maker,
                double shortest) {
  // Scratch memory is the context's: what the examination takes is given back.
  auto const found =
      maker.examine ? maker.examine(Context<Space>(parent.communicator().get())) : Json();
  memory.reset();
  Context<Space> const own(parent.communicator().get());
  Measured measured{maker.make(own), own};
  if (!found.is_null()) measured.of.facts.update(found);
  for (auto const& operation : measured.of.operations)
    measured.calls.push_back(warm_up(own, operation, shortest));
  measured.seconds.resize(measured.calls.size());
  measured.peak_memory_mib = own.communicator().max(memory.growth_mib());
  return measured;
}

/// Hears of each case, and says so when nothing has been said for a while.
class Patience {
 public:
  explicit Patience(Say const& say) : say_(say) {}

  void round(std::string const& text) {
    round_ = text;
    now(text);
  }
  void next(Case const& one) {
    constexpr double while_s = 10;
    if (seconds_since(last_) > while_s) now(round_ + ": " + one.name);
  }

 private:
  void now(std::string const& text) {
    say_(text);
    last_ = Clock::now();
  }

  Say const& say_;
  std::string round_;
  Clock::time_point last_ = Clock::now();
};

void measure_round(Context<Space> const& context, std::vector<Measured>& all, Patience& patience) {
  for (auto& m : all) {
    patience.next(m.of);
    for (std::size_t i = 0; i < m.seconds.size(); ++i)
      m.seconds[i].push_back(seconds_of(context, m.of.operations[i], m.calls[i]));
  }
}

Json profile_of(Context<Space> const& context, Operation const& operation) {
  Profile profile(operation.name);
  auto const start = Clock::now();
  constexpr int calls = 1 + 3;  // the first is left out
  for (int i = 0; i < 2 || (i < calls && context.communicator().max(seconds_since(start)) < 2);
       ++i) {
    if (operation.prepare) operation.prepare();
    Observation<Space> const observation(context, profile);
    Region<Space> const region(context, operation.name);
    operation.run();
  }
  return to_json(profile);
}

void add_profile(Measured& m) {
  for (auto const& operation : m.of.operations)
    m.profile[operation.name] = profile_of(m.context, operation);
}

}  // namespace

std::vector<Measured> measure_in_turns(Context<Space> const& context, MemoryMeter& memory,
                                       std::vector<CaseMaker> const& makers,
                                       RoundOptions const& options, Say const& say) {
  std::vector<Measured> all;
  for (auto const& maker : makers) {
    say("setting up " + maker.name);
    all.push_back(set_up(context, memory, maker, options.shortest));
  }
  Patience patience(say);
  auto const start = Clock::now();
  for (Index i = 0; i < options.repetitions; ++i) {
    double const past = context.communicator().max(seconds_since(start));
    if (i > 0 && past >= options.seconds) break;
    patience.round(fmt::format("round {} of {}, after {:.0f} s", i + 1, options.repetitions, past));
    measure_round(context, all, patience);
  }
  for (auto& measured : all) {
    if (!options.profile || measured.of.kind != "model") continue;
    say("profiling " + measured.of.name);
    add_profile(measured);
  }
  return all;
}

}  // namespace kyrtos::bench
