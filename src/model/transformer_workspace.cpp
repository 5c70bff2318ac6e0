// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/layers/attention.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/model/transformer.hpp>

#include <algorithm>
#include <limits>

namespace kyrtos::model {

template <class Scalar, class Space>
TransformerWorkspace<Scalar, Space>::TransformerWorkspace(Context<Space> const& context,
                                                          Transformer<Scalar, Space> const& model,
                                                          SequenceShape shape, Options options)
    : context_(context),
      shape_(shape),
      options_(std::move(options)),
      memory_(context, options_.name) {
  auto const& config = model.config();
  require(shape.batch > 0 && shape.length > 0,
          "TransformerWorkspace: batch and length must be positive");
  require(config.positions != Positions::learned || shape.length <= config.context,
          "TransformerWorkspace: sequences are longer than the model's context; shorten them or "
          "raise model.context");
  require<ConfigError>(!options_.recompute || !options_.keep_adjoints,
                       "TransformerWorkspace: recompute keeps no activations, so that adjoints "
                       "can't be kept either; choose one");
  if (options_.active.empty()) options_.active.assign(static_cast<std::size_t>(config.depth), true);
  require<ConfigError>(static_cast<Index>(options_.active.size()) == config.depth,
                       "TransformerWorkspace: `active` must have one entry for each block");
  model.attention_->check_device(context_, shape, options_.tangents);
  place(model);
  if (options_.scores) scores_ = memory_.matrix("attention_scores", config.depth, config.heads);
  forget_scores();
  bind_streams(config.width);
  reserve_branch_adjoints();
  if (options_.recompute) reserve_any_branch();
  context.reserve_scratch(static_cast<std::size_t>(
      std::max(model.scratch_bytes(shape.tokens(), options_.tangents),
               model.attention_->scratch_bytes(context, shape, options_.tangents))));
  for (std::size_t i = 0; i < stages_.size(); ++i)
    bind(stages_[i], i, options_.recompute ? "any_branch" : "stage." + std::to_string(i));
}

/// Two stages a block that takes part, then the last norm, if there is one.
template <class Scalar, class Space>
void TransformerWorkspace<Scalar, Space>::place(Transformer<Scalar, Space> const& model) {
  using Place = typename Placed::Place;
  bool const is_parallel = model.config().parallel_residual;
  for (std::size_t block = 0; block < options_.active.size(); ++block) {
    if (!options_.active[block]) continue;
    auto const& [attention, mlp] = model.block_ranges_[block];
    stages_.push_back({&model.block_[0], attention, static_cast<Index>(block),
                       is_parallel ? Place::first_of_two : Place::alone});
    stages_.push_back(
        {&model.block_[1], mlp, -1, is_parallel ? Place::second_of_two : Place::alone});
  }
  if (model.final_norm_.size() > 0)
    stages_.push_back({&model.final_norm_, model.final_norm_range_});
}

/// Rows of features between the stages. Adjoints that nobody reads later take turns in two buffers.
template <class Scalar, class Space>
void TransformerWorkspace<Scalar, Space>::bind_streams(Index width) {
  auto const buffer = [&](std::string const& name, std::size_t i) {
    return memory_.matrix(name + "." + std::to_string(i), shape_.tokens(), width);
  };
  std::size_t turn = 0;
  for (std::size_t i = 0; i <= stages_.size(); ++i) {
    bool const is_shared = i > 0 && stages_[i - 1].place == Placed::Place::second_of_two;
    turn += i > 0 && !is_shared ? 1 : 0;
    stream_.push_back(buffer("stream", i));
    stream_adjoint_.push_back(buffer("stream_adjoint", options_.keep_adjoints ? turn : turn % 2));
    if (!options_.tangents) continue;
    stream_dot_.push_back(buffer("stream_tangent", i));
    stream_tangent_adjoint_.push_back(buffer("stream_tangent_adjoint", turn % 2));
  }
}

/// The two buffers in which adjoints inside a branch take turns, wide enough for all branches.
template <class Scalar, class Space>
void TransformerWorkspace<Scalar, Space>::reserve_branch_adjoints() {
  Index widest = 0;
  for (auto const& stage : stages_) widest = std::max(widest, stage.chain->widest_features());
  for (char const* turn : {".even", ".odd"}) {
    if (!options_.keep_adjoints)
      memory_.vector(std::string("adjoint") + turn, shape_.tokens() * widest);
    if (options_.tangents)
      memory_.vector(std::string("tangent_adjoint") + turn, shape_.tokens() * widest);
  }
}

/// The inside of whichever branch is computed again: as much at each place as any of them needs.
template <class Scalar, class Space>
void TransformerWorkspace<Scalar, Space>::reserve_any_branch() {
  using Kind = typename Chain::Kind;
  auto const reserve = [&](std::string const& prefix, Kind kind) {
    std::vector<typename Chain::Inside> most;
    for (auto const& stage : stages_) {
      auto const sizes = stage.chain->inside(shape_, kind);
      most.resize(std::max(most.size(), sizes.size()));
      for (std::size_t i = 0; i < sizes.size(); ++i)
        most[i] = {std::max(most[i].output, sizes[i].output),
                   std::max(most[i].saved, sizes[i].saved)};
    }
    for (std::size_t i = 0; i < most.size(); ++i) {
      auto const label = prefix + "." + std::to_string(i);
      if (most[i].output > 0) memory_.vector(label, most[i].output);
      if (most[i].saved > 0) memory_.vector(label + ".saved", most[i].saved);
    }
  };
  reserve("any_branch", Kind::primal);
  if (options_.tangents) reserve("any_branch.tangent", Kind::tangent);
}

template <class Scalar, class Space>
void TransformerWorkspace<Scalar, Space>::bind(Placed& s, std::size_t i,
                                               std::string const& prefix) {
  using Kind = typename Chain::Kind;
  using Retention = typename Chain::Retention;
  auto const& chain = *s.chain;
  auto const retention = options_.recompute ? Retention::transient : Retention::kept;
  std::size_t const from = s.place == Placed::Place::second_of_two ? i - 1 : i;
  s.primal = chain.bind(memory_, prefix, shape_, Kind::primal, retention, stream_[from],
                        stream_[i + 1], stream_[i]);
  s.adjoint = options_.keep_adjoints
                  ? bind_back(s, i, prefix + ".adjoint", Retention::kept, stream_adjoint_)
                  : bind_back(s, i, "adjoint", Retention::transient, stream_adjoint_);
  if (!options_.tangents) return;
  s.tangent = chain.bind(memory_, prefix + ".tangent", shape_, Kind::tangent, retention,
                         stream_dot_[from], stream_dot_[i + 1], stream_dot_[i]);
  s.tangent_adjoint =
      bind_back(s, i, "tangent_adjoint", Retention::transient, stream_tangent_adjoint_);
}

template <class Scalar, class Space>
auto TransformerWorkspace<Scalar, Space>::bind_back(
    Placed const& s, std::size_t i, std::string const& prefix, typename Chain::Retention retention,
    std::vector<MatrixView<Scalar, Space>> const& adjoints) -> typename Chain::Adjoints {
  using Place = typename Placed::Place;
  auto dx = adjoints[i];
  if (s.place == Place::alone)
    return s.chain->bind_back(memory_, prefix, shape_, retention, adjoints[i + 1], dx);
  bool const is_tangent = &adjoints == &stream_tangent_adjoint_;
  auto const branch = memory_.matrix(is_tangent ? "tangent_adjoint.branch" : "adjoint.branch",
                                     shape_.tokens(), static_cast<Index>(dx.extent(1)));
  bool const is_first = s.place == Place::first_of_two;
  auto backs = s.chain->bind_back(memory_, prefix, shape_, retention, adjoints[i + 1],
                                  is_first ? dx : branch);
  if (is_first)
    backs.joining.push_back(branch);
  else
    backs.joining.clear();
  return backs;
}

template <class Scalar, class Space>
void TransformerWorkspace<Scalar, Space>::forget_scores() {
  if (scores_.data() != nullptr)
    linalg::fill(context_, flat(scores_), -std::numeric_limits<double>::infinity());
}

template <class Scalar, class Space>
std::vector<double> TransformerWorkspace<Scalar, Space>::largest_scores() const {
  require<ConfigError>(options_.scores,
                       "TransformerWorkspace: largest scores need a workspace made with scores");
  using Host = Kokkos::View<Scalar*, Kokkos::LayoutRight, Kokkos::HostSpace, Unmanaged>;
  std::vector<Scalar> values(scores_.size());
  Kokkos::deep_copy(context_.space(), Host(values.data(), values.size()), flat(scores_));
  context_.fence("kyrtos::TransformerWorkspace::largest_scores");
  return {values.begin(), values.end()};
}

template <class Scalar, class Space>
void TransformerWorkspace<Scalar, Space>::begin_pass(Batch<Scalar, Space> const& batch) {
  if (!(batch.shape == shape_))
    throw ShapeError("Transformer: a batch of " + std::to_string(batch.shape.batch) + " x " +
                     std::to_string(batch.shape.length) + ", but the workspace was made for " +
                     std::to_string(shape_.batch) + " x " + std::to_string(shape_.length));
  gradient_is_kept_ = false;
  watches_scores_ = options_.scores && batch.weight != 0;  // else it is a filler
}

template <class Scalar, class Space>
void TransformerWorkspace<Scalar, Space>::require_tangents() const {
  require<ConfigError>(options_.tangents,
                       "Transformer: Hessian-vector products need a workspace made with tangents");
}

KYRTOS_INSTANTIATE(kyrtos::model::TransformerWorkspace)

}  // namespace kyrtos::model
