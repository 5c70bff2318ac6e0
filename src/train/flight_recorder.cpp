// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "flight_recorder.hpp"

#include <kyrtos/core/error.hpp>
#include <kyrtos/io/batch_file.hpp>
#include <kyrtos/parallel/agreement.hpp>

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>

namespace kyrtos::train {

template <class Scalar, class Space>
FlightRecorder<Scalar, Space>::FlightRecorder(Context<Space> const& context,
                                              RunConfig const& config)
    : context_(context),
      limits_(config.recorder),
      directory_(config.output.directory + "/recorder") {}

template <class Scalar, class Space>
void FlightRecorder<Scalar, Space>::before_step(Run<Scalar, Space> const& run) {
  if (run.steps_done() % limits_.every != 0) return;
  State state;
  if (static_cast<Index>(states_.size()) >= limits_.states) {
    state = std::move(states_.front());  // its memory serves again
    states_.pop_front();
  }
  auto const snapshot = run.snapshot();
  state.step = run.steps_done();
  state.text = snapshot.text;
  state.is_written = false;
  state.groups.clear();
  state.copies.resize(snapshot.vectors.size());
  for (std::size_t i = 0; i < snapshot.vectors.size(); ++i) {
    auto const& [group, values] = snapshot.vectors[i];
    auto& copy = state.copies[i];
    if (copy.size() != values.local().size())
      copy =
          Vector<Scalar, Host>(Kokkos::view_alloc(Kokkos::WithoutInitializing, "kyrtos::recorder"),
                               values.local().size());
    Kokkos::deep_copy(context_.space(), VectorView<Scalar, Host>(copy), values.local());
    state.groups.push_back(group);
  }
  context_.fence("kyrtos::FlightRecorder");
  states_.push_back(std::move(state));
}

template <class Scalar, class Space>
std::string FlightRecorder<Scalar, Space>::reason_of(StepReport const& report,
                                                     RecorderConfig const& limits) {
  double const z = std::max(report.loss_z, report.gradient_z);
  if (limits.z_score > 0 && z > limits.z_score)
    return fmt::format("{} {:.3g} standard deviations above its mean",
                       report.loss_z == z ? "loss" : "gradient norm", z);
  auto const ratio = report.sharpness ? report.sharpness->threshold_ratio : std::optional<double>();
  if (limits.ratio > 0 && ratio && *ratio > limits.ratio)
    return fmt::format("sharpness {:.3g} times its threshold", *ratio);
  if (limits.ratio > 0 && report.update && report.update->ratio() > limits.ratio)
    return fmt::format("directional sharpness {:.3g} times its threshold", report.update->ratio());
  return "";
}

template <class Scalar, class Space>
std::optional<std::string> FlightRecorder<Scalar, Space>::after_step(Run<Scalar, Space> const& run,
                                                                     StepReport const& report) {
  auto const reason = reason_of(report, limits_);
  return reason.empty() ? std::nullopt : alarm(run, report.step, reason);
}

template <class Scalar, class Space>
std::optional<std::string> FlightRecorder<Scalar, Space>::alarm(Run<Scalar, Space> const& run,
                                                                Index step,
                                                                std::string const& reason) {
  if (states_.empty() || alarms_ >= limits_.alarms || step < quiet_until_) return std::nullopt;
  auto const& ranks = context_.communicator();
  parallel::on_root<FileError>(ranks, [&] {
    std::error_code error;
    std::filesystem::create_directories(directory_, error);
    if (error) throw FileError(directory_ + ": can't be made: " + error.message());
  });
  Index const first = states_.front().step;
  for (auto& state : states_) {
    if (!state.is_written) write_state(run, state);
    state.is_written = true;
  }
  parallel::on_root<FileError>(ranks, [&] {
    for (Index s = first + 1; s <= step; ++s)
      io::write_batch_file(fmt::format("{}/batch-{:08}.h5", directory_, s), run.batch_of(s));
    auto const path = directory_ + "/alarms.jsonl";
    std::ofstream file(path, std::ios::app);
    file
        << nlohmann::ordered_json{{"step", step}, {"first_state", first}, {"reason", reason}}.dump()
        << '\n';
    if (!file.flush()) throw FileError(path + ": can't be written; make room on the disk");
  });
  ++alarms_;
  quiet_until_ = step + limits_.states * limits_.every;  // until then no state is a new one
  return directory_;
}

template <class Scalar, class Space>
void FlightRecorder<Scalar, Space>::write_state(Run<Scalar, Space> const& run,
                                                State const& state) const {
  auto const vectors = run.snapshot().vectors;  // for how they lie on the ranks
  std::vector<io::NamedVector<Scalar const, Space>> copies;
  for (std::size_t i = 0; i < state.copies.size(); ++i) {
    // Pinned memory is memory that the device reads, too.
    VectorView<Scalar const, Space> const values(state.copies[i].data(), state.copies[i].size());
    auto const* const partition = vectors.front().values.partition();
    copies.push_back(
        {state.groups[i], partition ? DistributedView<Scalar const, Space>(values, *partition)
                                    : DistributedView<Scalar const, Space>(values)});
  }
  io::write_checkpoint<Scalar, Space>(context_, io::checkpoint_path(directory_, state.step),
                                      state.text, run.model().layout(), copies);
}

KYRTOS_INSTANTIATE(kyrtos::train::FlightRecorder)

}  // namespace kyrtos::train
