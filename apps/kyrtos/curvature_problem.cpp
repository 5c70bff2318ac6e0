// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "curvature_problem.hpp"

#include <kyrtos/core/error.hpp>
#include <kyrtos/core/text.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace kyrtos::program {

using Matrix = CurvatureConfig::Matrix;
using Preconditioner = CurvatureConfig::Preconditioner;

StoredState stored_state(io::CheckpointReader const& file) {
  auto const state = nlohmann::json::parse(file.text().state, nullptr, false);
  StoredState found;
  auto const take = [&](char const* key, std::optional<Index>& value) {
    if (state.is_object() && state.contains(key) && state[key].is_number_integer())
      value = state[key].template get<Index>();
  };
  take("step", found.step);
  take("optimizer_steps", found.optimizer_steps);
  return found;
}

std::vector<Segment> choose_segments(ParameterLayout const& layout, ActiveBlocks const& active,
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
    if (segment.trained && takes_part(segment, active) &&
        (patterns.empty() ||
         std::find(matched.begin(), matched.end(), segment.name) != matched.end()))
      chosen.push_back(segment);
  if (chosen.empty())
    throw ConfigError("--match: only matches parameters of blocks that are not active yet");
  return chosen;
}

std::string part_of(Segment const& segment) {
  auto const& name = segment.name;
  if (name.starts_with("blocks.")) return name.substr(0, name.find('.', 7));
  return name.starts_with("embedding.") ? "embedding" : "final norm, head";
}

namespace {

/// P of the second moment, which is read into v.
template <class Scalar>
curvature::AdamPreconditioner<Scalar, Space> read_preconditioner(Context<Space> const& context,
                                                                 StoredModel<Scalar> const& stored,
                                                                 VectorView<Scalar, Space> v) {
  auto const& config = stored.config;
  auto const& path = stored.file.path();
  if (!has_preconditioner(config.optimizer, config.curvature))
    throw ConfigError(path +
                      ": was trained with sgd, which has no preconditioner; use --matrix "
                      "hessian");
  if (!stored.file.has("optimizer/v"))
    throw FileError(path +
                    ": has no /optimizer/v, Adam's second moment, to precondition with; "
                    "use --matrix hessian, or a checkpoint that `kyrtos train` wrote");
  bool const is_plain = config.curvature.preconditioner == Preconditioner::plain;
  auto const steps = stored_state(stored.file).optimizer_steps;
  if (!is_plain && steps.value_or(0) < 1)
    throw FileError(path +
                    ": does not say how many steps Adam took, which the bias correction "
                    "depends on; use --preconditioner plain, or --matrix hessian");
  auto const& layout = stored.model.layout();
  curvature::AdamPreconditioner<Scalar, Space> p(
      layout.size(), preconditioner_options(config.optimizer, config.curvature));
  stored.file.template read<Scalar, Space>(context, "optimizer/v", layout, v);
  p.update(v, adam_stretches(layout, stored.file.text().state, stored.file.path(),
                             std::max<Index>(steps.value_or(1), 1)));
  return p;
}

std::vector<ParameterLayout::Range> ranges_of(std::vector<Segment> const& segments) {
  std::vector<ParameterLayout::Range> ranges;
  for (auto const& segment : segments) ranges.push_back({segment.offset, segment.size});
  return ranges;
}

TrainingData open_data(RunConfig const& config, bool is_given) {
  if (config.data.train.empty())
    throw ConfigError(
        "the checkpoint's configuration names no data (data.train); give some files "
        "by --data");
  try {
    return open_training_data(config);
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
      streams_(open_streams(options)),
      workspace_(context, stored.model, streams_.front().shape(),
                 {.active = active_, .tangents = true, .recompute = options.recompute}),
      matrix_(context,
              options.matrix == Matrix::gauss_newton ? curvature::ModelMatrix::gauss_newton
                                                     : curvature::ModelMatrix::hessian,
              stored.model, workspace_, stored.theta, batches(0, streams_.size())),
      watched_(options.matrix == Matrix::preconditioned ? preconditioned() : matrix_, progress) {
  if (segments_.size() < stored.model.layout().segments().size()) restricted_ = part(segments_);
}

template <class Scalar>
auto CurvatureProblem<Scalar>::preconditioned() -> Operator& {
  auto const v = allocate<Scalar>(context_, "second_moment", stored_.model.layout().size());
  return preconditioned_.emplace(context_, matrix_,
                                 read_preconditioner<Scalar>(context_, stored_, v));
}

template <class Scalar>
auto CurvatureProblem<Scalar>::open_streams(CurvatureOptions const& options) const
    -> std::vector<TokenStream<Scalar, Space>> {
  auto const& config = stored_.config;
  auto const data = open_data(config, !options.data.empty());
  std::vector<TokenStream<Scalar, Space>> streams;
  for (Index i = 0; i < options.batches; ++i) {
    streams.push_back(token_stream<Scalar>(context_, config, data.train,
                                           config.curvature.probe_sequences, "--sequences",
                                           Purpose::probe));
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
  double loss = 0;
  for (auto const& batch : batches(0, streams_.size()))
    loss += stored_.model.loss(workspace_, stored_.theta, batch);
  return context_.communicator().sum(loss);
}

template <class Scalar>
double CurvatureProblem<Scalar>::bytes() const {
  double const vectors = 1 + (preconditioned_ ? 2 : 0) + (restricted_ ? 2 : 0);
  return vectors * static_cast<double>(stored_.theta.size() * sizeof(Scalar)) +
         static_cast<double>(workspace_.bytes());
}

template class CurvatureProblem<float>;
template class CurvatureProblem<double>;

}  // namespace kyrtos::program
