// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/model/transformer.hpp>
#include <kyrtos/train/config.hpp>

#include "batches.hpp"

#include <optional>
#include <variant>

namespace kyrtos::c {

/// An architecture with its configuration, parameters and memory.
template <class Scalar>
class Model {
 public:
  using Vectors = VectorView<Scalar, Space>;

  /// \param state of the checkpoint that it comes from, empty for a new one; says which blocks
  /// take part.
  Model(Context<Space> const& context, RunConfig config, std::string state = {});

  Index size() const { return transformer.layout().size(); }
  ParameterLayout const& layout() const { return transformer.layout(); }

  /// Memory for batches of one shape; kept until another is asked for.
  TransformerWorkspace<Scalar, Space>& workspace(SequenceShape shape, bool tangents);

  /// The loss of all ranks; adds its gradient to `gradient`, and H u to `hu`, where they are not
  /// empty. Collective.
  double loss(Batches<Scalar> const& batches);
  double gradient(Batches<Scalar> const& batches, Vectors gradient);
  double hvp(Batches<Scalar> const& batches, VectorView<Scalar const, Space> u, Vectors hu,
             Vectors gradient);

  /// Makes the caller's memory the home of θ. \throws Failure once somebody relies on where it is.
  void use_parameters(kyrtos_array const& array);
  void rely_on_home() { home_is_fixed_ = true; }

  Context<Space> const context;
  RunConfig const config;
  std::string const state;
  Transformer<Scalar, Space> const transformer;
  ActiveBlocks const active;
  VectorView<Scalar, Space> theta;

 private:
  Vector<Scalar, Space> storage_;
  bool home_is_fixed_ = false;
  std::optional<TransformerWorkspace<Scalar, Space>> workspace_;
};

/// Something of either precision; shared by the handles that need it.
template <template <class> class Thing>
using Either = std::variant<std::shared_ptr<Thing<float>>, std::shared_ptr<Thing<double>>>;

struct ModelBody {
  Either<Model> model;
  void* stream;
};

/// make(Scalar()) in the precision that is named. \throws Failure when it is none.
template <class Make>
auto in_precision(kyrtos_type precision, Make const& make) {
  if (!is_real(precision))
    throw Failure(KYRTOS_ERROR_ARGUMENT, "the precision must be KYRTOS_FLOAT32 or KYRTOS_FLOAT64");
  return precision == KYRTOS_FLOAT32 ? make(float()) : make(double());
}

}  // namespace kyrtos::c

struct kyrtos_model final : kyrtos::c::HandleOf<kyrtos::c::ModelBody> {
  using HandleOf::HandleOf;
};

namespace kyrtos::c {

/// work(Model<Scalar>&), errors to the handle.
template <class Work>
kyrtos_status with(kyrtos_model* handle, Work const& work) {
  return guarded(
      handle, [&] { std::visit([&](auto const& model) { work(*model); }, handle->body().model); });
}

}  // namespace kyrtos::c
