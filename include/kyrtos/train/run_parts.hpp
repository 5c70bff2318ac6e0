// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/preconditioner.hpp>
#include <kyrtos/linalg/rounded_products.hpp>
#include <kyrtos/model/transformer.hpp>
#include <kyrtos/train/config.hpp>
#include <kyrtos/train/token_stream.hpp>

#include <cstdint>
#include <optional>

/// \file
/// \brief What a configuration stands for: data, batches and blocks. The Trainer uses these, and
/// so does whoever looks at a trained model under the conditions that it was trained in.

namespace kyrtos::train {

/// What a run trains on and what it is judged by.
struct TrainingData {
  io::TokenDataset train, validation;
  io::TokenDataset all;  ///< Of the files under data.train, a part that is set aside included.
};

/// \throws ConfigError when there are no files, or too few tokens for a sequence; FileError.
TrainingData open_training_data(RunConfig const& config);

/// The same, once rank 0 has looked at the tokens (io::TokenDataset::check()). Collective.
TrainingData checked_training_data(Communicator const& ranks, RunConfig const& config);

/// What random numbers are for; each purpose has its own seed.
enum class Purpose : std::uint64_t { training = 0, validation = 1, probe = 2, check = 3 };
std::uint64_t seed_for(RunConfig const& config, Purpose purpose);

/// How many sequences the probe has, over all ranks: what the configuration says. Where that is 0:
/// 16, whose λ is within 11 % of all data's (docs/studies/noise); a probe on the batch has as many
/// on each rank, so the next multiple of the ranks, or the whole batch.
Index probe_sequences(RunConfig const& config, int ranks);

/// What a rank works on of `sequences` for that purpose; names the key in errors.
BatchShare batch_share(RunConfig const& config, Index sequences, Purpose purpose, RankPlace place);

/// This rank's part of the global batches of a purpose; the step chooses which.
template <class Scalar, class Space>
TokenStream<Scalar, Space> token_stream(Context<Space> const& context, RunConfig const& config,
                                        io::TokenDataset const& data, BatchShare const& share,
                                        Purpose purpose);

/// What factors of the layers' products are rounded to, if they are.
std::optional<linalg::FactorFormat> factor_format(Precision precision);

/// Empty where this build and processor have the precision; otherwise, what is missing.
template <class Space>
std::string missing_for(Precision precision);

/// The context of work in this precision: with bf16 or tf32, layers multiply rounded factors.
/// \param key names the precision in errors. \throws ConfigError where something is missing.
template <class Space>
Context<Space> with_precision(Context<Space> const& context, Precision precision,
                              char const* key = "training.precision");

/// The blocks that take part at the start of a run.
model::ActiveBlocks initially_active(RunConfig const& config);

/// The blocks that took part when a checkpoint was written, from its state; in a file from
/// elsewhere, which has none, those of the start.
/// \throws FileError, naming `file`, when the state says it in a way that it can't.
model::ActiveBlocks active_blocks(RunConfig const& config, std::string const& state,
                                  std::string const& file);

/// How far Adam's moments have come in a checkpoint with this state, after `steps` steps.
std::vector<curvature::AdamRange> adam_ranges(ParameterLayout const& layout,
                                              std::string const& state, std::string const& file,
                                              Index steps);

/// Whether training moves the segment: those of inactive blocks it doesn't.
bool takes_part(Segment const& segment, model::ActiveBlocks const& active);

}  // namespace kyrtos::train
