// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "../support/kokkos_watch.hpp"
#include "../support/numbers.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <string>
#include <vector>

/// \file
/// \brief What the checks of layers, embeddings and heads share.

namespace kyrtos::testing {

/// A stretch of the numbers z = (x, θ) that are differentiated by.
struct Part {
  std::string name;
  std::size_t size;
};

/// One number for each of z: a gradient, or a matrix times a direction.
struct Derivative {
  std::string name;
  Numbers values;
};

/// Part by part, so that a large one can't hide errors of a small one.
inline void check_parts(Derivative const& found, Numbers const& wanted,
                        std::vector<Part> const& parts, double tolerance) {
  std::size_t begin = 0;
  for (auto const& [name, size] : parts) {
    INFO(found.name << " with respect to " << name);
    Numbers const f = piece(found.values, begin, size), w = piece(wanted, begin, size);
    CHECK(distance(f, w) <= tolerance * (norm(w) + 0.1 * norm(wanted)));
    begin += size;
  }
}

/// slopes(δ)[i] is what ⟨found[i], δ⟩ must be: along random directions δ of z, and, where z has
/// few numbers, along each of them.
template <class Slopes>
void check_slopes(std::vector<Derivative> const& found, std::vector<Part> const& parts,
                  double tolerance, Slopes const& slopes) {
  std::size_t const size = found.front().values.size();
  for (std::uint64_t k = 0; k < 8; ++k) {
    Numbers const delta = random_numbers<double>(size, 100 + k), wanted = slopes(delta);
    for (std::size_t i = 0; i < found.size(); ++i) {
      auto const& [name, values] = found[i];
      INFO(name << " along a random direction");
      CHECK(std::abs(dot(values, delta) - wanted[i]) <= tolerance * norm(values) * norm(delta));
    }
  }
  constexpr std::size_t few = 400;
  if (size > few) return;
  std::vector<Numbers> wanted(found.size(), Numbers(size));
  for (std::size_t k = 0; k < size; ++k) {
    Numbers delta(size, 0.0);
    delta[k] = 1;
    Numbers const slope = slopes(delta);
    for (std::size_t i = 0; i < found.size(); ++i) wanted[i][k] = slope[i];
  }
  for (std::size_t i = 0; i < found.size(); ++i) check_parts(found[i], wanted[i], parts, tolerance);
}

/// What work that was done once before may do: run kernels whose labels begin with one of
/// `kernels` on the context's instance, wait at one of `fences`, copy to `copies`; never allocate.
struct Manners {
  std::vector<std::string> kernels, fences, copies = {};

  template <class Work>
  void check(Context<Space> const& context, std::string const& name, Work const& work) const {
    auto const device = device_of(context.space());
    auto const record = KokkosWatch::during(work);
    for (auto const& kernel : record.kernels) {
      INFO("kernel " << kernel.label << " of " << name);
      CHECK(std::any_of(kernels.begin(), kernels.end(),
                        [&](auto const& prefix) { return kernel.label.starts_with(prefix); }));
      CHECK(kernel.device == device);
    }
    CHECK(record.allocations.empty());
    check_listed("fence", name, record.fences, fences);
    check_listed("copy to", name, record.copies, copies);
  }

 private:
  static void check_listed(char const* what, std::string const& name,
                           std::vector<std::string> const& found,
                           std::vector<std::string> const& allowed) {
    for (auto const& label : found) {
      INFO(what << " '" << label << "' in " << name);
      CHECK(std::count(allowed.begin(), allowed.end(), label) == 1);
    }
  }
};

}  // namespace kyrtos::testing
