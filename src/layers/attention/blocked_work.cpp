// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "blocked_work.hpp"

#include "blocked_pass.hpp"

namespace kyrtos::layers::attention {

namespace {

/// Adds up a pass in the words in which blocked_forward.cpp and its like do it.
template <class Scalar>
class BlockedCounter {
 public:
  BlockedCounter(PassKind pass, Geometry<Scalar> const& g, double factor_bytes)
      : g_(g),
        factor_(factor_bytes),
        is_back_(pass == PassKind::backward || pass == PassKind::tangent_backward),
        parts_(pass == PassKind::tangent_forward || pass == PassKind::tangent_backward ? 2 : 1) {}

  Work run(Division const& by) {
    if (is_back_) kernel(2 * parts_ * numbers(entries_of(g_), g_.length, g_.group()) * scalar);
    for (int entry = 0; entry < entries_of(g_); entry += by.entries) {
      int const entries = detail::smaller(by.entries, entries_of(g_) - entry);
      begin_group(entries);
      for (int first = 0; first < g_.length; first += by.tokens)
        add_block(entries, query_block(g_, first, by.tokens));
      if (is_back_) kernel(2 * numbers(entries, g_.length, 1) * scalar);
    }
    return work_;
  }

 private:
  static constexpr double scalar = sizeof(Scalar);

  double numbers(int entries, int tokens, int heads) const {
    return static_cast<double>(Index(entries) * tokens * heads) * g_.head_size;
  }
  void kernel(double bytes) { work_ += {.bytes = bytes, .launches = 1}; }
  /// C [m, n] of sums of k terms, for each entry.
  void product(int entries, double m, double n, double k, bool adds) {
    work_ += {.products = entries * 2 * m * n * k,
              .product_bytes = entries * ((m + n) * k * factor_ + m * n * scalar * (adds ? 2 : 1)),
              .launches = 1};
  }

  void begin_group(int entries) {
    double const queries = numbers(entries, g_.length, g_.group()),
                 keys = numbers(entries, g_.length, 1);
    for (int part = 0; part < parts_; ++part)
      kernel(((is_back_ ? 2 : 1) * queries + 2 * keys) * factor_);  // Q, dO, K, V
    if (is_back_) kernel(2 * keys * scalar);
  }

  /// S = QKᵀ, and Ṡ = [Q̇ Q][K K̇]ᵀ; likewise of dO and V.
  void add_scores(int entries, double rows, double keys) {
    for (int part = 1; part <= parts_; ++part)
      product(entries, rows, keys, part * g_.head_size, false);
  }

  void add_block(int entries, QueryBlock const& b) {
    double const rows = static_cast<double>(b.tokens * g_.group()), keys = b.keys, d = g_.head_size;
    int const in_pairs = (is_back_ ? 2 : 1) * entries;
    add_scores(in_pairs, rows, keys);
    double seen = 0;
    for (int token = b.first; token < b.first + b.tokens; ++token) {
      auto const range = g_.visibility().keys_of(token, token);
      seen += static_cast<double>(range.end - range.begin) * g_.group();
    }
    double const matrices = (is_back_ ? 2 : 1) * parts_;
    kernel(entries * matrices * (seen * scalar + rows * keys * factor_));
    for (int part = 0; part < parts_; ++part) product(entries, rows, d, keys, part > 0);
    if (is_back_) product(in_pairs, keys, d, parts_ * rows, true);
    bool const reads_y = !is_back_ && parts_ > 1;  // ẏ = Ȯ - μy
    kernel((reads_y ? 2 : 1) * entries * rows * d * scalar);
  }

  Geometry<Scalar> const& g_;
  double factor_;
  bool is_back_;
  int parts_;
  Work work_;
};

}  // namespace

template <class Scalar>
Work blocked_work(PassKind pass, Geometry<Scalar> const& g, Machine const& machine,
                  Index working_bytes) {
  Work work;
  with_factors<Scalar>(machine.factors, [&](auto factors) {
    using Factor = typename decltype(factors)::Factor;
    auto const by = division<Factor, Scalar, Kokkos::DefaultHostExecutionSpace>(g, working_bytes,
                                                                                machine.is_host);
    work = BlockedCounter<Scalar>(pass, g, sizeof(Factor)).run(by);
  });
  return work;
}

template Work blocked_work(PassKind, Geometry<float> const&, Machine const&, Index);
template Work blocked_work(PassKind, Geometry<double> const&, Machine const&, Index);

}  // namespace kyrtos::layers::attention
