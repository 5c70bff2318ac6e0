// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/random.hpp>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstdint>

namespace kyrtos::testing::random {

using Words = std::array<std::uint32_t, 4>;

/// Philox-4x32-10 of a counter and a key in the order of words of the publication.
inline Words philox(Words counter, std::array<std::uint32_t, 2> key) {
  auto const join = [](std::uint32_t low, std::uint32_t high) {
    return static_cast<std::uint64_t>(high) << 32 | low;
  };
  auto const b = Philox{join(key[0], key[1]), join(counter[2], counter[3])}.block(
      join(counter[0], counter[1]));
  return {b.word[0], b.word[1], b.word[2], b.word[3]};
}

TEST_CASE("Philox-4x32-10 gives its authors' known answers", "[random]") {
  // Random123, file kat_vectors, lines "philox4x32 10": zeros, ones, the digits of π.
  std::uint32_t const f = 0xffffffff;
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({f, f, f, f}, {f, f}) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

/// Means over many draws; a mean of n values of standard deviation s errs by s/√n, and five of
/// that is exceeded once in a million (here never: the numbers are fixed).
struct Mean {
  static constexpr int draws = 200'000;

  template <class Draw>
  static double of(Draw const& draw) {
    double total = 0;
    for (int i = 0; i < draws; ++i) total += draw(static_cast<std::uint64_t>(i));
    return total / draws;
  }
  static double error(double standard_deviation) {
    return 5 * standard_deviation / std::sqrt(double(draws));
  }
};

TEST_CASE("normals have the moments 0, 1, 0 and 3", "[random]") {
  Philox const philox{2026, 7};
  auto const moment = [&](int order) {
    return Mean::of([&](std::uint64_t i) { return std::pow(philox.normal(i), order); });
  };
  // Var z^k = E z^2k - (E z^k)²: 1, 2, 15, 96.
  CHECK(std::abs(moment(1)) < Mean::error(1));
  CHECK(std::abs(moment(2) - 1) < Mean::error(std::sqrt(2.0)));
  CHECK(std::abs(moment(3)) < Mean::error(std::sqrt(15.0)));
  CHECK(std::abs(moment(4) - 3) < Mean::error(std::sqrt(96.0)));
}

TEST_CASE("uniforms are even over (0, 1)", "[random]") {
  Philox const philox{2026, 8};
  constexpr int bins = 64;
  std::array<int, bins> count{};
  for (int i = 0; i < Mean::draws; ++i) {
    double const u = philox.uniform(static_cast<std::uint64_t>(i));
    REQUIRE((u > 0 && u < 1));
    ++count[static_cast<std::size_t>(u * bins)];
  }
  double const expected = static_cast<double>(Mean::draws) / bins;
  double chi_squared = 0;
  for (int const n : count) chi_squared += (n - expected) * (n - expected) / expected;
  // Of mean 63 and variance 126.
  CHECK(std::abs(chi_squared - (bins - 1)) < 5 * std::sqrt(2.0 * (bins - 1)));
}

TEST_CASE("signs are fair; streams, seeds and indices do not correlate", "[random]") {
  Philox const philox{2026, 9}, other_stream{2026, 10}, other_seed{2027, 9};
  CHECK(std::abs(Mean::of([&](std::uint64_t i) { return philox.sign(i); })) < Mean::error(1));
  auto const correlation = [&](auto const& other) {
    return Mean::of([&](std::uint64_t i) { return philox.normal(i) * other(i); });
  };
  CHECK(std::abs(correlation([&](auto i) { return other_stream.normal(i); })) < Mean::error(1));
  CHECK(std::abs(correlation([&](auto i) { return other_seed.normal(i); })) < Mean::error(1));
  CHECK(std::abs(correlation([&](auto i) { return philox.normal(i + 1); })) < Mean::error(1));
}

TEST_CASE("a value is a function of seed, stream and index alone", "[random]") {
  Philox const a{1, 2}, b{1, 2};
  CHECK(a.bits(std::uint64_t{1} << 40) == b.bits(std::uint64_t{1} << 40));
  CHECK(a.bits(0) != a.bits(std::uint64_t{1} << 40));  // all 64 bits of the index count
  CHECK(Philox{1, std::uint64_t{1} << 40}.bits(0) != Philox{1, 0}.bits(0));
  CHECK(Philox{std::uint64_t{1} << 40, 2}.bits(0) != Philox{0, 2}.bits(0));
}

}  // namespace kyrtos::testing::random
