// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/error.hpp>
#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/model/parameters.hpp>
#include <kyrtos/train/config.hpp>
#include <kyrtos/train/run_parts.hpp>
#include <kyrtos/train/run_training.hpp>

#include "../command.hpp"
#include "finite.hpp"

#include <memory>
#include <optional>

namespace kyrtos::program {

/// What a command that looks at a model was given: a checkpoint or the directory of a run, with the
/// settings that the checkpoint holds; or a configuration (.toml), with the checkpoint that its
/// training.start names.
struct StoredRun {
  explicit StoredRun(Communicator const& ranks, std::string const& path)
      : file(ranks, train::find_checkpoint(start_of(path))),
        config(is_toml(path) ? train::load_config(path)
                             : train::parse_config(file.text().config, file.path())) {}

  io::CheckpointReader file;
  train::RunConfig config;

 private:
  static bool is_toml(std::string const& path) { return path.ends_with(".toml"); }
  static std::string start_of(std::string const& path) {
    if (!is_toml(path)) return path;
    auto const start = train::load_config(path).training.start;
    require<ConfigError>(!start.empty(),
                         path + ": has no training.start, the checkpoint to look at");
    return start;
  }
};

/// A model and its parameters, from a checkpoint or the newest one of a run's directory.
template <class Scalar>
struct StoredModel {
  StoredModel(Context<Space> const& context, std::string const& path)
      : StoredModel(context, StoredRun(context.communicator(), path)) {}
  StoredModel(Context<Space> const& context, StoredRun run)
      : StoredModel(context, std::move(run.file), run.config) {}

  /// \param settings instead of the checkpoint's configuration, with the same [model].
  StoredModel(Context<Space> const& context, io::CheckpointReader reader,
              std::optional<train::RunConfig> const& settings = {})
      : file(std::move(reader)),
        config(settings ? *settings : train::parse_config(file.text().config, file.path())),
        model(config.model, config.training.attention) {
    file.check("parameters", model.layout());
    theta = std::make_unique<model::Parameters<Scalar, Space>>(context, model);
    file.read<Scalar, Space>(context, "parameters", model.layout(), theta->own());
    require_finite<Scalar, Space>(context, model.layout(), theta->own().local(), file.path(),
                                  "use a checkpoint from before that");
  }

  io::CheckpointReader file;
  train::RunConfig config;
  model::Transformer<Scalar, Space> model;
  std::unique_ptr<model::Parameters<Scalar, Space>> theta;
};

/// The blocks that took part when the checkpoint was written.
template <class Scalar>
model::ActiveBlocks active_blocks(StoredModel<Scalar> const& stored) {
  return train::active_blocks(stored.config, stored.file.text().state, stored.file.path());
}

}  // namespace kyrtos::program
