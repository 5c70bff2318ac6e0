// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/io/token_dataset.hpp>

#include "support/temporary_directory.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstring>
#include <numeric>
#include <set>

// Tokens come back as they were written, mistakes in files are named, and the batch of a step does
// not depend on the number of ranks.

namespace kyrtos::testing {

using Catch::Matchers::ContainsSubstring;
using io::TokenDataset;
using io::TokenFormat;
using io::WindowOrder;

template <class T>
std::string bytes_of(std::vector<T> const& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

/// The header that llm.c puts before its tokens.
inline std::string header(std::int32_t magic, std::int32_t version, std::int32_t count) {
  std::vector<std::int32_t> words(256, 0);
  words[0] = magic;
  words[1] = version;
  words[2] = count;
  return bytes_of(words);
}

inline std::vector<Token> tokens_of(TokenDataset const& data, Index vocabulary = 65536) {
  std::vector<Token> tokens(static_cast<std::size_t>(data.size()));
  data.read(0, tokens, vocabulary);
  return tokens;
}

/// Makes a file of `bytes`, and returns why it is refused.
inline std::string refusal(TemporaryDirectory const& directory, std::string const& bytes) {
  auto const path = directory.write("refused.bin", bytes);
  return failure<FileError>([&] { TokenDataset const data({path}); });
}

TEST_CASE("bytes and both layouts of uint16 tokens", "[token_dataset]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  std::vector<std::uint16_t> const written{0, 50256, 65535, 258, 7};
  std::vector<Token> const expected(written.begin(), written.end());
  auto const plain = directory.write("plain.bin", bytes_of(written));
  auto const headed = directory.write("headed.bin", header(20240520, 1, 5) + bytes_of(written));
  auto const text = directory.write("text.txt", "aé\xff");
  CHECK(tokens_of(TokenDataset({plain})) == expected);
  CHECK(tokens_of(TokenDataset({headed})) == expected);
  CHECK(tokens_of(TokenDataset({text})) == std::vector<Token>{97, 0xC3, 0xA9, 255});
  // The format may be given where the name does not tell it.
  CHECK(tokens_of(TokenDataset({text}, TokenFormat::uint16)) == std::vector<Token>{0xC361, 0xFFA9});
  CHECK(TokenDataset({plain}, TokenFormat::bytes).size() == 10);
}

TEST_CASE("tokens of vocabularies that uint16 can't count", "[token_dataset]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  std::vector<std::uint32_t> const written{0, 128255, 65536, 7};
  std::vector<Token> const expected(written.begin(), written.end());
  auto const plain = directory.write("plain.bin", bytes_of(written));
  auto const headed = directory.write("headed.bin", header(20240801, 7, 4) + bytes_of(written));
  CHECK(tokens_of(TokenDataset({plain}, TokenFormat::uint32), 128256) == expected);
  CHECK(tokens_of(TokenDataset({headed}), 128256) == expected);
  // One beyond int32 is outside of every vocabulary, not negative.
  auto const huge = directory.write("huge.bin", bytes_of(std::vector{0xFFFFFFFFu}));
  CHECK_THAT(
      failure<FileError>([&] { tokens_of(TokenDataset({huge}, TokenFormat::uint32), 128256); }),
      ContainsSubstring("huge.bin: token 4294967295 at position 0"));
}

TEST_CASE("shards are one sequence, in their order", "[token_dataset]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  directory.write("part2.txt", "cde");
  directory.write("part1.txt", "ab");
  auto const last = directory.write("last", "f");
  TokenDataset const data({directory / "part*.txt", last});
  CHECK(tokens_of(data) == std::vector<Token>{'a', 'b', 'c', 'd', 'e', 'f'});
  std::vector<Token> middle(3);
  data.part(1, 5).read(1, middle, 256);
  CHECK(middle == std::vector<Token>{'c', 'd', 'e'});
  auto const [training, validation] = data.split(0.4);
  CHECK(tokens_of(training) == std::vector<Token>{'a', 'b', 'c', 'd'});
  CHECK(tokens_of(validation) == std::vector<Token>{'e', 'f'});
  CHECK_THROWS_AS(validation.read(1, middle, 256), ShapeError);
  CHECK_THROWS_AS(validation.part(0, 3), ShapeError);
}

TEST_CASE("files that are not what they should be", "[token_dataset]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  std::string const tokens(100, 'x');
  CHECK_THAT(refusal(directory, ""), ContainsSubstring("refused.bin: is empty"));
  CHECK_THAT(refusal(directory, "abc"),
             ContainsSubstring("its 3 bytes are no whole number of uint16"));
  CHECK_THAT(refusal(directory, header(20240520, 1, 51) + tokens),
             ContainsSubstring("promises 51 tokens, it holds 50"));
  CHECK_THAT(refusal(directory, header(20240520, 1, 49) + tokens), ContainsSubstring("49"));
  CHECK_THAT(refusal(directory, header(20240520, 2, 50) + tokens), ContainsSubstring("version 2"));
  CHECK_THAT(refusal(directory, header(20240520, 1, 0)), ContainsSubstring("no tokens"));
  CHECK_THAT(refusal(directory, header(20240801, 7, 26) + tokens),
             ContainsSubstring("promises 26 tokens, it holds 25"));
  CHECK_THAT(refusal(directory, header(20240801, 1, 25) + tokens), ContainsSubstring("known is 7"));
  CHECK_THAT(refusal(directory, header(20240801, 7, 1) + "abc"), ContainsSubstring("uint32"));
  CHECK_THAT(failure<FileError>([&] { TokenDataset({directory / "absent*.bin"}); }),
             ContainsSubstring("absent*.bin: No such file"));
  CHECK_THAT(failure<FileError>([&] { TokenDataset({directory.path()}); }),
             ContainsSubstring(directory.path()));
}

TEST_CASE("a token outside the vocabulary is named with file and position", "[token_dataset]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  auto const first = directory.write("first.txt", "abc");
  auto const second = directory.write("second.txt", "ab\xc3");
  TokenDataset const data({first, second});
  CHECK(tokens_of(data, 0xC4).size() == 6);
  CHECK_THAT(failure<FileError>([&] { tokens_of(data, 0xC3); }),
             ContainsSubstring("second.txt: token 195 at position 2"));
}

TEST_CASE("windows lie within the data and cover it", "[token_dataset]") {
  WindowOrder order{.tokens = 21, .length = 4, .batch = 3, .seed = 9};
  std::set<Index> starts;
  for (Index step = 0; step < 200; ++step)
    for (Index row = 0; row < 3; ++row) starts.insert(order.start(step, row));
  CHECK(*starts.begin() == 0);
  CHECK(*starts.rbegin() == 16);  // the last one ends with token 20, its last target
  CHECK(starts.size() == 17);

  order.random = false;  // 5 stretches of 4 tokens; a step takes 3
  std::vector<Index> sequence;
  for (Index step = 0; step < 2; ++step)
    for (Index row = 0; row < 3; ++row) sequence.push_back(order.start(step, row));
  CHECK(sequence == std::vector<Index>{0, 4, 8, 12, 16, 0});
}

TEST_CASE("seeds give other windows", "[token_dataset]") {
  WindowOrder const one{.tokens = 1000000, .length = 4, .batch = 8, .seed = 1};
  WindowOrder other = one;
  other.seed = 2;
  CHECK(one.start(3, 5) == one.start(3, 5));
  CHECK(one.start(3, 5) != other.start(3, 5));
  CHECK(one.start(3, 5) != one.start(4, 5));
}

TEST_CASE("data shorter than a sequence are refused", "[token_dataset]") {
  WindowOrder order{.tokens = 5, .length = 4, .batch = 1, .seed = 1};
  order.check("data.train");
  CHECK(order.start(7, 0) == 0);
  order.tokens = 4;
  CHECK_THAT(failure<ConfigError>([&] { order.check("data.train"); }),
             ContainsSubstring("data.train: 4 tokens are too few for one sequence of 4"));
}

TEST_CASE("targets are inputs one token later", "[token_dataset]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  std::string text(200, '\0');
  std::iota(text.begin(), text.end(), '\0');
  TokenDataset const data({directory.write("count.txt", text)});
  WindowOrder const order{.tokens = data.size(), .length = 7, .batch = 4, .seed = 3};
  std::vector<Token> inputs(28), targets(28);
  read_windows(data, order, 256, 5, 0, 4, inputs, targets);
  for (std::size_t i = 0; i < inputs.size(); ++i) CHECK(targets[i] == inputs[i] + 1);
}

TEST_CASE("ranks' shares together are the batch of one rank", "[token_dataset]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  std::string text(3000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * i % 251);
  TokenDataset const data({directory.write("text.txt", text)});
  for (bool const random : {true, false}) {
    WindowOrder const order{
        .tokens = data.size(), .length = 16, .batch = 4, .seed = 3, .random = random};
    std::vector<Token> inputs(64), targets(64);
    read_windows(data, order, 256, 11, 0, 4, inputs, targets);
    // Each rank reads its part; the sum of the parts at their places is the whole.
    Index const share = 4 / ranks.size(), first = ranks.rank() * share;
    std::vector<Token> part(static_cast<std::size_t>(16 * share)), unused = part;
    read_windows(data, order, 256, 11, first, share, part, unused);
    std::vector<double> sum(64, 0.0);
    std::copy(part.begin(), part.end(), sum.begin() + 16 * first);
    ranks.sum(std::span<double>(sum));
    CHECK(std::equal(sum.begin(), sum.end(), inputs.begin()));
  }
}

}  // namespace kyrtos::testing
