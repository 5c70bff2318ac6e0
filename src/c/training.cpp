// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "training.hpp"

#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/train/run_parts.hpp>

#include "spectrum.hpp"

#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace kyrtos::c {

namespace {

/// What AdamW moves: the segments of the blocks that take part.
std::vector<optim::ParameterRange> ranges_for(ParameterLayout const& layout,
                                              ActiveBlocks const& active) {
  return optim::ranges_of(layout, [&](Segment const& segment) {
    return takes_part(segment, active) ? std::optional(optim::ParameterAge()) : std::nullopt;
  });
}

}  // namespace

template <class Scalar>
Training<Scalar>::Training(std::shared_ptr<Model<Scalar>> model)
    : model_(std::move(model)),
      gradient_(allocate<Scalar>(model_->context, "gradient", model_->size())),
      optimizer_(model_->context, model_->size(), ranges_for(model_->layout(), model_->active),
                 model_->config.optimizer.adamw) {
  require<ConfigError>(model_->config.optimizer.kind == OptimizerConfig::Kind::adamw,
                       "optimizer.name: batches that are handed over train with \"adamw\" only");
  model_->rely_on_home();
}

template <class Scalar>
void Training<Scalar>::watch(std::span<kyrtos_batch const> probe) {
  auto const& m = *model_;
  probe_.reset();
  watched_.emplace(m.context, m.config.model, Use::copy);
  watched_->add(probe);
  agreed(m.context.communicator(), [&] {
    require<ShapeError>(!watched_->all().empty(), "the probe needs a sequence on every rank");
  });
  start_probe();
}

template <class Scalar>
void Training<Scalar>::start_probe() {
  auto const& m = *model_;
  auto const& batches = watched_->all();
  probe_.emplace(m.context, m.transformer, m.theta, m.config.optimizer, m.config.curvature,
                 batches.front().shape, batches, m.active);
}

template <class Scalar>
kyrtos_step Training<Scalar>::step(std::span<kyrtos_batch const> handed_over,
                                   double learning_rate) {
  auto& m = *model_;
  Batches<Scalar> batches(m.context, m.config.model);
  batches.add(handed_over);
  linalg::fill(m.context, gradient_, 0);
  double const loss = m.gradient(batches, gradient_);
  double const norm = linalg::norm(m.context, gradient_);
  if (!std::isfinite(loss) || !std::isfinite(norm))
    throw NumericalError(fmt::format(
        "step {}: loss {}, gradient norm {}: not finite; lower the learning rate or clip more",
        optimizer_.steps() + 1, loss, norm));
  double const limit = m.config.training.clip_norm;
  if (probe_) probe_->before_update();
  optimizer_.update(m.context, m.theta, gradient_, learning_rate,
                    limit > 0 && norm > limit ? limit / norm : 1);
  kyrtos_step report{.step = optimizer_.steps(),
                     .loss = loss,
                     .gradient_norm = norm,
                     .sharpness = sharpness_of({})};
  if (probe_) report.sharpness = sharpness_of(probe_->after_update(optimizer_, learning_rate));
  m.context.fence("kyrtos_trainer_step");
  return report;
}

/// That of the checkpoint that the model came from, with the steps done since.
template <class Scalar>
std::string Training<Scalar>::state() const {
  auto state = nlohmann::json::parse(model_->state, nullptr, /*allow_exceptions=*/false);
  if (!state.is_object()) state = nlohmann::json::object();
  state["step"] = state["optimizer_steps"] = optimizer_.steps();
  state["optimizer"] = optimizer_.name();
  return state.dump();
}

template <class Scalar>
void Training<Scalar>::save(std::string const& path) const {
  std::vector<io::NamedVector<Scalar const, Space>> vectors{{"parameters", model_->theta}};
  for (auto const& [name, values] : optimizer_.state())
    vectors.push_back({"optimizer/" + name, values});
  io::write_checkpoint<Scalar, Space>(model_->context, path, {to_toml(model_->config), state()},
                                      model_->layout(), vectors);
}

template <class Scalar>
void Training<Scalar>::restore(std::string const& path) {
  auto const& context = model_->context;
  io::CheckpointReader const file(context.communicator(), path);
  auto const state = nlohmann::json::parse(file.text().state, nullptr, /*allow_exceptions=*/false);
  if (!state.is_object() || !state.contains("optimizer_steps") ||
      !state["optimizer_steps"].is_number_integer() ||
      state.value("optimizer", nlohmann::json()) != optimizer_.name())
    throw FileError(path +
                    ": does not hold the state of a training with AdamW; to start one from "
                    "its parameters, make a model of the file and a trainer of that");
  file.read<Scalar, Space>(context, "parameters", model_->layout(), model_->theta);
  for (auto const& [name, values] : optimizer_.state())
    file.read<Scalar, Space>(context, "optimizer/" + name, model_->layout(), values);
  optimizer_.set_steps(state["optimizer_steps"].get<Index>());
  if (probe_) start_probe();
}

template class Training<float>;
template class Training<double>;

}  // namespace kyrtos::c
