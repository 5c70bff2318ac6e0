// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/random.hpp>
#include <kyrtos/io/token_dataset.hpp>

#include "support/temporary_directory.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
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
  CHECK_THAT(refusal(directory, "a\1c"),
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
             ContainsSubstring("absent*.bin: can't be opened: No such file"));
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

// ---- What the file says ------------------------------------------------------------------------

/// Tokens as some vocabulary of so many gives them.
template <class T>
std::vector<T> some_tokens(std::size_t count, std::uint64_t vocabulary = 50257) {
  std::vector<T> tokens(count);
  for (std::size_t i = 0; i < count; ++i)
    tokens[i] = static_cast<T>(Philox{4, 4}.bits(i) % vocabulary);
  return tokens;
}

/// A NumPy file with this header, as numpy.save() pads it.
inline std::string npy(std::string const& type, std::string const& shape, std::string const& values,
                       int version = 1, std::string const& order = "False") {
  auto text = "{'descr': " + type + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }";
  text.resize((text.size() / 64 + 1) * 64, ' ');
  std::string head = "\x93NUMPY" + std::string{static_cast<char>(version), '\0'};
  head += static_cast<char>(text.size());
  head += std::string(version == 1 ? 1 : 3, '\0');
  return head + text + values;
}

TEST_CASE("NumPy arrays are read as what they say, whatever their name and format",
          "[token_dataset]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  std::vector<Token> const expected{0, 50256, 7, 65535};
  auto const check = [&]<class T>(T, std::string const& type) {
    auto const values = bytes_of(std::vector<T>(expected.begin(), expected.end()));
    for (int const version : {1, 2, 3})
      for (std::string const name : {"x.npy", "x.bin", "x"}) {
        auto const path = directory.write(name, npy("'" + type + "'", "(4,)", values, version));
        CHECK(tokens_of(TokenDataset({path})) == expected);
        CHECK(tokens_of(TokenDataset({path}, TokenFormat::uint32)) == expected);
      }
  };
  check(std::uint16_t{}, "<u2");
  check(std::uint32_t{}, "<u4");
  check(std::int32_t{}, "<i4");
  check(std::int64_t{}, "<i8");
}

TEST_CASE("NumPy arrays that hold no tokens", "[token_dataset]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  std::string const eight(8, '\1');
  auto const fault = [&](std::string const& bytes) { return refusal(directory, bytes); };
  CHECK_THAT(fault(npy("'<f4'", "(2,)", eight)),
             ContainsSubstring("says '<f4'; tokens are uint16"));
  CHECK_THAT(fault(npy("'>u2'", "(4,)", eight)), ContainsSubstring("says '>u2'"));
  CHECK_THAT(fault(npy("[('a', '<u2')]", "(4,)", eight)), ContainsSubstring("several fields"));
  CHECK_THAT(fault(npy("'<u2'", "(2, 2)", eight)),
             ContainsSubstring("2 dimensions; tokens have one"));
  CHECK_THAT(fault(npy("'<u2'", "(2, 2)", eight, 1, "True")), ContainsSubstring("Fortran's order"));
  CHECK_THAT(fault(npy("'<u2'", "()", eight)), ContainsSubstring("0 dimensions"));
  CHECK_THAT(fault(npy("'<u2'", "(5,)", eight)),
             ContainsSubstring("promises 5 tokens, the file holds 4"));
  CHECK_THAT(fault(npy("'<u2'", "(3,)", eight)), ContainsSubstring("promises 3 tokens"));
  CHECK_THAT(fault(npy("'<i8'", "(1,)", eight + "x")),
             ContainsSubstring("no whole number of int64"));
  CHECK_THAT(fault(npy("'<u2'", "(0,)", "")), ContainsSubstring("holds no tokens"));
  CHECK_THAT(fault(npy("'<u2'", "(4,)", eight, 4)), ContainsSubstring("version 4 of NumPy's"));
  CHECK_THAT(fault(npy("'<u2'", "(4,)", eight).substr(0, 40)), ContainsSubstring("is cut off"));
  CHECK_THAT(fault("\x93NUMPY\1"), ContainsSubstring("refused.bin: its NumPy header"));
  // A negative token is outside of every vocabulary.
  TokenDataset const negative(
      {directory.write("n.npy", npy("'<i4'", "(2,)", bytes_of(std::vector{3, -1})))});
  CHECK_THAT(failure<FileError>([&] { tokens_of(negative); }),
             ContainsSubstring("token -1 at position 1"));
  CHECK_THAT(failure<FileError>([&] { TokenDataset({directory.write("not.npy", "abc")}); }),
             ContainsSubstring("looks like plain text, but a NumPy array"));
}

TEST_CASE("tokens read at another width than they were written at", "[token_dataset]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  auto const fault = [&](std::string const& bytes, TokenFormat format, Index vocabulary,
                         char const* name = "t.bin") {
    TokenDataset const data({directory.write(name, bytes)}, format);
    return failure<FileError>([&] { data.check(vocabulary); });
  };
  auto const automatic = TokenFormat::automatic;
  // Of a vocabulary of characters, of GPT-2 and of a large one.
  for (std::uint64_t const vocabulary : {65, 50257, 200019}) {
    INFO(vocabulary);
    auto const wide = bytes_of(some_tokens<std::uint32_t>(1000, vocabulary));
    auto const widest = bytes_of(some_tokens<std::int64_t>(1000, vocabulary));
    for (auto const format : {automatic, TokenFormat::uint16}) {
      CHECK_THAT(fault(wide, format, 50257),
                 ContainsSubstring("tokens of uint32, not uint16: set data.format = \"tokens32\""));
      CHECK_THAT(fault(widest, format, 50257),
                 ContainsSubstring("tokens of int64, not uint16: set data.format = \"tokens64\""));
    }
    CHECK_THAT(fault(widest, TokenFormat::uint32, 200019),
               ContainsSubstring("tokens of int64, not uint32: set data.format = \"tokens64\""));
    CHECK_THAT(fault(wide, automatic, 256, "t.dat"), ContainsSubstring("\"tokens32\""));
    CHECK(fault(wide, TokenFormat::uint32, 200019).empty());
    CHECK(fault(widest, TokenFormat::int64, 200019).empty());
  }
  for (std::uint64_t const vocabulary : {2, 5, 16, 17, 65, 256, 257, 50257}) {
    INFO(vocabulary);
    auto const right = bytes_of(some_tokens<std::uint16_t>(1000, vocabulary));
    CHECK(fault(right, automatic, 50257).empty());
    CHECK(fault(bytes_of(some_tokens<std::uint32_t>(1000, vocabulary)), TokenFormat::uint32, 50257)
              .empty());
  }
  auto const narrow = bytes_of(some_tokens<std::uint16_t>(1000));
  CHECK_THAT(
      fault(narrow, TokenFormat::uint32, 50257),
      ContainsSubstring("at position 0 is outside model.vocabulary = 50257; it is read as uint32"));
  // An array says what it holds: here, that every second token is zero.
  auto const spaced = some_tokens<std::uint32_t>(1000);
  CHECK_FALSE(fault(bytes_of(spaced), automatic, 65536).empty());
  CHECK(fault(npy("'<u2'", "(2000,)", bytes_of(spaced)), automatic, 65536).empty());
}

TEST_CASE("tokens are compared with the vocabulary before they are used", "[token_dataset]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  auto tokens = some_tokens<std::uint16_t>(100000);
  tokens[99998] = 50257;
  auto const path = directory.write("late.bin", bytes_of(tokens));
  TokenDataset const data({path});
  CHECK_THAT(failure<FileError>([&] { data.check(50257); }),
             ContainsSubstring("late.bin: token 50257 at position 99998 is outside model.voc"));
  CHECK(failure<FileError>([&] { data.part(0, 99998).check(50257); }).empty());
  CHECK(failure<FileError>([&] { data.check(50258); }).empty());
  // Beyond 64 MiB samples must do; what lies between them is found when it is read.
  auto const large = directory / "large.bin";
  ranks.barrier();
  if (ranks.is_root()) {
    auto const first = bytes_of(some_tokens<std::uint16_t>(1000));
    std::ofstream(large, std::ios::binary) << first;
    std::filesystem::resize_file(large, 80 << 20);
    std::fstream file(large, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(1000000).write("\xff\xff", 2).seekp((80 << 20) - 2).write("\xfe\xff", 2);
  }
  ranks.barrier();
  TokenDataset const sampled({large});
  CHECK_THAT(failure<FileError>([&] { sampled.check(50257); }),
             ContainsSubstring("token 65534 at position 41943039"));
  CHECK(failure<FileError>([&] { sampled.check(65535); }).empty());
  std::vector<Token> window(5);
  CHECK_THAT(failure<FileError>([&] { sampled.read(499998, window, 65535); }),
             ContainsSubstring("token 65535 at position 500000"));
}

TEST_CASE("data of one token alone are refused", "[token_dataset]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  auto const fault = [&](std::string const& bytes, TokenFormat format = TokenFormat::automatic) {
    TokenDataset const data({directory.write("one.bin", bytes)}, format);
    return failure<FileError>([&] { data.check(256); });
  };
  std::string const zeros(1000, '\0'), one_letter(100, 'x');
  CHECK_THAT(fault(zeros), ContainsSubstring("one.bin: all 500 tokens that were looked at are 0"));
  for (auto const format : {TokenFormat::uint32, TokenFormat::int64})
    CHECK_THAT(fault(zeros, format), ContainsSubstring("nothing to learn"));
  CHECK_THAT(fault(one_letter, TokenFormat::bytes), ContainsSubstring("100 tokens"));
  CHECK_THAT(fault(npy("'|u1'", "(100,)", one_letter)), ContainsSubstring("are 120"));
  CHECK(fault(zeros.substr(0, 998) + std::string("\1\0", 2)).empty());
  CHECK(fault(std::string(63, 'x'), TokenFormat::bytes).empty());  // the end of a small text
}

TEST_CASE("bytes are tokens of a vocabulary of 256", "[token_dataset]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  auto const text = directory.write("text.txt", "some words");
  for (auto const format : {TokenFormat::automatic, TokenFormat::bytes}) {
    TokenDataset const data({text}, format);
    CHECK(failure<FileError>([&] { data.check(256); }).empty());
    for (Index const other : {128, 257, 50257})
      CHECK_THAT(failure<FileError>([&] { data.check(other); }),
                 ContainsSubstring("text.txt: is read as bytes, of which there are 256"));
  }
  CHECK_THAT(failure<FileError>([&] { TokenDataset({text}, TokenFormat::uint16); }),
             ContainsSubstring("looks like plain text, but a file of tokens is needed"));
}

TEST_CASE("a file that becomes shorter while it is used is an error", "[token_dataset]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  std::vector<std::string> many;
  for (int i = 0; i < 300; ++i)  // more than are kept open
    many.push_back(directory.write("part" + std::to_string(i) + ".txt", std::string(100, 'a')));
  TokenDataset const data(many);
  CHECK(tokens_of(data) == std::vector<Token>(30000, 'a'));
  ranks.barrier();
  if (ranks.is_root())
    for (int const part : {3, 299})
      std::filesystem::resize_file(many[static_cast<std::size_t>(part)], 50);
  ranks.barrier();
  std::vector<Token> window(10);
  for (int const part : {3, 299})
    for (Index const at : {0, 80})
      CHECK_THAT(
          failure<FileError>([&] { data.read(100 * part + at, window, 256); }),
          ContainsSubstring("part" + std::to_string(part) + ".txt: has 50 bytes, but had 100"));
  data.read(400, window, 256);
}

TEST_CASE("file names with brackets mean themselves where there is such a file",
          "[token_dataset]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  for (std::string const name : {"a[1]*.txt", "a1x.txt", "b1.txt", "b2.txt"})
    directory.write(name, name);
  auto const text_of = [&](std::string const& pattern) {
    auto const tokens = tokens_of(TokenDataset({directory / pattern}));
    return std::string(tokens.begin(), tokens.end());
  };
  CHECK(text_of("a[1]*.txt") == "a[1]*.txt");
  CHECK(text_of("a[1]?.txt") == "a1x.txt");
  CHECK(text_of("b[12].txt") == "b1.txtb2.txt");
  CHECK_THAT(failure<FileError>([&] { text_of("c[12].txt"); }),
             ContainsSubstring("c[12].txt: can't be opened: No such file"));
}

// ---- Windows -----------------------------------------------------------------------------------

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

TEST_CASE("targets count behind one token, up to another", "[token_dataset]") {
  auto const marked = [](io::CountedTargets const& counted, std::string const& text) {
    std::vector<Token> const inputs(text.begin(), text.end() - 1);
    std::vector<Token> targets(text.begin() + 1, text.end());
    Index const count = counted.mark(inputs, targets);
    std::string shown;
    for (Token const t : targets) shown += t < 0 ? '.' : static_cast<char>(t);
    CHECK(count == static_cast<Index>(shown.size()) - std::count(shown.begin(), shown.end(), '.'));
    return shown;
  };
  CHECK(marked({.after = '=', .until = ';'}, "12+3=15;4+9=13;7") == "....15;....13;.");
  CHECK(marked({.after = '='}, "12+3=15;4+9=13;7") == "....15;4+9=13;7");
  CHECK(marked({.after = '=', .until = ';'}, "5;1+1=2;") == ".....2;");  // begins in an answer
  CHECK(marked({.after = ';', .until = ';'}, "ab;cd;ef") == "..cd;ef");
  CHECK(marked({.after = '='}, "12+34") == "....");
  CHECK(marked({}, "12+34") == "2+34");
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
