// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "problem.hpp"

#include <kyrtos/core/error.hpp>
#include <kyrtos/core/text.hpp>
#include <kyrtos/train/stored_preconditioner.hpp>

#include "../common/memory.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <string_view>

namespace kyrtos::program {

using Matrix = train::CurvatureConfig::Matrix;

std::optional<Index> stored_step(io::CheckpointReader const& file) {
  auto const state = nlohmann::json::parse(file.text().state, nullptr, false);
  if (!state.is_object() || !state.contains("step") || !state["step"].is_number_integer())
    return {};
  return state["step"].template get<Index>();
}

std::vector<Segment> choose_segments(ParameterLayout const& layout,
                                     model::ActiveBlocks const& active,
                                     std::vector<std::string> const& patterns) {
  std::vector<std::string> matched, known;
  for (auto const& segment : layout.segments()) known.push_back(segment.name);
  for (auto const& pattern : patterns) {
    auto const found = layout.match(pattern);
    if (found.empty())
      throw ConfigError(
          fmt::format("--match '{}': matches no segment of the model{}; names are like '{}'",
                      pattern, did_you_mean(pattern, known), known[known.size() / 2]));
    for (auto const& segment : found) matched.push_back(segment.name);
  }
  std::vector<Segment> chosen;
  for (auto const& segment : layout.segments())
    if (segment.trained && train::takes_part(segment, active) &&
        (patterns.empty() ||
         std::find(matched.begin(), matched.end(), segment.name) != matched.end()))
      chosen.push_back(segment);
  if (chosen.empty())
    throw ConfigError("--match: only matches parameters of blocks that are not active yet");
  return chosen;
}

std::string block_of(Segment const& segment) {
  auto const& name = segment.name;
  if (name.starts_with("blocks.")) return name.substr(0, name.find('.', 7));
  return name.starts_with("embedding.") ? "embedding" : "final norm, head";
}

std::string kind_of(Segment const& segment) {
  auto name = segment.name;
  if (name.starts_with("blocks.")) name = name.substr(name.find('.', 7) + 1);
  for (std::string_view const end : {".weight", ".bias"})
    if (name.ends_with(end)) return name.substr(0, name.size() - end.size());
  return name;
}

namespace {

std::vector<ParameterLayout::Range> ranges_of(std::vector<Segment> const& segments) {
  std::vector<ParameterLayout::Range> ranges;
  for (auto const& segment : segments) ranges.push_back({segment.offset, segment.size});
  return ranges;
}

train::TrainingData open_data(Communicator const& ranks, train::RunConfig const& config,
                              bool is_given) {
  if (config.data.train.empty())
    throw ConfigError(
        "the checkpoint's configuration names no data (data.train); give some files "
        "by --data");
  try {
    return train::checked_training_data(ranks, config);
  } catch (FileError const& error) {
    if (is_given) throw;
    throw FileError(std::string(error.what()) +
                    "; if the run's training data lie elsewhere now, give them by --data");
  }
}

}  // namespace

template <class Scalar>
CurvatureProblem<Scalar>::CurvatureProblem(Context<Space> const& context,
                                           StoredModel<Scalar> const& stored,
                                           CurvatureOptions const& options, Progress& progress)
    : context_(context),
      stored_(stored),
      active_(active_blocks(stored)),
      segments_(choose_segments(stored.model.layout(), active_, options.match)),
      streams_((require_memory(options), open_streams(options))),
      objective_(
          context, stored.model, *stored.theta,
          {.workspace = {.active = active_, .tangents = true, .recompute = options.recompute}},
          streams_.front().shape()),
      matrix_(objective_, options.matrix == Matrix::gauss_newton
                              ? model::CurvatureMatrix::gauss_newton
                              : model::CurvatureMatrix::hessian),
      watched_(options.matrix == Matrix::preconditioned ? preconditioned() : matrix_, progress) {
  use_mean();
  if (segments_.size() < stored.model.layout().segments().size()) restricted_ = part(segments_);
}

template <class Scalar>
auto CurvatureProblem<Scalar>::preconditioned() -> Operator& {
  auto const v = allocate<Scalar>(context_, "second_moment", stored_.model.layout().size());
  preconditioned_.emplace(context_, matrix_);
  preconditioned_->set(
      context_, train::stored_preconditioner<Scalar, Space>(context_, stored_.file, stored_.config,
                                                            stored_.model.layout(), v));
  return *preconditioned_;
}

/// For activations and tokens, counted and not taken.
template <class Scalar>
void CurvatureProblem<Scalar>::require_memory(CurvatureOptions const& options) const {
  auto const& config = stored_.config;
  auto const& ranks = context_.communicator();
  Context<Space> const counting(context_.space(), ranks.get(), {.counts_memory = true});
  auto const share = train::batch_share(config, config.curvature.probe_sequences,
                                        train::Purpose::probe, {ranks.rank(), ranks.size()});
  SequenceShape const shape{share.micro_batch, config.training.length};
  model::TransformerWorkspace<Scalar, Space> const work(
      counting, stored_.model, shape,
      {.active = active_, .tangents = true, .recompute = options.recompute});
  double const tokens = static_cast<double>(options.batches) *
                        static_cast<double>(share.count + share.fillers) *
                        static_cast<double>(shape.tokens());
  program::require_memory(context_, counted_bytes(counting) + 2 * sizeof(Token) * tokens,
                          "activations and tokens",
                          "lower --sequences, --micro-batch, --length or --batches, or use "
                          "--recompute");
}

template <class Scalar>
auto CurvatureProblem<Scalar>::open_streams(CurvatureOptions const& options) const
    -> std::vector<train::TokenStream<Scalar, Space>> {
  auto const& config = stored_.config;
  auto const& ranks = context_.communicator();
  auto const data = open_data(ranks, config, !options.data.empty());
  auto const share = train::batch_share(config, config.curvature.probe_sequences,
                                        train::Purpose::probe, {ranks.rank(), ranks.size()});
  std::vector<train::TokenStream<Scalar, Space>> streams;
  for (Index i = 0; i < options.batches; ++i) {
    streams.push_back(
        train::token_stream<Scalar>(context_, config, data.train, share, train::Purpose::probe));
    streams.back().load(i);
  }
  return streams;
}

/// The micro-batches of batches [begin, end), with the weights of the mean over these.
template <class Scalar>
auto CurvatureProblem<Scalar>::batches(std::size_t begin, std::size_t end) const
    -> std::vector<Batch> {
  std::vector<Batch> all;
  for (std::size_t i = begin; i < end; ++i)
    for (auto batch : streams_[i].batches()) {
      batch.weight /= static_cast<double>(end - begin);
      all.push_back(batch);
    }
  return all;
}

template <class Scalar>
auto CurvatureProblem<Scalar>::part(std::vector<Segment> const& segments)
    -> std::unique_ptr<Operator> {
  return std::make_unique<curvature::RestrictedOperator<Scalar, Space>>(context_, watched_,
                                                                        ranges_of(segments));
}

template <class Scalar>
double CurvatureProblem<Scalar>::mean_loss() {
  use_mean();
  return objective_.loss();
}

template <class Scalar>
double CurvatureProblem<Scalar>::bytes() {
  double const vectors = 1 + (preconditioned_ ? 2 : 0) + (restricted_ ? 2 : 0);
  return vectors * static_cast<double>(stored_.model.layout().size()) * sizeof(Scalar) +
         static_cast<double>(objective_.workspace()->bytes());
}

template class CurvatureProblem<float>;
template class CurvatureProblem<double>;

}  // namespace kyrtos::program
