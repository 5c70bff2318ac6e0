// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "measure.hpp"

#include <kyrtos/core/error.hpp>
#include <kyrtos/curvature/lanczos.hpp>
#include <kyrtos/curvature/power_iteration.hpp>

#include "../common/memory.hpp"
#include "core/seconds_since.hpp"
#include "float64_residuals.hpp"
#include "problem.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <type_traits>

namespace kyrtos::program {

using curvature::Spectrum;
using Clock = std::chrono::steady_clock;

BatchSpread spread_of(std::vector<SpectrumEnds> const& batches) {
  std::vector<double> values;
  for (auto const& batch : batches)
    if (!batch.largest.empty()) values.push_back(batch.largest.front().value);
  if (values.empty()) return {};
  auto const mean = curvature::sample_mean(values);
  auto const [least, most] = std::minmax_element(values.begin(), values.end());
  return {.mean = mean.value,
          .standard_deviation = mean.standard_error * std::sqrt(static_cast<double>(values.size())),
          .standard_error = mean.standard_error,
          .least = *least,
          .most = *most};
}

namespace {

/// How many of the largest and of the smallest eigenvalues.
struct Wanted {
  Index largest = 1, smallest = 0;
};

/// λ and residual of a solver's vector by a product in float64; empty where the solver's own count.
template <class Scalar>
using InFloat64 = std::function<curvature::Eigenvalue(VectorView<Scalar const, Space>)>;

template <class Scalar>
SpectrumEnds by_power(Context<Space> const& context, curvature::LinearOperator<Scalar, Space>& op,
                      CurvatureOptions const& o, Wanted wanted,
                      InFloat64<Scalar> const& in_float64) {
  curvature::PowerIteration<Scalar, Space> solver(context, op.size());
  SpectrumEnds ends;
  auto const find = [&](Spectrum target, std::vector<curvature::Eigenvalue>& found) {
    auto const r = solver.solve(op, {.target = target,
                                     .tolerance = o.tolerance,
                                     .max_hvps = o.max_hvps,
                                     .seed = static_cast<std::uint64_t>(*o.seed)});
    found.push_back(in_float64 ? in_float64(solver.eigenvector()) : curvature::Eigenvalue(r));
    ends.hvps += r.hvps + (in_float64 ? 1 : 0);
  };
  if (wanted.largest > 0) find(Spectrum::largest_algebraic, ends.largest);
  if (wanted.smallest > 0) find(Spectrum::smallest_algebraic, ends.smallest);
  return ends;
}

/// Keeps within max_hvps with the products that the residuals cost.
template <class Scalar>
SpectrumEnds by_lanczos(Context<Space> const& context, curvature::LinearOperator<Scalar, Space>& op,
                        CurvatureOptions const& o, Wanted wanted,
                        InFloat64<Scalar> const& in_float64) {
  Index const steps = std::max<Index>(o.max_hvps - wanted.largest - wanted.smallest, 1);
  curvature::Lanczos<Scalar, Space> solver(context, op.size(), std::min(steps, op.size()));
  auto const r = solver.solve(op, {.largest = wanted.largest,
                                   .smallest = wanted.smallest,
                                   .tolerance = o.tolerance,
                                   .max_hvps = steps,
                                   .true_residuals = !in_float64,
                                   .seed = static_cast<std::uint64_t>(*o.seed)});
  SpectrumEnds ends{
      .largest = r.largest, .smallest = r.smallest, .hvps = r.hvps, .exhausted = r.invariant_space};
  if (!in_float64) return ends;
  auto const u = allocate<Scalar>(context, "curvature::eigenvector", op.size());
  auto const recompute = [&](Spectrum end, std::vector<curvature::Eigenvalue>& pairs) {
    for (std::size_t j = 0; j < pairs.size(); ++j) {
      solver.eigenvector(end, static_cast<Index>(j), u);
      pairs[j] = in_float64(u);
      ++ends.hvps;
    }
  };
  recompute(Spectrum::largest_algebraic, ends.largest);
  recompute(Spectrum::smallest_algebraic, ends.smallest);
  return ends;
}

template <class Scalar>
SpectrumEnds ends_of(Context<Space> const& context, curvature::LinearOperator<Scalar, Space>& op,
                     CurvatureOptions const& o, Wanted wanted,
                     InFloat64<Scalar> const& in_float64) {
  wanted = {std::min(wanted.largest, op.size()), std::min(wanted.smallest, op.size())};
  if (wanted.largest + wanted.smallest == 0) return {.converged = true};
  auto ends = o.method == EigenMethod::power ? by_power(context, op, o, wanted, in_float64)
                                             : by_lanczos(context, op, o, wanted, in_float64);
  auto const within = [&](curvature::Eigenvalue const& e) { return e.residual <= o.tolerance; };
  ends.converged = static_cast<Index>(ends.largest.size()) == wanted.largest &&
                   static_cast<Index>(ends.smallest.size()) == wanted.smallest &&
                   std::all_of(ends.largest.begin(), ends.largest.end(), within) &&
                   std::all_of(ends.smallest.begin(), ends.smallest.end(), within);
  return ends;
}

/// The most that a phase keeps at once, in vectors of the matrix' dimension.
Index solver_vectors(CurvatureOptions const& o, Index dimension) {
  Index most = 2;
  if (o.method == EigenMethod::lanczos) most = std::min(o.max_hvps, dimension) + 3;
  if (o.spectrum) most = std::max(most, std::min(o.spectrum_steps, dimension) + 3);
  if (o.trace) most = std::max(most, o.trace_hvps / 3 + 2);
  return most;
}

/// What a table by blocks, or by kinds, has a row for.
std::vector<std::pair<std::string, std::vector<Segment>>> parts_of(
    std::vector<Segment> const& segments, std::string (*name_of_part)(Segment const&)) {
  std::vector<std::pair<std::string, std::vector<Segment>>> parts;
  for (auto const& segment : segments) {
    auto const name = name_of_part(segment);
    auto part = std::find_if(parts.begin(), parts.end(),
                             [&](auto const& known) { return known.first == name; });
    if (part == parts.end()) part = parts.insert(part, {name, {}});
    part->second.push_back(segment);
  }
  return parts;
}

/// The same batches and solver; only the largest, as none of this matrix is below zero.
CurvatureOptions gauss_newton_of(CurvatureOptions const& hessian) {
  auto o = hessian;
  o.matrix = train::CurvatureConfig::Matrix::gauss_newton;
  o.smallest = 0;
  o.per_block = o.per_kind = o.trace = o.spectrum = o.single_batches = false;
  return o;
}

template <class Scalar>
class Measurement {
 public:
  Measurement(Context<Space> const& context, StoredModel<Scalar> const& stored,
              CurvatureOptions const& options, Progress& progress)
      : context_(context),
        stored_(stored),
        o_(options),
        progress_(progress),
        problem_(context, stored, options, progress) {}

  CurvatureResult run() {
    describe();
    require_memory(context_, result_.solver_bytes, "the vectors of the eigenvalue solver",
                   "lower --max-hvps (Lanczos keeps one vector for each), --spectrum-steps or "
                   "--trace-hvps, or use --method power");
    Wanted const wanted{o_.top, o_.smallest};
    if (o_.counts_are_given) require_rows(wanted);
    if constexpr (std::is_same_v<Scalar, float>)
      if (o_.float64_residuals && o_.top + o_.smallest > 0) prepare_float64();
    begin("eigenvalues", o_.max_hvps, wanted);
    result_.ends = ends_of<Scalar>(context_, problem_.matrix(), o_, wanted, in_float64());
    note_speed();  // before products with one batch alone
    compare_with_threshold();
    if (o_.batches > 1 && o_.single_batches) measure_batches();
    if (o_.per_block) measure_parts(block_of);
    if (o_.per_kind) measure_parts(kind_of);
    if (o_.trace) {
      progress_.begin("trace", o_.trace_hvps);
      result_.trace =
          curvature::hutch_plus_plus(context_, problem_.matrix(), o_.trace_hvps, seed());
    }
    if (o_.spectrum) {
      progress_.begin("spectrum", o_.spectrum_probes * o_.spectrum_steps);
      result_.spectrum = curvature::spectral_density(
          context_, problem_.matrix(),
          {.probes = o_.spectrum_probes, .steps = o_.spectrum_steps, .seed = seed()});
    }
    progress_.clear();
    if (result_.seconds_per_hvp == 0) note_speed();
    result_.hvps = problem_.watched().products();
    if (float64_) result_.hvps += float64_->problem().watched().products();
    result_.seconds = seconds_since(start_);
    return result_;
  }

 private:
  std::uint64_t seed() const { return static_cast<std::uint64_t>(*o_.seed); }

  void prepare_float64() {
    // θ; of the product vector, image and workspace; P and its root.
    double const vectors = o_.matrix == train::CurvatureConfig::Matrix::preconditioned ? 5 : 3;
    double const copies = vectors * static_cast<double>(result_.model_parameters) * sizeof(double);
    require_memory(context_, copies,
                   "a copy of the model in float64, for residuals that bound the error,",
                   "use --residuals products");
    float64_.emplace(context_, stored_, o_, progress_);
  }

  /// Of the matrix, or of a part of it.
  InFloat64<Scalar> in_float64(Float64Residuals::Operator* part = nullptr) {
    if (!float64_) return {};
    return [this, part](VectorView<Scalar const, Space> u) {
      auto& matrix = part != nullptr ? *part : float64_->problem().matrix();
      return float64_->template eigenvalue<Scalar>(matrix, u);
    };
  }

  void require_rows(Wanted const& wanted) {
    Index const rows = problem_.matrix().size();
    for (auto const& [option, count] :
         {std::pair("--top", wanted.largest), {"--smallest", wanted.smallest}})
      if (count > rows)
        throw ConfigError(
            fmt::format("{} {}: the matrix has {} rows, so no more eigenvalues; "
                        "lower it",
                        option, count, rows));
  }

  void begin(std::string const& what, Index max_hvps, Wanted wanted) {
    bool const twice = o_.method == EigenMethod::power && wanted.largest > 0 && wanted.smallest > 0;
    progress_.begin(what, max_hvps * (twice ? 2 : 1));
  }

  void describe() {
    auto const& active = problem_.active();
    result_.checkpoint = stored_.file.path();
    result_.config = stored_.file.text().config;
    result_.options = o_;
    result_.step = stored_step(stored_.file);
    result_.parameters = problem_.matrix().size();
    result_.model_parameters = stored_.model.layout().size();
    result_.depth = static_cast<Index>(active.size());
    result_.active_depth = static_cast<Index>(std::count(active.begin(), active.end(), true));
    result_.loss = problem_.mean_loss();
    result_.ranks = context_.communicator().size();
    result_.model_bytes = problem_.bytes();
    result_.solver_bytes = static_cast<double>(solver_vectors(o_, result_.parameters)) *
                           static_cast<double>(result_.parameters) * sizeof(Scalar);
  }

  /// The threshold belongs to the whole matrix that the optimiser feels: with Adam the
  /// preconditioned one, with Muon none that has eigenvalues.
  void compare_with_threshold() {
    using Matrix = train::CurvatureConfig::Matrix;
    auto const& c = stored_.config;
    using Kind = train::OptimizerConfig::Kind;
    bool const is_adam = c.optimizer.kind == Kind::adamw;
    if (c.optimizer.kind == Kind::muon ||
        o_.matrix != (is_adam ? Matrix::preconditioned : Matrix::hessian) ||
        !result_.step.has_value() || *result_.step < 1 || result_.ends.largest.empty() ||
        !o_.match.empty())
      return;
    result_.learning_rate = c.schedule.at(*result_.step - 1);
    auto const threshold = is_adam ? curvature::StabilityThreshold::adam(c.optimizer.adamw.beta1)
                                   : curvature::StabilityThreshold::sgd(c.optimizer.momentum);
    result_.threshold_ratio =
        threshold.ratio(result_.ends.largest.front().value, *result_.learning_rate);
  }

  void measure_batches() {
    for (Index i = 0; i < o_.batches; ++i) {
      progress_.begin(fmt::format("batch {} of {}", i + 1, o_.batches), o_.max_hvps);
      auto const batch = static_cast<std::size_t>(i);
      problem_.use_batch(batch);
      if (float64_) float64_->problem().use_batch(batch);
      result_.batches.push_back(
          ends_of<Scalar>(context_, problem_.matrix(), o_, {.largest = 1}, in_float64()));
    }
    problem_.use_mean();
    if (float64_) float64_->problem().use_mean();
  }

  void measure_parts(std::string (*name_of_part)(Segment const&)) {
    Wanted const wanted{1, o_.smallest > 0 ? 1 : 0};
    for (auto const& [name, segments] : parts_of(problem_.segments(), name_of_part)) {
      begin(name, o_.max_hvps, wanted);
      auto const part = problem_.part(segments);
      std::unique_ptr<Float64Residuals::Operator> exact;
      if (float64_) exact = float64_->problem().part(segments);
      result_.parts.push_back(
          {name, part->size(),
           ends_of<Scalar>(context_, *part, o_, wanted, in_float64(exact.get()))});
    }
  }

  void note_speed() {
    auto const& watched = problem_.watched();
    if (watched.products() > 0)
      result_.seconds_per_hvp = watched.seconds() / static_cast<double>(watched.products());
  }

  Clock::time_point start_ = Clock::now();
  Context<Space> context_;
  StoredModel<Scalar> const& stored_;
  CurvatureOptions const& o_;
  Progress& progress_;
  CurvatureProblem<Scalar> problem_;
  std::optional<Float64Residuals> float64_;  // where the solver's vectors are in float32
  CurvatureResult result_;
};

}  // namespace

template <class Scalar>
CurvatureResult measure(Context<Space> const& context, StoredModel<Scalar> const& stored,
                        CurvatureOptions const& options, Progress& progress) {
  auto result = Measurement<Scalar>(context, stored, options, progress).run();
  if (!options.gauss_newton) return result;
  auto const other = Measurement<Scalar>(context, stored, gauss_newton_of(options), progress).run();
  result.gauss_newton = other.ends;
  result.hvps += other.hvps;
  result.seconds += other.seconds;
  return result;
}

template CurvatureResult measure(Context<Space> const&, StoredModel<float> const&,
                                 CurvatureOptions const&, Progress&);
template CurvatureResult measure(Context<Space> const&, StoredModel<double> const&,
                                 CurvatureOptions const&, Progress&);

}  // namespace kyrtos::program
