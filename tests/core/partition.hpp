// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/partition.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

namespace kyrtos::testing::partition {

inline std::vector<Partition::Range> parts_of(std::vector<Index> const& sizes) {
  std::vector<Partition::Range> parts;
  Index offset = 0;
  for (Index const size : sizes) {
    parts.push_back({offset, size});
    offset += size;
  }
  return parts;
}

TEST_CASE("every element lies on one rank, and slices follow each other there", "[partition]") {
  auto const ranks = GENERATE(1, 2, 3, 4, 7);
  auto const parts = parts_of({10, 4, 7, 7, 1});
  std::vector<int> owners(29, 0);
  for (int rank = 0; rank < ranks; ++rank) {
    Partition const partition(parts, rank, ranks);
    CHECK(partition.size() == 29);
    std::vector<int> used(static_cast<std::size_t>(partition.local_size()), 0);
    for (auto const& slice : partition.slices({0, 29}))
      for (Index i = 0; i < slice.size; ++i) {
        ++owners[static_cast<std::size_t>(slice.offset + i)];
        ++used.at(static_cast<std::size_t>(slice.local + i));
      }
    for (int const n : used) CHECK(n <= 1);
    if (ranks == 1) CHECK(partition.local_size() == 29);
  }
  for (int const n : owners) CHECK(n == 1);
}

TEST_CASE("a range's slices are those of the whole within it", "[partition]") {
  Partition const partition(parts_of({10, 4, 7}), 1,
                            3);  // slices 4, 2, 3: this rank has 4-7, 12-13, 17-19
  auto const slices = partition.slices({5, 13});
  REQUIRE(slices.size() == 3);
  CHECK((slices[0].offset == 5 && slices[0].local == 1 && slices[0].size == 3));
  CHECK((slices[1].offset == 12 && slices[1].local == 4 && slices[1].size == 2));
  CHECK((slices[2].offset == 17 && slices[2].local == 6 && slices[2].size == 1));
  CHECK(partition.slices({8, 4}).empty());
}

TEST_CASE("parts are found by what lies in them", "[partition]") {
  Partition const partition(parts_of({10, 4, 7}), 0, 2);
  CHECK(partition.part_of({0, 10}) == 0);
  CHECK(partition.part_of({10, 4}) == 1);
  CHECK(partition.part_of({13, 1}) == 1);
  CHECK(partition.part_of({20, 1}) == 2);
  CHECK_THROWS_AS(partition.part_of({13, 2}), ShapeError);
  CHECK_THROWS_AS(partition.part_of({20, 2}), ShapeError);
  CHECK_THROWS_AS(Partition({{0, 3}, {4, 2}}, 0, 2), ShapeError);
}

TEST_CASE("blocks of one kind are cut alike", "[partition]") {
  Partition const partition(parts_of({5, 11, 6, 11, 6}), 2, 4);
  auto const one = partition.slices({5, 17}), other = partition.slices({22, 17});
  REQUIRE(one.size() == other.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    CHECK(other[i].offset - one[i].offset == 17);
    CHECK(other[i].size == one[i].size);
  }
}

}  // namespace kyrtos::testing::partition
