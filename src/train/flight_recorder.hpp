// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/train/run.hpp>

#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace kyrtos::train {

/// Keeps the last states of a run in host memory, and writes them when something goes wrong, with
/// the batches that led there: `kyrtos replay` goes through the moment again. All in
/// `<run>/recorder`: `step-<number>.h5` are checkpoints, `batch-<number>.h5` hold the tokens that a
/// step read ([batch, length + 1], as io/batch_file.hpp says), and `alarms.jsonl` says why.
/// Collective, every function.
template <class Scalar, class Space>
class FlightRecorder {
 public:
  FlightRecorder(Context<Space> const& context, RunConfig const& config);

  /// Before a step: keeps the state where it is time to.
  void before_step(Run<Scalar, Space> const& run);

  /// After a step. \return the files' directory where the report is an alarm that was written.
  /// \throws FileError
  std::optional<std::string> after_step(Run<Scalar, Space> const& run, StepReport const& report);

  /// An alarm of another kind, at a step that could not be taken.
  std::optional<std::string> alarm(Run<Scalar, Space> const& run, Index step,
                                   std::string const& reason);

  /// Why a step is an alarm; empty where it is none.
  static std::string reason_of(StepReport const& report, RecorderConfig const& limits);

 private:
  using Host = compat::PinnedSpace<Space>;

  struct State {
    Index step;
    io::CheckpointText text;
    std::vector<std::string> groups;
    std::vector<Vector<Scalar, Host>> copies;
    bool is_written = false;
  };

  void write_state(Run<Scalar, Space> const& run, State const& state) const;

  Context<Space> context_;
  RecorderConfig limits_;
  std::string directory_;
  std::deque<State> states_;
  Index alarms_ = 0, quiet_until_ = 0;
};

}  // namespace kyrtos::train
