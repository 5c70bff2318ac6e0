// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/parallel/shards.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

namespace kyrtos::testing::shards {

inline std::vector<Shards::Range> parts_of(std::vector<Index> const& sizes) {
  std::vector<Shards::Range> parts;
  Index offset = 0;
  for (Index const size : sizes) {
    parts.push_back({offset, size});
    offset += size;
  }
  return parts;
}

TEST_CASE("every element lies on one rank, and pieces follow each other there", "[shards]") {
  auto const ranks = GENERATE(1, 2, 3, 4, 7);
  auto const parts = parts_of({10, 4, 7, 7, 1});
  std::vector<int> owners(29, 0);
  for (int rank = 0; rank < ranks; ++rank) {
    Shards const shards(parts, rank, ranks);
    CHECK(shards.size() == 29);
    std::vector<int> used(static_cast<std::size_t>(shards.local_size()), 0);
    for (auto const& piece : shards.pieces({0, 29}))
      for (Index i = 0; i < piece.size; ++i) {
        ++owners[static_cast<std::size_t>(piece.offset + i)];
        ++used.at(static_cast<std::size_t>(piece.local + i));
      }
    for (int const n : used) CHECK(n <= 1);
    if (ranks == 1) CHECK(shards.local_size() == 29);
  }
  for (int const n : owners) CHECK(n == 1);
}

TEST_CASE("a range's pieces are those of the whole within it", "[shards]") {
  Shards const shards(parts_of({10, 4, 7}), 1,
                      3);  // pieces 4, 2, 3: this rank has 4-7, 12-13, 17-19
  auto const pieces = shards.pieces({5, 13});
  REQUIRE(pieces.size() == 3);
  CHECK((pieces[0].offset == 5 && pieces[0].local == 1 && pieces[0].size == 3));
  CHECK((pieces[1].offset == 12 && pieces[1].local == 4 && pieces[1].size == 2));
  CHECK((pieces[2].offset == 17 && pieces[2].local == 6 && pieces[2].size == 1));
  CHECK(shards.pieces({8, 4}).empty());
}

TEST_CASE("parts are found by what lies in them", "[shards]") {
  Shards const shards(parts_of({10, 4, 7}), 0, 2);
  CHECK(shards.part_of({0, 10}) == 0);
  CHECK(shards.part_of({10, 4}) == 1);
  CHECK(shards.part_of({13, 1}) == 1);
  CHECK(shards.part_of({20, 1}) == 2);
  CHECK_THROWS_AS(shards.part_of({13, 2}), ShapeError);
  CHECK_THROWS_AS(shards.part_of({20, 2}), ShapeError);
  CHECK_THROWS_AS(Shards({{0, 3}, {4, 2}}, 0, 2), ShapeError);
}

TEST_CASE("blocks of one kind are cut alike", "[shards]") {
  Shards const shards(parts_of({5, 11, 6, 11, 6}), 2, 4);
  auto const one = shards.pieces({5, 17}), other = shards.pieces({22, 17});
  REQUIRE(one.size() == other.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    CHECK(other[i].offset - one[i].offset == 17);
    CHECK(other[i].size == one[i].size);
  }
}

}  // namespace kyrtos::testing::shards
