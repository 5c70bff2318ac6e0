// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/train/block_matrices.hpp>
#include <kyrtos/train/prediction.hpp>

#include <algorithm>
#include <numeric>

namespace kyrtos::train {

using model::KernelClass;
using model::Work;
using model::WorkByClass;

namespace {

/// What a rank does in passes and to vectors, as its trainer is configured.
template <class Scalar, class Space>
class RankWalk {
 public:
  RankWalk(ConfiguredTrainer<Scalar, Space> const& trainer, int ranks, Index depth,
           layers::Machine const& training, layers::Machine const& product)
      : c(trainer),
        curvature_(trainer.config.curvature),
        ranks_(ranks),
        depth_(depth),
        training_(training),
        product_(product) {
    for (auto* const machine : {&training_, &product_}) {
      machine->keeps_weights = keeps_weights();
      machine->keeps_direction = keeps_direction();
    }
  }

  /// Only what is neither kept nor the probe is recomputed.
  WorkByClass gradient() const {
    bool const recompute = c.config.training.recompute;
    auto const& share = c.training_share;
    Index const kept = c.kept.sequences;
    double passes = static_cast<double>(share.count + share.fillers);
    Index micro_batch = share.micro_batch;
    if (kept > 0) {
      micro_batch = std::max<Index>(c.kept.micro_batch, 1);
      passes = static_cast<double>((share.micro_batch * share.count - kept) / micro_batch);
    }
    auto sum = passes * operations(micro_batch, training_, recompute).gradient;
    if (kept > 0) sum += operations(kept, training_).gradient;
    sum[KernelClass::linear] += rounded_vectors(training_, false);
    constexpr double fill = 1, norm = 1;
    sum[KernelClass::vectors] += accesses(fill + norm, 3);
    return sum;
  }

  WorkByClass update() const {
    WorkByClass sum;
    auto const& o = c.config.optimizer;
    bool const is_sgd = o.kind == OptimizerConfig::Kind::sgd;
    double moved = 0;
    for (auto const& range : c.optimizer->ranges()) moved += static_cast<double>(range.size);
    double const per_value = is_sgd ? 5 : o.adamw.update_clipping ? 9 : 7;
    sum[KernelClass::optimizer] +=
        {.flops = 10 * moved, .bytes = per_value * sizeof(Scalar) * moved, .launches = 1};
    if (o.kind == OptimizerConfig::Kind::muon) sum[KernelClass::optimizer] += newton_schulz();
    return sum;
  }

  WorkByClass product() const {
    if (!curvature_.enabled) return {};
    bool const on_batch = c.kept.sequences > 0;
    bool const is_critical = curvature_.method == CurvatureOptions::Method::critical;
    bool const is_gauss_newton = curvature_.matrix == CurvatureOptions::Matrix::gauss_newton;
    auto const one = on_batch ? operations(c.kept.sequences, training_)
                              : operations(c.probe_share.micro_batch, product_);
    auto sum = is_critical       ? one.loss
               : on_batch        ? one.hvp_after_gradient
               : is_gauss_newton ? one.gauss_newton
                                 : one.hvp;
    if (!on_batch) sum = static_cast<double>(c.probe_share.count + c.probe_share.fillers) * sum;
    sum[KernelClass::linear] += rounded_vectors(on_batch ? training_ : product_, !is_critical);
    bool const is_preconditioned = curvature_.matrix == CurvatureOptions::Matrix::preconditioned;
    double const algebra = is_critical ? 3 : is_preconditioned ? 7 : 5;  // θ + ηd is formed
    constexpr double fill = 1, scale = 2;
    sum[KernelClass::vectors] += accesses(algebra + fill + (on_batch ? scale : 0), algebra);
    return sum;
  }

 private:
  model::OperationWork operations(Index sequences, layers::Machine const& machine,
                                  bool recompute = false) const {
    return model::operation_work<Scalar, Space>(c.config.model,
                                                {sequences, c.config.training.length},
                                                {.blocks = depth_,
                                                 .recompute = recompute,
                                                 .machine = machine,
                                                 .attention = c.config.training.attention});
  }

  /// Objective rounds θ and directions as wholes, but where they are gathered part by part.
  bool keeps_weights() const { return c.config.parallel.shard != parallel::Sharding::full; }
  bool keeps_direction() const { return c.config.parallel.shard == parallel::Sharding::none; }
  Work rounded_vectors(layers::Machine const& machine, bool direction) const {
    double const vectors = keeps_weights() + (direction && keeps_direction());
    return vectors * layers::rounding(machine, static_cast<double>(c.theta.partition().size()));
  }

  /// Of this rank's part of a vector of θ's length.
  Work accesses(double times, double launches) const {
    auto const size = static_cast<double>(c.theta.partition().local_size());
    return {.flops = times * size, .bytes = times * sizeof(Scalar) * size, .launches = launches};
  }

  /// The matrices fall to the ranks in equal shares, nearly. A step of the iteration is three
  /// products and two copies (linalg/newton_schulz.cpp).
  Work newton_schulz() const {
    Work sum;
    double const steps = c.config.optimizer.muon.steps;
    for (auto const& matrix : block_matrices(c.model.layout(), c.model.config())) {
      auto const s = static_cast<double>(std::min(matrix.rows, matrix.columns));
      auto const size = static_cast<double>(matrix.size());
      sum += {.products = steps * 2 * s * (2 * size + s * s),
              .bytes = steps * sizeof(Scalar) * (8 * size + 6 * s * s),
              .launches = 5 * steps};
    }
    return 1.0 / ranks_ * sum;
  }

  ConfiguredTrainer<Scalar, Space> const& c;
  CurvatureConfig const& curvature_;
  int ranks_;
  Index depth_;
  layers::Machine training_, product_;
};

void add(ClassSeconds& sum, double times, ClassSeconds const& seconds) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += times * seconds[i];
}

}  // namespace

template <class Scalar, class Space>
RankWork rank_work(ConfiguredTrainer<Scalar, Space> const& trainer, int ranks, Index depth,
                   layers::Machine const& training, layers::Machine const& product) {
  RankWalk<Scalar, Space> const walk(trainer, ranks, depth, training, product);
  return {walk.gradient(), walk.update(), walk.product()};
}

template <class Scalar, class Space>
DryRun dry_run(Context<Space> const& context, RunConfig const& config, int ranks, Index depth,
               Device const& device) {
  DryRun run;
  run.resources = resources_of<Scalar, Space>(
      context, config, ranks, depth, [&](ConfiguredTrainer<Scalar, Space> const& trainer) {
        run.work = rank_work(trainer, ranks, depth, machine_of(device, config.training.precision),
                             machine_of(device, product_precision(config)));
      });
  return run;
}

ClassSeconds class_seconds(WorkByClass const& work, Device const& device, Precision precision) {
  double const products = product_rate(device, precision) * device.product_share;
  bool const is_double = precision == Precision::float64;
  double const vector = is_double ? device.vector_float64 : device.vector_float32;
  require<ConfigError>(vector > 0, device.name + ": its file says nothing of vector.float64");
  ClassSeconds seconds = {};
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    auto const& w = work[static_cast<KernelClass>(i)];
    double const bandwidth = device.memory_bandwidth * device.memory_share;
    seconds[i] = std::max(w.products / products, w.product_bytes / bandwidth) +
                 std::max(w.flops / (vector * device.vector_share), w.bytes / bandwidth) +
                 w.launches * device.launch_seconds;
  }
  return seconds;
}

double PredictedTime::computing() const {
  return std::accumulate(seconds.begin(), seconds.end(), 0.0);
}

Prediction predict(RunConfig const& config, Resources const& resources, RankWork const& work,
                   int ranks, Device const& device) {
  auto const predicted = [&](WorkByClass const& w, Precision precision) {
    return PredictedTime{w, class_seconds(w, device, precision), 0};
  };
  auto const gradient = predicted(work.gradient, config.training.precision);
  auto const update = predicted(work.update, config.training.precision);
  Prediction p{gradient, predicted(work.product, product_precision(config)), {}};
  p.step.work += update.work;
  add(p.step.seconds, 1, update.seconds);
  double const products = config.curvature.enabled ? 1 + resources.check_products : 0;
  p.tracked_step = p.step;
  p.tracked_step.work += products * p.product.work;
  add(p.tracked_step.seconds, products, p.product.seconds);

  DeviceRates const link{
      .flops = 0, .bandwidth = device.link_bandwidth, .latency = device.link_latency};
  auto const exposed = [&](double times) {
    return step_seconds(config, resources, ranks, link,
                        {gradient.computing(), p.product.computing()}, times)
        .exposed;
  };
  p.step.messages = exposed(0);
  p.tracked_step.messages = exposed(products);
  p.product.messages = exposed(1) - exposed(0);
  return p;
}

#define KYRTOS_RANK_WORK(SCALAR, SPACE)                                                           \
  template RankWork rank_work<SCALAR, SPACE>(ConfiguredTrainer<SCALAR, SPACE> const&, int, Index, \
                                             layers::Machine const&, layers::Machine const&);     \
  template DryRun dry_run<SCALAR, SPACE>(Context<SPACE> const&, RunConfig const&, int, Index,     \
                                         Device const&);
KYRTOS_INSTANTIATE_FUNCTIONS(KYRTOS_RANK_WORK)

}  // namespace kyrtos::train
