// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/train/run_parts.hpp>
#include <kyrtos/train/stored_preconditioner.hpp>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace kyrtos::train {

namespace {

/// 0 where the state does not say it.
Index optimizer_steps(std::string const& state) {
  auto const json = nlohmann::json::parse(state, nullptr, false);
  char const* const key = "optimizer_steps";
  bool const is_there = json.is_object() && json.contains(key) && json[key].is_number_integer();
  return is_there ? json[key].get<Index>() : 0;
}

}  // namespace

template <class Scalar, class Space>
curvature::AdamPreconditioner<Scalar, Space> stored_preconditioner(Context<Space> const& context,
                                                                   io::CheckpointReader const& file,
                                                                   RunConfig const& config,
                                                                   ParameterLayout const& layout,
                                                                   VectorView<Scalar, Space> v) {
  auto const& path = file.path();
  auto const kind = config.curvature.preconditioner;
  require<ConfigError>(config.optimizer.kind == OptimizerConfig::Kind::adamw,
                       path +
                           ": was trained with sgd or muon, which have no preconditioner; take the "
                           "hessian itself");
  require<FileError>(file.has("optimizer/v"),
                     path +
                         ": has no /optimizer/v, Adam's second moment, to precondition with; "
                         "take the hessian itself, or a checkpoint that `kyrtos train` wrote");
  Index const steps = optimizer_steps(file.text().state);
  require<FileError>(kind == CurvatureConfig::Preconditioner::plain || steps > 0,
                     path +
                         ": does not say how many steps Adam took, which the bias correction "
                         "depends on; take the preconditioner `plain`, or the hessian itself");
  auto options = config.optimizer.adamw.preconditioner();
  options.kind = kind;
  curvature::AdamPreconditioner<Scalar, Space> p(layout.size(), options);
  file.read<Scalar, Space>(context, "optimizer/v", layout, v);
  p.update(v, adam_ranges(layout, file.text().state, path, std::max<Index>(steps, 1)));
  return p;
}

#define KYRTOS_STORED_PRECONDITIONER(SCALAR, SPACE)                                           \
  template curvature::AdamPreconditioner<SCALAR, SPACE> stored_preconditioner<SCALAR, SPACE>( \
      Context<SPACE> const&, io::CheckpointReader const&, RunConfig const&,                   \
      ParameterLayout const&, VectorView<SCALAR, SPACE>);
KYRTOS_INSTANTIATE_FUNCTIONS(KYRTOS_STORED_PRECONDITIONER)

}  // namespace kyrtos::train
