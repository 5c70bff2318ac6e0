// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "training.hpp"

#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/train/config_change.hpp>
#include <kyrtos/train/configured_trainer.hpp>

#include "spectrum.hpp"

namespace kyrtos::c {

namespace {

/// That of a training that begins: every block that takes part does so from the first step on.
template <class Scalar>
train::RunState first_state(Model<Scalar> const& model) {
  train::RunState state;
  for (bool const takes_part : model.active)
    state.growth.starts.push_back(takes_part ? std::optional(growth::BlockStart()) : std::nullopt);
  return state;
}

}  // namespace

template <class Scalar>
Training<Scalar>::Training(std::shared_ptr<Model<Scalar>> model)
    : model_(std::move(model)),
      state_(first_state(*model_)),
      objective_(model_->context, model_->transformer, model_->parameters(),
                 model_->objective_options(false)),
      optimizer_(train::make_optimizer(
          model_->context, model_->transformer, Partition(model_->size()),
          growth::ranges_of(model_->layout(), state_.growth.starts), model_->config)),
      trainer_(objective_, *optimizer_, train::trainer_options(model_->config, never_interrupted)) {
  model_->rely_on_home();
}

template <class Scalar>
void Training<Scalar>::watch(std::span<kyrtos_batch const> probe) {
  auto const& m = *model_;
  watched_.emplace(m.context, m.config.model, Use::copy);
  watched_->add(probe);
  agreed(m.context.communicator(), [&] {
    require<ShapeError>(!watched_->all().empty(), "the probe needs a sequence on every rank");
  });
  trainer_.watch(watched_->all(), m.config.curvature);
}

template <class Scalar>
kyrtos_step Training<Scalar>::step(std::span<kyrtos_batch const> handed_over,
                                   double learning_rate) {
  Batches<Scalar> batches(model_->context, model_->config.model);
  batches.add(handed_over);
  auto const report = trainer_.step(batches.all(), learning_rate);
  state_.step = report.step;
  return {.step = report.step,
          .loss = report.loss,
          .gradient_norm = report.gradient_norm,
          .sharpness = sharpness_of(report.sharpness.value_or(curvature::SharpnessReport()))};
}

/// As Run's, so that either goes on from the other's checkpoints.
template <class Scalar>
void Training<Scalar>::save(std::string const& path) const {
  auto state = state_;
  state.trainer = trainer_.state();
  auto const vectors = train::saved_vectors(model_->parameters(), *optimizer_, trainer_.probe());
  io::write_checkpoint<Scalar, Space>(model_->context, path,
                                      {train::to_toml(model_->config), to_json(state)},
                                      model_->layout(), {vectors.begin(), vectors.end()});
}

template <class Scalar>
void Training<Scalar>::allow_change(std::string const& key) {
  train::require_keys({key});
  allowed_.push_back(key);
}

namespace {

/// Those that concern steps on batches of the caller, who brings learning rates too.
void keep_those_of_steps(std::vector<train::ConfigChange>& changes, bool is_watched) {
  std::erase_if(changes, [&](train::ConfigChange const& change) {
    return change.role == train::KeyRole::run ||
           (change.key.starts_with("curvature.") && !is_watched);
  });
}

}  // namespace

template <class Scalar>
void Training<Scalar>::restore(std::string const& path) {
  auto const& context = model_->context;
  io::CheckpointReader const file(context.communicator(), path);
  auto state = train::run_state_from_json(file.text().state, path);
  auto changes =
      train::config_changes(train::parse_config(file.text().config, path), model_->config);
  keep_those_of_steps(changes, trainer_.probe() != nullptr);
  train::require_allowed(changes, allowed_, path);
  train::require_optimizer(state.trainer, optimizer_->name(), path);
  require<FileError>(state.growth.active() == model_->active,
                     path +
                         ": other blocks take part in it than in the model; make one of the "
                         "file, and a trainer of that");
  bool const has_all = train::read_saved_vectors(
      context, file, model_->layout(),
      train::saved_vectors(model_->parameters(), *optimizer_, trainer_.probe()));
  state_ = std::move(state);
  optimizer_->set_ranges(growth::ranges_of(model_->layout(), state_.growth.starts));
  trainer_.restore(state_.trainer, has_all);
}

template class Training<float>;
template class Training<double>;

}  // namespace kyrtos::c
