// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/input_layer.hpp>

#include "../support/dual.hpp"
#include "checks.hpp"

#include <limits>
#include <string>
#include <vector>

/// \file
/// \brief The contract of an input layer, checked in one call against its plain-loop reference, a
/// callable `y = f(shape, θ)` on any number type that holds the data itself.

namespace kyrtos::testing {

template <class Scalar>
class EmbeddingCheck {
 public:
  using Embedding = layers::InputLayer<Scalar, Space>;
  using Batch = kyrtos::Batch<Scalar, Space>;

  EmbeddingCheck(Embedding const& embedding, Batch const& batch)
      : embedding_(embedding), batch_(batch), rows_(batch.shape.tokens()) {
    std::size_t parameters = 0;
    for (auto const& spec : embedding.parameters()) {
      parts_.push_back({spec.name, static_cast<std::size_t>(count_elements(spec.shape))});
      parameters += parts_.back().size;
    }
    theta_ = random_numbers<Scalar>(parameters, 3);
    u_ = random_numbers<Scalar>(parameters, 4);
    dy_ = random_numbers<Scalar>(static_cast<std::size_t>(rows_ * embedding.out_features()), 5);
    zeros_.assign(parameters, 0.0);
  }

  /// \param tolerance relative to the norm of what is compared, in units of machine precision.
  template <class Reference>
  void run(Reference const& reference, double tolerance) const {
    tolerance *= static_cast<double>(std::numeric_limits<Scalar>::epsilon());
    Numbers const y = forward(poisoned_, theta_), dtheta = backward(poisoned_, zeros_);
    check_forward(reference, y, tolerance);
    check_backward(reference, dtheta, tolerance);
    check_same_bits(y, dtheta);
    check_accumulation(dtheta, tolerance);
    check_manners();
  }

 private:
  MatrixView<Scalar, Space> matrix(Vector<Scalar, Space> const& v) const {
    return as_matrix(v, 0, rows_, embedding_.out_features());
  }

  /// y, which held NaN.
  Numbers forward(Context<Space> const& context, Numbers const& theta) const {
    auto const y = on_device<Scalar>(Numbers(dy_.size(), std::nan("")));
    auto const parameters = on_device<Scalar>(theta);
    embedding_.forward(context, parameters, batch_, matrix(y));
    context.fence("test");
    CHECK(on_host(parameters) == theta);
    return on_host(y);
  }

  /// dθ, which held `start`.
  Numbers backward(Context<Space> const& context, Numbers const& start) const {
    auto const dy = on_device<Scalar>(dy_), dtheta = on_device<Scalar>(start);
    embedding_.backward(context, batch_, matrix(dy), dtheta);
    context.fence("test");
    CHECK(on_host(dy) == dy_);
    return on_host(dtheta);
  }

  /// f(θ + εδ)
  template <class Reference>
  std::vector<Dual1> evaluate(Reference const& reference, Numbers const& delta) const {
    std::vector<Dual1> theta;
    for (std::size_t i = 0; i < theta_.size(); ++i) theta.emplace_back(theta_[i], delta[i]);
    return reference(batch_.shape, theta);
  }

  /// y = f(θ), and that forward() of u is the tangent.
  template <class Reference>
  void check_forward(Reference const& reference, Numbers const& y, double tolerance) const {
    Numbers wanted, wanted_dot;
    for (auto const& v : evaluate(reference, u_)) {
      wanted.push_back(v.value);
      wanted_dot.push_back(v.tangent);
    }
    CHECK(near(y, wanted, tolerance));
    CHECK(near(forward(plain_, u_), wanted_dot, tolerance));
  }

  /// ⟨dθ, δ⟩ = ⟨dy, ∂f δ⟩
  template <class Reference>
  void check_backward(Reference const& reference, Numbers const& dtheta, double tolerance) const {
    check_slopes({{"gradient", dtheta}}, parts_, tolerance, [&](Numbers const& delta) {
      auto const f = evaluate(reference, delta);
      double slope = 0;
      for (std::size_t i = 0; i < f.size(); ++i) slope += dy_[i] * f[i].tangent;
      return Numbers{slope};
    });
  }

  void check_same_bits(Numbers const& y, Numbers const& dtheta) const {
    for (auto const& context : {poisoned_, plain_}) {
      CHECK(forward(context, theta_) == y);
      CHECK(backward(context, zeros_) == dtheta);
    }
  }

  /// dθ is added to, and where there is nothing to add, it is left alone.
  void check_accumulation(Numbers const& dtheta, double tolerance) const {
    Numbers const start = random_numbers<Scalar>(theta_.size(), 8);
    Numbers const more = backward(plain_, start);
    CHECK(near(more, plus(start, 1, dtheta), tolerance));
    for (std::size_t i = 0; i < start.size(); ++i)
      if (dtheta[i] == 0 && more[i] != start[i]) FAIL("a parameter that takes no part changed");
  }

  void check_manners() const {
    auto const y = on_device<Scalar>(dy_), theta = on_device<Scalar>(theta_);
    std::string const kind = "kyrtos::" + embedding_.kind() + "::";
    Manners const manners{{kind, "kyrtos::embedding::", "KokkosBlas"}, {"kyrtos::linalg::gemm"}};
    manners.check(plain_, kind + "forward",
                  [&] { embedding_.forward(plain_, theta, batch_, matrix(y)); });
    manners.check(plain_, kind + "backward",
                  [&] { embedding_.backward(plain_, batch_, matrix(y), theta); });
  }

  Embedding const& embedding_;
  Batch batch_;
  Index rows_;
  std::vector<Part> parts_;
  Numbers theta_, u_, dy_, zeros_;
  Context<Space> poisoned_{MPI_COMM_SELF, {.gemm = {}, .poison_scratch = true}};
  Context<Space> plain_{MPI_COMM_SELF};
};

/// Checks the whole contract of an input layer for one batch.
template <class Scalar, class Reference>
void check_embedding(layers::InputLayer<Scalar, Space> const& embedding,
                     Batch<Scalar, Space> const& batch, Reference const& reference,
                     double tolerance = 200) {
  INFO(embedding.kind() << ", " << batch.shape.batch << " sequences of " << batch.shape.length);
  EmbeddingCheck<Scalar>(embedding, batch).run(reference, tolerance);
}

}  // namespace kyrtos::testing
