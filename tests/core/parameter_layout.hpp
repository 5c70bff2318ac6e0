// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/parameter_layout.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

namespace kyrtos::testing::parameter_layout {

inline std::vector<SegmentSpec> linear(Index in, Index out) {
  return {{"weight", {out, in}, {Initialization::Kind::normal, 0.02}, true}, {"bias", {out}}};
}

inline ParameterLayout two_blocks() {
  ParameterLayout layout;
  layout.append("embedding", {{"weight", {10, 3}}});
  for (std::string const block : {"blocks.0", "blocks.1"}) {
    layout.append(block + ".attention.qkv", linear(3, 9));
    layout.append(block + ".mlp.up", linear(3, 12));
  }
  return layout;
}

TEST_CASE("segments follow each other without gaps, in the order of appending", "[layout]") {
  auto const layout = two_blocks();
  Index end = 0;
  for (auto const& segment : layout.segments()) {
    CHECK(segment.offset == end);
    CHECK(segment.size == count_elements(segment.shape));
    end += segment.size;
  }
  CHECK(layout.size() == end);
  CHECK(end == 30 + 2 * (27 + 9 + 36 + 12));
  CHECK(layout.segments()[1].name == "blocks.0.attention.qkv.weight");
  CHECK(layout.segments()[2].name == "blocks.0.attention.qkv.bias");
}

TEST_CASE("append returns the range of what it appended", "[layout]") {
  ParameterLayout layout;
  auto const first = layout.append("a", linear(3, 9));
  auto const second = layout.append("b", linear(9, 2));
  auto const none = layout.append("c", {});
  CHECK((first.offset == 0 && first.size == 36));
  CHECK((second.offset == 36 && second.size == 20));
  CHECK((none.offset == 56 && none.size == 0));
}

TEST_CASE("a segment keeps its shape, initialisation and decay", "[layout]") {
  auto const layout = two_blocks();
  auto const& weight = layout.find("blocks.1.mlp.up.weight");
  CHECK(weight.shape == std::vector<Index>{12, 3});
  CHECK(weight.initial.kind == Initialization::Kind::normal);
  CHECK(weight.initial.scale == 0.02);
  CHECK(weight.decay);
  CHECK_FALSE(layout.find("blocks.1.mlp.up.bias").decay);
}

TEST_CASE("an unknown segment is an error that names the nearest known one", "[layout]") {
  auto const layout = two_blocks();
  using Catch::Matchers::ContainsSubstring;
  CHECK_THROWS_AS(layout.find("nothing like it"), ConfigError);
  CHECK_THROWS_WITH(layout.find("blocks.1.attention.qvk.bias"),
                    ContainsSubstring("'blocks.1.attention.qvk.bias'") &&
                        ContainsSubstring("did you mean 'blocks.1.attention.qkv.bias'"));
}

TEST_CASE("match takes shell patterns", "[layout]") {
  auto const layout = two_blocks();
  CHECK(layout.match("*").size() == layout.segments().size());
  CHECK(layout.match("blocks.1.*").size() == 4);
  CHECK(layout.match("blocks.?.mlp.*").size() == 4);
  CHECK(layout.match("nothing").empty());
  auto const found = layout.match("blocks.*.attention.*.bias");
  REQUIRE(found.size() == 2);
  CHECK(found[0].name == "blocks.0.attention.qkv.bias");
  CHECK(found[1].name == "blocks.1.attention.qkv.bias");
}

TEST_CASE("the number of elements of a tensor does not overflow 32 bits", "[layout]") {
  CHECK(count_elements({}) == 1);
  CHECK(count_elements({3, 0}) == 0);
  CHECK(count_elements({128'256, 16'384, 2}) == 4'202'692'608);
}

}  // namespace kyrtos::testing::parameter_layout
