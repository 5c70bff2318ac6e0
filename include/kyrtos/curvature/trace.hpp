// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/linear_operator.hpp>

#include <cstdint>

namespace kyrtos::curvature {

/// An unbiased estimate of tr A.
struct TraceEstimate {
  double value = 0;
  double standard_error = 0;
  Index hvps = 0;
};

/// Hutchinson's estimator: the mean of zᵀAz over `hvps` vectors z of random signs (Hutchinson
/// 1990). Its standard error falls as 1/√hvps and is proportional to ‖A − diag A‖F.
/// Two vectors of memory. Waits for the instance. Collective when the operator is.
/// \throws ConfigError for less than 2 products, NumericalError when one is not finite.
template <class Scalar, class Space>
TraceEstimate hutchinson_trace(Context<Space> const& context, LinearOperator<Scalar, Space>& op,
                               Index hvps, std::uint64_t seed = 0);

/// Hutch++ (Meyer, Musco, Musco and Woodruff, "Hutch++: optimal stochastic trace estimation",
/// 2021, algorithm 1): with Q an orthonormal basis of AS, S random signs,
///
///     tr A ≈ tr(QᵀAQ) + mean over z of zᵀ(I − QQᵀ) A (I − QQᵀ)z,
///
/// a third of the products each for AS, AQ and the mean. The outliers of a Hessian's spectrum are
/// in Q and counted exactly; Hutchinson's noise comes from the rest only. The standard error is
/// the mean's. Memory: hvps/3 + 2 vectors.
/// \throws ConfigError for less than 6 products, NumericalError when one is not finite.
template <class Scalar, class Space>
TraceEstimate hutch_plus_plus(Context<Space> const& context, LinearOperator<Scalar, Space>& op,
                              Index hvps, std::uint64_t seed = 0);

}  // namespace kyrtos::curvature
