// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/random.hpp>
#include <kyrtos/optim/outlier_detector.hpp>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>
#include <vector>

namespace kyrtos::testing::outlier_detector {

using optim::OutlierDetector;

TEST_CASE("z-scores against the window before, in closed form", "[outlier_detector]") {
  OutlierDetector detector(4);
  CHECK(detector.score(1) == 0);
  CHECK(detector.score(3) == 0);
  CHECK(detector.score(5) == 3);  // mean 2, deviation 1
  CHECK(detector.score(3) == 0);  // mean 3
  // 1, 3, 5, 3: mean 3, deviation √2
  CHECK(std::abs(detector.score(-1) + 4 / std::sqrt(2.0)) < 1e-15);
  CHECK(detector.values() == std::deque<double>{3, 5, 3, -1});
}

TEST_CASE("z-scores slide along with the window", "[outlier_detector]") {
  constexpr std::size_t window = 16;
  OutlierDetector detector(window);
  std::vector<double> all;
  for (std::uint64_t k = 0; k < 100; ++k) {
    double const value = 1e4 + Philox{1, 1}.normal(k);
    double const z = detector.score(value);
    std::size_t const n = std::min(window, all.size());
    if (n < window / 2) {
      CHECK(z == 0);
    } else {
      double mean = 0, variance = 0;
      for (std::size_t i = all.size() - n; i < all.size(); ++i)
        mean += all[i] / static_cast<double>(n);
      for (std::size_t i = all.size() - n; i < all.size(); ++i)
        variance += (all[i] - mean) * (all[i] - mean) / static_cast<double>(n);
      CHECK(std::abs(z - (value - mean) / std::sqrt(variance)) < 1e-9);
      CHECK(z != 0);
    }
    all.push_back(value);
  }
  CHECK(detector.values().size() == window);
}

TEST_CASE("a window of equal values says nothing, whatever they are", "[outlier_detector]") {
  for (double const value : {0.0, 0.1, 1.0 / 3, -7e20}) {
    OutlierDetector detector(128);
    for (int k = 0; k < 128; ++k) CHECK(detector.score(value) == 0);
    CHECK(detector.score(2 * value + 1) == 0);
    CHECK(detector.score(value) != 0);  // now they differ
  }
}

TEST_CASE("what is not finite has no z-score and does not join", "[outlier_detector]") {
  OutlierDetector detector(2);
  detector.score(1);
  detector.score(3);
  double const infinity = std::numeric_limits<double>::infinity();
  for (double const value : {infinity, -infinity, std::numeric_limits<double>::quiet_NaN()})
    CHECK(detector.score(value) == 0);
  CHECK(detector.score(4) == 2);
}

TEST_CASE("a detector goes on after a restart", "[outlier_detector]") {
  OutlierDetector detector(8), restarted(8);
  for (std::uint64_t k = 0; k < 20; ++k) detector.score(Philox{2, 2}.normal(k));
  restarted.restore(detector.values());
  for (double const value : {0.3, -5.0, 0.1})
    CHECK(detector.score(value) == restarted.score(value));
}

}  // namespace kyrtos::testing::outlier_detector
