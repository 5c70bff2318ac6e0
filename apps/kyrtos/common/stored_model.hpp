// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

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

/// A model and its parameters, from a checkpoint or the newest one of a run's directory.
template <class Scalar>
struct StoredModel {
  StoredModel(Context<Space> const& context, std::string const& path)
      : StoredModel(context,
                    io::CheckpointReader(context.communicator(), train::find_checkpoint(path))) {}

  /// \param settings instead of the checkpoint's configuration, with the same [model].
  StoredModel(Context<Space> const& context, io::CheckpointReader reader,
              std::optional<train::RunConfig> const& settings = {})
      : file(std::move(reader)),
        config(settings ? *settings : train::parse_config(file.text().config, file.path())),
        model(config.model) {
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
