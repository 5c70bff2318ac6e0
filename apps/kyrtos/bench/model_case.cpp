// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "model_case.hpp"

#include <kyrtos/optim/adamw.hpp>
#include <kyrtos/train/trainer.hpp>

#include "product_error.hpp"
#include "random.hpp"

namespace kyrtos::bench {

namespace {

/// So small that a thousand steps leave the model as it was.
constexpr double learning_rate = 1e-7;

using Batch = kyrtos::Batch<float, Space>;

/// One product a step, whatever its residual: the cost is then a constant.
train::CurvatureOptions one_product_a_step() {
  train::CurvatureOptions config;
  config.min_hvps = config.max_hvps = config.cold_hvps = 1;
  return config;
}

/// At least one of the sequences.
Index probe_sequences(SequenceShape shape) {
  return std::max<Index>(1, shape.batch / 16);
}

/// A model in training, with all memory that its operations need.
class ModelProblem {
 public:
  ModelProblem(Context<Space> const& context, ModelSpec const& spec)
      : context_(context),
        model_(spec.config),
        training_(context, model_, spec.shape),
        products_(context, model_, spec.shape, {.tangents = true, .keep_adjoints = true}),
        parameters_(context, model_),
        theta_(parameters_.own().local()),
        u_(random_vector(context, "u", model_.layout().size(), 2)),
        g_(vector("gradient")),
        hu_(vector("product")),
        tokens_(random_tokens(context, spec.shape.tokens() + 1, spec.config.vocabulary)),
        optimizer_(context, model_.layout()),
        objective_(context, model_, parameters_, {}, spec.shape),
        batch_(first_sequences(spec.shape)),
        probe_shape_{probe_sequences(spec.shape), spec.shape.length},
        others_shape_{spec.shape.batch - probe_shape_.batch, spec.shape.length},
        cut_objective_(context, model_, parameters_, {.kept_shape = probe_shape_}, others_shape_),
        trainer_(objective_, optimizer_),
        tracked_trainer_(objective_, optimizer_),
        cut_trainer_(cut_objective_, optimizer_),
        batch_tracked_trainer_(cut_objective_, optimizer_) {
    model_.initialize(context, 1, theta_);
    tracked_trainer_.watch({first_sequences(probe_shape_)}, one_product_a_step());
    batch_tracked_trainer_.watch_kept(one_product_a_step());
  }
  ModelProblem(ModelProblem&&) = delete;

  void gradient() { model_.gradient(training_, theta_, batch_, g_); }
  void gradient_to_keep() { model_.gradient(products_, theta_, batch_, g_); }
  void hvp() { model_.hvp_after_gradient(products_, theta_, u_, batch_, hu_); }
  void gradient_and_hvp() { model_.gradient_and_hvp(products_, theta_, u_, batch_, g_, hu_); }
  void hvp_alone() { model_.hvp(products_, theta_, u_, batch_, hu_); }
  void optimizer() { optimizer_.update(context_, theta_, g_, learning_rate); }

  void step() { trainer_.step({batch_}, learning_rate); }
  void tracked_step() { tracked_trainer_.step({batch_}, learning_rate); }
  void cut_step() { step_on_cut_batch(cut_trainer_); }
  void batch_tracked_step() { step_on_cut_batch(batch_tracked_trainer_); }

  Index parameters() const { return model_.layout().size(); }
  double forward_flops() const { return model_.forward_flops(batch_.shape); }
  double probe_flops(bool on_kept_batch) const {
    return train::forward_passes_of_product(one_product_a_step(), on_kept_batch) *
           model_.forward_flops(probe_shape_);
  }
  Json facts() const;

 private:
  Vector<float, Space> vector(char const* name) const {
    return allocate<float>(context_, std::string("bench::") + name, model_.layout().size());
  }
  double weight(SequenceShape shape) const {
    return 1 / static_cast<double>(shape.tokens() * context_.communicator().size());
  }
  Batch sequences(SequenceShape shape, Index first_token, double weight) const {
    Batch batch;
    batch.shape = shape;
    batch.inputs = slice(tokens_, first_token, shape.tokens());
    batch.targets = slice(tokens_, first_token + 1, shape.tokens());
    batch.weight = weight;
    return batch;
  }
  Batch first_sequences(SequenceShape shape) const { return sequences(shape, 0, weight(shape)); }

  /// The same batch in two parts, the second of which keeps its activations.
  void step_on_cut_batch(train::Trainer<float, Space>& trainer) {
    std::vector<Batch> others;
    if (others_shape_.batch > 0) others.push_back(sequences(others_shape_, 0, batch_.weight));
    model::KeptBatch<float, Space> const kept{
        sequences(probe_shape_, others_shape_.tokens(), batch_.weight), weight(probe_shape_)};
    trainer.step(std::move(others), learning_rate, kept);
  }

  Context<Space> context_;
  model::Transformer<float, Space> model_;
  model::TransformerWorkspace<float, Space> training_, products_;
  model::Parameters<float, Space> parameters_;
  VectorView<float, Space> theta_;
  Vector<float, Space> u_, g_, hu_;
  Vector<Token, Space> tokens_;
  optim::AdamW<float, Space> optimizer_;
  model::Objective<float, Space> objective_;
  Batch batch_;
  SequenceShape probe_shape_, others_shape_;
  model::Objective<float, Space> cut_objective_;
  train::Trainer<float, Space> trainer_, tracked_trainer_, cut_trainer_, batch_tracked_trainer_;
};

Json ModelProblem::facts() const {
  auto const& c = model_.config();
  auto const mib = [](std::size_t bytes) { return static_cast<double>(bytes) / 1048576; };
  return {{"parameters", parameters()},
          {"depth", c.depth},
          {"width", c.width},
          {"heads", c.heads},
          {"vocabulary", c.vocabulary},
          {"batch", batch_.shape.batch},
          {"length", batch_.shape.length},
          {"tokens", batch_.shape.tokens() * context_.communicator().size()},
          {"probe_sequences", probe_shape_.batch},
          {"forward_flops", forward_flops()},
          {"training_workspace_mib", mib(training_.bytes())},
          {"product_workspace_mib", mib(products_.bytes())}};
}

/// What each costs in forward passes: model/transformer.hpp.
std::vector<Operation> operations_of(std::shared_ptr<ModelProblem> const& p) {
  double const forward = p->forward_flops();
  constexpr double accesses = 7;  // a parameter and step: optim/adamw.hpp
  double const swept = accesses * sizeof(float) * static_cast<double>(p->parameters());
  return {{"gradient", [p] { p->gradient(); }, Work::products(3 * forward)},
          {"step", [p] { p->step(); }, Work::products(3 * forward)},
          {"hvp", [p] { p->hvp(); }, Work::products(6 * forward), [p] { p->gradient_to_keep(); }},
          {"gradient_hvp", [p] { p->gradient_and_hvp(); }, Work::products(9 * forward)},
          {"hvp_alone", [p] { p->hvp_alone(); }, Work::products(8 * forward)},
          {"tracked_step", [p] { p->tracked_step(); },
           Work::products(3 * forward + p->probe_flops(/*on_kept_batch=*/false))},
          {"cut_step", [p] { p->cut_step(); }, Work::products(3 * forward)},
          {"batch_tracked_step", [p] { p->batch_tracked_step(); },
           Work::products(3 * forward + p->probe_flops(/*on_kept_batch=*/true))},
          {"optimizer", [p] { p->optimizer(); }, Work::memory(swept)}};
}

}  // namespace

CaseMaker model_case(ModelSpec const& spec) {
  auto const make = [spec](Context<Space> const& context) {
    auto const problem = std::make_shared<ModelProblem>(context, spec);
    auto facts = problem->facts();
    if (!spec.series.empty()) facts["series"] = spec.series;
    return Case{spec.name, "model", facts, operations_of(problem)};
  };
  auto const examine = [spec](Context<Space> const& context) -> Json {
    return {{"hvp_relative_error", product_error(context, spec.config, spec.shape.length)}};
  };
  return {spec.name, make, examine};
}

}  // namespace kyrtos::bench
