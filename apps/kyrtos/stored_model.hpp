// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/allocate.hpp>
#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/model/transformer.hpp>
#include <kyrtos/train/config.hpp>
#include <kyrtos/train/run.hpp>
#include <kyrtos/train/run_parts.hpp>

#include "command.hpp"

#include <optional>

namespace kyrtos::program {

/// A model and its parameters, from a checkpoint or the newest one of a run's directory.
template <class Scalar>
struct StoredModel {
  StoredModel(Context<Space> const& context, std::string const& path)
      : StoredModel(context, io::CheckpointReader(context.communicator(), find_checkpoint(path))) {}

  /// \param settings instead of the checkpoint's configuration, with the same [model].
  StoredModel(Context<Space> const& context, io::CheckpointReader reader,
              std::optional<RunConfig> const& settings = {})
      : file(std::move(reader)),
        config(settings ? *settings : parse_config(file.text().config, file.path())),
        model(config.model) {
    file.check("parameters", model.layout());
    theta = allocate<Scalar>(context, "theta", model.layout().size());
    file.read<Scalar, Space>(context, "parameters", model.layout(), theta);
  }

  io::CheckpointReader file;
  RunConfig config;
  Transformer<Scalar, Space> model;
  Vector<Scalar, Space> theta;
};

/// The blocks that took part when the checkpoint was written.
template <class Scalar>
ActiveBlocks active_blocks(StoredModel<Scalar> const& stored) {
  return active_blocks(stored.config, stored.file.text().state, stored.file.path());
}

}  // namespace kyrtos::program
