// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "peaks.hpp"

#include <kyrtos/core/error.hpp>
#include <kyrtos/optim/detail/for_each_element.hpp>
#include <kyrtos/train/run_parts.hpp>

#include "random.hpp"

#include <algorithm>

namespace kyrtos::bench {

namespace {

/// Less where many ranks share a machine's memory.
Index triad_size(MachineSizes const& sizes, int ranks) {
  return std::max<Index>(sizes.vectors / ranks, std::min(sizes.vectors, Index{1} << 22));
}

struct Triad {
  VectorView<float, Space> a;
  VectorView<float const, Space> b, c;

  KOKKOS_INLINE_FUNCTION void operator()(Index i) const { a(i) = b(i) + 0.5f * c(i); }
};

Operation triad(Context<Space> const& context, Index n) {
  auto const a = allocate<float>(context, "bench::a", n), b = random_vector(context, "b", n, 1),
             c = random_vector(context, "c", n, 2);
  return {"triad",
          [=] {
            optim::detail::for_each_element(context, "kyrtos::bench::triad", n, Triad{a, b, c});
          },
          Work::memory(3.0 * sizeof(float) * static_cast<double>(n))};
}

/// C = A·B of n × n matrices.
struct Product {
  Context<Space> context;
  Vector<float, Space> a, b, c;
  Index n;

  void operator()() const {
    auto const square = [&](auto const& v) { return as_matrix(v, 0, n, n); };
    linalg::gemm<float, Space>(context, linalg::Transpose::no, linalg::Transpose::no, 1, square(a),
                               square(b), 0, square(c));
  }
};

/// Whether the provider multiplies float32 matrices where kernels run.
bool can_multiply(Product product) {
  product.n = 1;
  try {
    product();
    return true;
  } catch (ConfigError const&) {
    return false;
  }
}

}  // namespace

CaseMaker machine_case(MachineSizes const& sizes) {
  auto const make = [sizes](Context<Space> const& context) {
    Case machine{"machine", "machine", Json::object(), {}};
    Index const n = sizes.matrices;
    auto const a = random_vector(context, "a", n * n, 1), b = random_vector(context, "b", n * n, 2),
               c = allocate<float>(context, "bench::c", n * n);
    auto const work = Work::products(2.0 * static_cast<double>(n) * static_cast<double>(n * n));
    for (auto const& provider : linalg::gemm_providers()) {
      if (!provider.available) continue;
      MPI_Comm const ranks = context.communicator().get();
      Product const product{Context<Space>(ranks, {.gemm = provider.provider}), a, b, c, n};
      if (can_multiply(product)) machine.operations.push_back({provider.title(), product, work});
    }
    for (auto const precision : {train::Precision::bf16, train::Precision::tf32})
      if (train::missing_for<Space>(precision).empty())
        machine.operations.push_back(
            {name_of(precision), Product{train::with_precision(context, precision), a, b, c, n},
             Work::products(work.amount, precision)});
    machine.operations.push_back(triad(context, triad_size(sizes, context.communicator().size())));
    // Once more beforehand: a limit is not to suffer from what other cases left in caches.
    for (auto& operation : machine.operations) operation.prepare = operation.run;
    return machine;
  };
  return {"machine", make};
}

double Peaks::of(Work const& work) const {
  switch (work.kind) {
    case Work::Kind::products:
      return flops.contains(work.precision) ? flops.at(work.precision) : 0;
    case Work::Kind::memory:
      return bytes;
    case Work::Kind::transfer:
    case Work::Kind::uncounted:
      break;
  }
  return 0;
}

double fastest_rate(Measured const& machine, std::size_t operation) {
  return machine.of.operations[operation].work.amount /
         std::ranges::min(machine.seconds[operation]);
}

Peaks peaks_of(Measured const& machine) {
  Peaks peaks;
  for (std::size_t i = 0; i < machine.seconds.size(); ++i) {
    auto const& operation = machine.of.operations[i];
    auto const& work = operation.work;
    double const rate = fastest_rate(machine, i);
    if (work.kind == Work::Kind::memory) peaks.bytes = rate;
    if (work.kind != Work::Kind::products || rate <= peaks.of(work)) continue;
    peaks.flops[work.precision] = rate;
    if (work.precision == train::Precision::float32) peaks.provider = operation.name;
  }
  return peaks;
}

}  // namespace kyrtos::bench
