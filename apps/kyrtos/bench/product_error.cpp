// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "product_error.hpp"

#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/model/transformer.hpp>

#include "random.hpp"

namespace kyrtos::bench {

namespace {

template <class Scalar>
using ConstVector = VectorView<Scalar const, Space>;

template <class Scalar>
Vector<Scalar, Space> product(Context<Space> const& context, model::TransformerConfig const& config,
                              ConstVector<float> theta, ConstVector<float> u,
                              ConstVector<Token> tokens) {
  model::Transformer<Scalar, Space> const model(config);
  auto const converted = [&](ConstVector<float> from) {
    auto const to = allocate<Scalar>(context, "bench::converted", model.layout().size());
    linalg::copy(context, from, to);
    return to;
  };
  Batch<Scalar, Space> batch;
  batch.shape = {1, static_cast<Index>(tokens.size()) - 1};
  batch.inputs = slice(tokens, 0, batch.shape.length);
  batch.targets = slice(tokens, 1, batch.shape.length);
  batch.weight = 1 / static_cast<double>(batch.shape.length);
  model::TransformerWorkspace<Scalar, Space> workspace(context, model, batch.shape,
                                                       {.tangents = true});
  auto const hu = allocate<Scalar>(context, "bench::product", model.layout().size());
  model.hvp(workspace, converted(theta), converted(u), batch, hu);
  context.fence("kyrtos::bench::product_error");
  return hu;
}

}  // namespace

double product_error(Context<Space> const& context, model::TransformerConfig const& config,
                     Index length) {
  model::Transformer<float, Space> const model(config);
  Index const size = model.layout().size();
  auto const theta = allocate<float>(context, "bench::theta", size);
  model.initialize(context, 1, theta);
  auto const u = random_vector(context, "u", size, 2);
  auto const tokens = random_tokens(context, std::min<Index>(length, 128) + 1, config.vocabulary);
  auto const exact = product<double>(context, config, theta, u, tokens);
  auto const rounded = product<float>(context, config, theta, u, tokens);
  auto const difference = allocate<double>(context, "bench::difference", size);
  linalg::copy(context, rounded, difference);
  linalg::axpy(context, -1, exact, difference);
  return linalg::norm(context, difference) / linalg::norm(context, exact);
}

}  // namespace kyrtos::bench
