// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>
#include <kyrtos/train/config.hpp>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace kyrtos::bench {

using Space = Kokkos::DefaultExecutionSpace;
using Json = nlohmann::ordered_json;

/// What an operation has to do at least: what its speed is a share of.
struct Work {
  enum class Kind {
    uncounted,
    products,  ///< Floating-point operations; the peak is that of matrix products.
    memory,    ///< Bytes to and from memory; the peak is that of the triad.
    transfer,  ///< Bytes to and from files or other ranks; without a peak.
  } kind = Kind::uncounted;
  double amount = 0;
  train::Precision precision = train::Precision::float32;  ///< Of the products.

  static Work products(double flops, train::Precision precision = train::Precision::float32) {
    return {Kind::products, flops, precision};
  }
  static Work memory(double bytes) { return {Kind::memory, bytes}; }
  static Work transfer(double bytes) { return {Kind::transfer, bytes}; }
};

/// Something that is timed again and again.
struct Operation {
  std::string name;           ///< In results: `gradient` has the time `gradient_s`.
  std::function<void()> run;  ///< May return before the instance is done.
  Work work = {};
  std::function<void()> prepare = {};  ///< Before each measurement, which doesn't count it,
  std::function<void()> finish = {};   ///< and after it. Then a measurement is a single run.
};

/// Operations on the same memory, which they own.
struct Case {
  std::string name;
  std::string kind;  ///< machine, model, layer or system
  Json facts;        ///< What is known of it without a clock.
  std::vector<Operation> operations;
};

/// How to make a case, once it is its turn. Both functions are collective.
struct CaseMaker {
  std::string name;
  std::function<Case(Context<Space> const&)> make;
  /// Facts that take memory of their own to find out, given back before the case is made.
  std::function<Json(Context<Space> const&)> examine = {};
  bool has_products = true;  ///< Whether the precision of matrix products matters to it.
};

}  // namespace kyrtos::bench
