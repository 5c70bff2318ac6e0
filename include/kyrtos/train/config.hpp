// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>
#include <kyrtos/growth/growth_config.hpp>
#include <kyrtos/layers/attention.hpp>
#include <kyrtos/model/transformer_config.hpp>
#include <kyrtos/optim/cdat.hpp>
#include <kyrtos/optim/muon.hpp>
#include <kyrtos/optim/schedule.hpp>
#include <kyrtos/parallel/rank_sum.hpp>
#include <kyrtos/parallel/sharding.hpp>
#include <kyrtos/train/curvature_options.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

/// \file
/// \brief What a run is made of, read from a TOML file. Every key with its default, range and
/// meaning is declared once, in src/train/config_keys.cpp; `kyrtos train --help-config` lists them.

namespace kyrtos::train {

/// Of all vectors; bf16 and tf32: vectors in float32, factors of the layers' matrix products
/// rounded (linalg/rounded_products.hpp).
enum class Precision { float32, float64, bf16, tf32 };

/// As in files and options: `float32`, `float64`, `bf16`, `tf32`.
std::map<std::string, Precision> const& precisions();
std::string name_of(Precision precision);

struct DataConfig {
  std::vector<std::string> train;       ///< Files or shell patterns.
  std::vector<std::string> validation;  ///< Empty: the last `validation_fraction` of `train`.
  double validation_fraction = 0.05;
  enum class Format { automatic, bytes, tokens, tokens32, tokens64 } format = Format::automatic;
  enum class Order { random, sequential } order = Order::random;
  Index loss_after = -1;  ///< io::CountedTargets.
  Index loss_until = -1;
};

struct TrainingConfig {
  Index steps = 1000;
  Index batch = 8;        ///< Sequences a step, over all ranks.
  Index micro_batch = 0;  ///< Sequences a rank works on at once; 0: its whole share.
  Index length = 0;       ///< Tokens a sequence; 0: model.context.
  Index seed = 1;
  std::string start;  ///< A checkpoint whose parameters a new run starts from; empty: random ones.
  Precision precision = Precision::float32;
  layers::AttentionMethod attention = layers::AttentionMethod::automatic;
  double clip_norm = 1.0;   ///< 0: no clipping.
  double skip_z_score = 0;  ///< Leave out updates whose loss or gradient norm exceeds it; 0: none.
  Index z_score_window = 128;
  double qk_clip = 0;          ///< Bound of attention scores (train/qk_clip.hpp); 0: none.
  Index evaluate_every = 100;  ///< 0: never.
  Index evaluation_batches = 8;
  bool recompute = false;  ///< Activation checkpointing.
};

struct OptimizerConfig {
  enum class Kind { adamw, sgd, muon } kind = Kind::adamw;
  optim::AdamWOptions adamw;
  optim::MuonOptions muon;
  double momentum = 0.9;           ///< SGD's.
  bool independent_decay = false;  ///< optim::WeightDecay with the schedule's peak as reference.
};

struct CurvatureConfig : CurvatureOptions {
  bool enabled = true;
  enum class Probe { fixed, stream, batch } probe = Probe::batch;
  Index probe_sequences = 0;  ///< Over all ranks; 0: probe_sequences() chooses.
  /// Of the factors in the products' matrix products: training's, or fewer bits.
  enum class Factors { training, tf32, bf16 } precision = Factors::training;
};

struct ParallelConfig {
  parallel::Sharding shard = parallel::Sharding::none;
  parallel::ReductionOptions reduction;
  GpuAwareMpi gpu_aware_mpi = GpuAwareMpi::off;
  Transport transport = Transport::automatic;
  std::string nccl_library;

  ContextOptions context() const {
    return {.gpu_aware_mpi = gpu_aware_mpi, .transport = transport, .nccl_library = nccl_library};
  }
};

struct OutputConfig {
  std::string directory = "runs/run";
  Index checkpoint_every = 0;  ///< Steps; 0: at the end only.
  Index keep_checkpoints = 2;  ///< Older ones are removed; 0: keep all.
  bool keep_best = false;      ///< Also the state of the lowest validation loss, as best.h5.
  bool asynchronous = false;   ///< Checkpoints are copied, and written behind the next steps.
  Index log_every = 10;        ///< Steps between lines of a batch log.
  Index tensors_every = 10;    ///< Steps between records of each tensor's norms; 0: never.
};

/// States of a run that are kept in host memory, to be written when something goes wrong.
struct RecorderConfig {
  Index states = 0;    ///< Kept at a time; 0: no recorder.
  Index every = 10;    ///< Steps between them.
  double ratio = 0;    ///< λη, or the directional sharpness, over its threshold; 0: no alarm.
  double z_score = 6;  ///< Of loss or gradient norm, in standard deviations; 0: no alarm.
  Index alarms = 5;    ///< Written, at most.
};

/// How a run ends before its last step, and goes on in another job.
struct StopConfig {
  /// The program listens to these; PIPE is an output that nobody reads any more.
  std::vector<std::string> signals = {"USR1", "TERM", "INT", "HUP", "PIPE"};
  double time_limit = 0;     ///< Seconds that the run may take; 0: no other than the job's.
  double time_reserve = 30;  ///< Seconds that stay free of a limit, beside a step and a checkpoint.
  double patience = 5;  ///< Seconds that a stop waits for validation and measurements under way.
};

struct RunConfig {
  model::TransformerConfig model;
  DataConfig data;
  TrainingConfig training;
  OptimizerConfig optimizer;
  optim::LearningRate schedule{.total_steps = 0};  ///< total_steps 0: training.steps.
  optim::CdatOptions cdat;
  double sharpness_cap = 0;  ///< TrainerOptions::sharpness_cap, [schedule] in the file.
  CurvatureConfig curvature;
  growth::GrowthConfig growth;
  ParallelConfig parallel;
  OutputConfig output;
  RecorderConfig recorder;
  StopConfig stop;
};

/// Of the matrix products in curvature's products: `curvature.precision`, or training's.
Precision product_precision(RunConfig const& config);

/// Reads a TOML file and applies overrides of the form `section.key=value`; what is 0 to be
/// derived from other keys is derived. `model.preset` ("gpt2", "llama") replaces the defaults of
/// [model], wherever it stands.
/// \throws ConfigError that names file, line, key and the fix; an unknown key is an error that
/// names the nearest known one. \throws FileError when the file can't be read.
RunConfig load_config(std::string const& path, std::vector<std::string> const& overrides = {});

/// The same from text; `source` names it in errors.
RunConfig parse_config(std::string const& text, std::string const& source,
                       std::vector<std::string> const& overrides = {});

/// That products of sizes don't overflow: where they would, no machine has the memory anyway.
/// \throws ConfigError with the memory that it would take.
void check_sizes(RunConfig const& config, std::string const& source);

/// Seconds in a text such as `90`, `1:30` (minutes and seconds), `12:00:00`, `2-12:00:00` (days),
/// or `UNLIMITED`, which is 0: no limit; nothing where it is none of these.
std::optional<double> parse_duration(std::string const& text);

/// All keys with their values as TOML that parse_config() reads back.
std::string to_toml(RunConfig const& config);

/// A reference of all keys: default, range and meaning, as commented TOML.
std::string config_reference();

}  // namespace kyrtos::train
