// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "layer_case.hpp"
#include "random.hpp"

namespace kyrtos::bench {

namespace {

using Batch = kyrtos::Batch<float, Space>;
using Input = layers::InputLayer<float, Space>;
using Head = layers::OutputLayer<float, Space>;

/// Tokens of a vocabulary, or rows of so many features.
struct Data {
  Data(Context<Space> const& context, SequenceShape shape, DataKind kind, Index features) {
    batch.shape = shape;
    batch.weight = 1 / static_cast<double>(shape.tokens());
    if (kind == DataKind::tokens) {
      tokens = random_tokens(context, shape.tokens(), features);
      batch.inputs = batch.targets = tokens;
    } else {
      fields = random_vector(context, "fields", shape.tokens() * features, 3);
      batch.input_fields = batch.target_fields = as_matrix(fields, 0, shape.tokens(), features);
    }
  }

  Vector<Token, Space> tokens;
  Vector<float, Space> fields;
  Batch batch;
};

struct InputProblem {
  InputProblem(Context<Space> const& where, Input const& layer, SequenceShape shape, DataKind kind,
               Index inputs)
      : context(where),
        data(where, shape, kind, inputs),
        theta(random_vector(where, "theta", size_of(layer.parameters()), 4)),
        y(random_vector(where, "y", shape.tokens() * layer.out_features(), 5)),
        rows(as_matrix(y, 0, shape.tokens(), layer.out_features())) {}

  Context<Space> context;
  Data data;
  Vector<float, Space> theta, y;
  MatrixView<float, Space> rows;
};

struct HeadProblem {
  HeadProblem(Context<Space> const& where, Head const& head, SequenceShape shape, DataKind kind)
      : context(where),
        data(where, shape, kind, head.out_features()),
        // A tied head has no segments; its θ is the matrix of the embedding.
        size(std::max(size_of(head.parameters()), head.in_features() * head.out_features())),
        vectors(random_vector(where, "vectors", 4 * size, 4)),
        features(random_vector(where, "features", 4 * shape.tokens() * head.in_features(), 5)),
        rows(as_matrix(features, 0, 4 * shape.tokens(), head.in_features())) {}

  VectorView<float, Space> vector(Index i) const { return slice(vectors, i * size, size); }
  MatrixView<float, Space> matrix(Index i) const {
    Index const tokens = data.batch.shape.tokens();
    return rows_of(rows, i * tokens, tokens);
  }
  Head::Passes loss() const {
    Head::Passes passes;
    passes.x = matrix(0);
    return passes;
  }
  Head::Passes gradient(Head::Passes passes) const {
    passes.dx = matrix(1);
    passes.dtheta = vector(1);
    return passes;
  }
  Head::Passes product(Head::Passes passes) const {
    passes.u = vector(2);
    passes.x_dot = matrix(2);
    passes.dx_dot = matrix(3);
    passes.hu = vector(3);
    return passes;
  }

  Context<Space> context;
  Data data;
  Index size;
  Vector<float, Space> vectors, features;
  MatrixView<float, Space> rows;
};

Json facts_of(SequenceShape shape, Index from, Index to) {
  return {{"batch", shape.batch},
          {"length", shape.length},
          {"in_features", from},
          {"out_features", to}};
}

}  // namespace

CaseMaker input_case(std::string const& name, std::shared_ptr<Input const> const& layer,
                     SequenceShape shape, DataKind kind, Index inputs) {
  auto const make = [=](Context<Space> const& context) {
    auto const p = std::make_shared<InputProblem>(context, *layer, shape, kind, inputs);
    // Of tokens, forward reads a row and writes one; backward reads dy, and reads and writes dE.
    double const size = static_cast<double>(p->y.size());
    auto const work = [=](double accesses) {
      return kind == DataKind::tokens ? Work::memory(accesses * sizeof(float) * size)
                                      : Work::products(2 * static_cast<double>(inputs) * size);
    };
    std::vector<Operation> operations{
        {"forward", [=] { layer->forward(p->context, p->theta, p->data.batch, p->rows); }, work(2)},
        {"backward", [=] { layer->backward(p->context, p->data.batch, p->rows, p->theta); },
         work(3)}};
    return Case{name, "layer", facts_of(shape, inputs, layer->out_features()), operations};
  };
  return {name, make};
}

CaseMaker head_case(std::string const& name, std::shared_ptr<Head const> const& head,
                    SequenceShape shape, DataKind kind) {
  auto const make = [=](Context<Space> const& context) {
    auto const p = std::make_shared<HeadProblem>(context, *head, shape, kind);
    double const flops = head->forward_flops(shape.tokens());
    auto const operation = [&](char const* label, Head::Passes const& passes, double products) {
      return Operation{label, [=] { head->run(p->context, p->vector(0), p->data.batch, passes); },
                       Work::products(products * flops)};
    };
    auto const loss = p->loss();
    std::vector<Operation> operations{operation("loss", loss, 1),
                                      operation("gradient", p->gradient(loss), 3),
                                      operation("gradient_hvp", p->product(p->gradient(loss)), 9),
                                      operation("hvp", p->product(loss), 7)};
    return Case{name, "layer", facts_of(shape, head->in_features(), head->out_features()),
                operations};
  };
  return {name, make};
}

}  // namespace kyrtos::bench
