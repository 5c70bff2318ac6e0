// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/growth/depth_growth.hpp>
#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/train/trainer.hpp>

#include <map>
#include <string>
#include <vector>

/// \file
/// \brief What checkpoints hold of a training run: of Run, and of the trainer of C programs.

namespace kyrtos::train {

/// What a checkpoint holds of a run beside its vectors.
struct RunState {
  Index step = 0;  ///< Steps done. The data position follows from it.
  TrainerState trainer;
  growth::GrowthState growth;
  std::optional<double> best_validation_loss = {};
  std::map<std::string, std::string> data = {};  ///< As content_of() says; empty: not known.
};

std::string to_json(RunState const& state);

/// \throws FileError, naming `file`, when something is missing or of another type.
RunState run_state_from_json(std::string const& text, std::string const& file);

/// Which blocks took part and since when; nothing where a state, perhaps from elsewhere, does not
/// say. \throws FileError, naming `file`, when it says something else.
std::optional<growth::GrowthState> growth_state_from_json(std::string const& text,
                                                          std::string const& file);

/// The vectors that a checkpoint holds, as group and values.
/// \param probe may be null.
template <class Scalar, class Space>
std::vector<io::NamedVector<Scalar, Space>> saved_vectors(
    model::Parameters<Scalar, Space> const& theta, optim::Optimizer<Scalar, Space> const& optimizer,
    CurvatureProbe<Scalar, Space> const* probe) {
  auto const& partition = theta.partition();
  std::vector<io::NamedVector<Scalar, Space>> vectors{{"parameters", theta.own()}};
  for (auto const& [name, values] : optimizer.state())
    vectors.push_back({"optimizer/" + name, {values, partition}});
  if (probe == nullptr) return vectors;
  auto const rows = probe->vectors();
  for (Index i = 0; i < static_cast<Index>(rows.extent(0)); ++i)
    vectors.push_back({"curvature/x" + std::to_string(i), {flat(rows_of(rows, i, 1)), partition}});
  if (auto const parts = probe->part_vectors(); parts.size() > 0)
    vectors.push_back({"curvature/parts", {parts, partition}});
  return vectors;
}

/// Fills them. \return whether the estimator's were there: one that was switched on or widened
/// since then starts cold. \throws FileError
template <class Scalar, class Space>
bool read_saved_vectors(Context<Space> const& context, io::CheckpointReader const& checkpoint,
                        ParameterLayout const& layout,
                        std::vector<io::NamedVector<Scalar, Space>> const& vectors) {
  bool has_all = true;
  for (auto const& [group, values] : vectors) {
    bool const is_there = !group.starts_with("curvature/") || checkpoint.has(group);
    if (is_there) checkpoint.read<Scalar, Space>(context, group, layout, values);
    has_all = has_all && is_there;
  }
  return has_all;
}

/// \throws FileError, naming `file`, when the state is of another optimiser than `name`.
void require_optimizer(TrainerState const& state, std::string const& name, std::string const& file);

}  // namespace kyrtos::train
