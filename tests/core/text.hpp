// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/text.hpp>

#include <catch2/catch_test_macros.hpp>

namespace kyrtos::testing::text {

inline std::string const depth = "; did you mean 'depth'?";

TEST_CASE("errors show a line of what a file says", "[text]") {
  CHECK(shown("model.depth") == "model.depth");
  CHECK(shown("a\nb\x7f") == "a?b?");
  CHECK(shown("abcdef", 6) == "abcdef");
  CHECK(shown("abcdef", 5) == "abcde…");
  CHECK(shown("abcλλ", 4) == "abc…");  // no half of a character
  CHECK(shown(std::string(5000, 'x')).size() == 103);
}

TEST_CASE("one edit away is near: a character replaced, missing, or too many", "[text]") {
  for (auto const* const name : {"depht", "dept", "ddepth", "depth_", "epth", "Depth", "depth"})
    CHECK(did_you_mean(name, {"width", "depth", "heads"}) == depth);
}

TEST_CASE("the nearest is suggested, of equally near ones the first", "[text]") {
  CHECK(did_you_mean("batch_siz", {"batch_time", "batch_size", "batch"}) ==
        "; did you mean 'batch_size'?");
  CHECK(did_you_mean("bear", {"tear", "beat", "pear"}) == "; did you mean 'tear'?");
}

TEST_CASE("what is further than a third of the name is not suggested", "[text]") {
  CHECK(did_you_mean("momentum", {"decay", "rate"}).empty());
  // Three edits: near for nine characters and more, too far below.
  CHECK(did_you_mean("abcdefxyz", {"abcdef"}) == "; did you mean 'abcdef'?");
  CHECK(did_you_mean("abcdexyz", {"abcde"}).empty());
  // Two are always near.
  CHECK(did_you_mean("ab", {"cd"}) == "; did you mean 'cd'?");
  CHECK(did_you_mean("ab", {"cde"}).empty());
}

TEST_CASE("without candidates there is no suggestion", "[text]") {
  CHECK(did_you_mean("depth", {}).empty());
  CHECK(did_you_mean("", {"depth"}).empty());
}

TEST_CASE("a distance is the fewest edits, wherever they are", "[text]") {
  // kitten → sitten → sittin → sitting: 3, within a third of 9 but not of 6.
  CHECK(did_you_mean("kitten", {"sitting"}).empty());
  CHECK(did_you_mean("kitten...", {"sitting..."}) == "; did you mean 'sitting...'?");
  CHECK(did_you_mean("saturday!", {"sunday!"}) == "; did you mean 'sunday!'?");
}

}  // namespace kyrtos::testing::text
