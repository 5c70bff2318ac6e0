// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/random.hpp>
#include <kyrtos/io/safetensors.hpp>

#include "../../src/io/hdf5/number_types.hpp"
#include "io/safetensors_files.hpp"

#include <bit>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <limits>

// Files come back bit by bit, are byte by byte what the format's own library writes, and one that
// is hostile or damaged in any way is refused with its name and the fault.

namespace kyrtos::testing {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using io::NumberType;
using io::SafetensorsFile;

// ---- Numbers -----------------------------------------------------------------------------------

TEST_CASE("all numbers of two bytes come back through float32", "[safetensors]") {
  int other_half = 0, other_bfloat = 0;
  for (unsigned bits = 0; bits < 65536; ++bits) {
    auto const stored = static_cast<std::uint16_t>(bits);
    other_half += io::to_float16(io::from_float16(stored)) != stored ? 1 : 0;
    other_bfloat += io::to_bfloat16(io::from_bfloat16(stored)) != stored ? 1 : 0;
  }
  CHECK(other_half == 0);
  CHECK(other_bfloat == 0);
  CHECK(io::from_float16(0x3C00) == 1);
  CHECK(io::from_float16(0xC500) == -5);
  CHECK(io::from_float16(0x0001) == 0x1p-24F);
  CHECK(io::from_float16(0x7BFF) == 65504);
  CHECK(io::from_bfloat16(0x4049) == 3.140625F);
}

/// How many of some random numbers are not rounded to the nearest, or in a tie to the even, of
/// those that `from` makes of successive bits.
template <class To, class From>
int wrongly_rounded(To const& to, From const& from, float scale) {
  int wrong = 0;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    auto value = scale * static_cast<float>(Philox{7, 1}.normal(i));
    std::uint16_t const bits = to(value);
    // Every fourth number lies in the middle between two.
    if (i % 4 == 0) value = (from(bits) + from(static_cast<std::uint16_t>(bits + 1))) / 2;
    std::uint16_t const rounded = to(value);
    double const error = std::abs(double{from(rounded)} - double{value});
    for (int const step : {-1, 1}) {
      double const other = from(static_cast<std::uint16_t>(rounded + step));
      double const other_error = std::abs(other - double{value});
      bool const is_tie = other_error == error && rounded % 2 == 1;
      wrong += other_error < error || is_tie ? 1 : 0;
    }
  }
  return wrong;
}

TEST_CASE("numbers are rounded to nearest, ties to even", "[safetensors]") {
  for (float const scale : {1e-7F, 1e-5F, 1.0F, 1000.0F})
    CHECK(wrongly_rounded(io::to_float16, io::from_float16, scale) == 0);
  CHECK(wrongly_rounded(io::to_bfloat16, io::from_bfloat16, 1.0F) == 0);
  CHECK(std::isinf(io::from_float16(io::to_float16(65520))));
  CHECK(io::from_float16(io::to_float16(65519.99F)) == 65504);
  CHECK(io::to_float16(-0x1p-25F) == 0x8000);  // a tie with zero
  CHECK(std::isnan(io::from_bfloat16(io::to_bfloat16(std::bit_cast<float>(0x7F800001)))));
}

// ---- Files -------------------------------------------------------------------------------------

TEST_CASE("a file is what the format's own library writes", "[safetensors]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  std::vector<float> const b{1, 2, 3, 4, 5, 6}, a{0.5F};
  auto const fill = [&](std::string const& name, std::span<float> values) {
    auto const& source = name == "b" ? b : a;
    std::copy(source.begin(), source.end(), values.begin());
  };
  io::write_safetensors<float>(directory / "it.safetensors", {{"b", {2, 3}}, {"a", {}}},
                               NumberType::float32, {{"format", "pt"}}, fill);
  std::string const header =
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
      R"("b":{"dtype":"F32","shape":[2,3],"data_offsets":[4,28]}}    )";
  CHECK(header.size() % 8 == 0);
  CHECK(directory.read("it.safetensors") == container(header, raw(a) + raw(b)));
}

TEST_CASE("values of every type come back", "[safetensors]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  std::string const header = R"({"half":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},)"
                             R"("brain":{"data_offsets":[4,8],"shape":[2],"dtype":"BF16"},)"
                             R"("none":{"dtype":"F32","shape":[0,9],"data_offsets":[8,8]},)"
                             R"("double":{"dtype":"F64","shape":[1],"data_offsets":[8,16]},)"
                             R"("mask":{"dtype":"BOOL","shape":[3],"data_offsets":[16,19]}})";
  std::string const data = raw(std::vector<std::uint16_t>{0x3C00, 0xC500, 0x3F80, 0x4049}) +
                           raw(std::vector{0.1}) + "abc";
  SafetensorsFile const file(directory.write("it.safetensors", container(header, data)));
  auto const read = [&]<class Scalar>(char const* name, Scalar) {
    std::vector<Scalar> values(static_cast<std::size_t>(file.find(name)->size()));
    file.read<Scalar>(*file.find(name), values);
    return values;
  };
  CHECK(file.tensors().size() == 5);
  CHECK(read("half", 0.0F) == std::vector{1.0F, -5.0F});
  CHECK(read("brain", 0.0) == std::vector{1.0, 3.140625});
  CHECK(read("double", 0.0) == std::vector{0.1});
  CHECK(read("double", 0.0F) == std::vector{0.1F});
  CHECK(read("none", 0.0F).empty());
  CHECK(file.find("other") == nullptr);
  CHECK_THAT(failure<FileError>([&] { read("mask", 0.0F); }),
             ContainsSubstring("it.safetensors: tensor 'mask' holds BOOL"));
}

TEST_CASE("a type is exact where every bit comes back", "[safetensors]") {
  auto const exact = [](NumberType type, std::vector<double> const& values) {
    return io::holds_exactly(type, std::span<double const>(values));
  };
  CHECK(exact(NumberType::bfloat16, {1, -0.0, 0x1p-126}));
  CHECK_FALSE(exact(NumberType::bfloat16, {1 + 0x1p-8}));
  CHECK(exact(NumberType::float16, {1 + 0x1p-8, 0x1p-24}));
  CHECK_FALSE(exact(NumberType::float16, {0x1p-25}));
  CHECK_FALSE(exact(NumberType::float32, {0.1}));
  CHECK(exact(NumberType::float64, {0.1}));
}

TEST_CASE("a finite number never becomes an infinity", "[safetensors]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  auto const path = directory / "it.safetensors";
  auto const words = failure<FileError>([&] {
    io::write_safetensors<float>(path, {{"big", {1}}}, NumberType::float16, {},
                                 [](auto const&, std::span<float> values) { values[0] = 1e6F; });
  });
  CHECK_THAT(words, ContainsSubstring("tensor 'big' holds 1000000, which is too large for F16"));
  CHECK(directory.read("it.safetensors").empty());
}

// ---- Hostile and damaged files -----------------------------------------------------------------

/// Why a file of these bytes is refused.
inline std::string refusal_of(TemporaryDirectory const& directory, std::string const& bytes) {
  auto const path = directory.write("bad.safetensors", bytes);
  auto const words = failure<FileError>([&] { SafetensorsFile const file(path); });
  if (!words.empty()) CHECK_THAT(words, StartsWith(path + ": "));
  CHECK(words.size() < path.size() + 500);
  return words;
}

TEST_CASE("headers that contradict themselves or the file", "[safetensors]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  auto const tensor = [](std::string const& name, std::string const& shape, std::string offsets) {
    return fmt::format(R"("{}":{{"dtype":"F32","shape":[{}],"data_offsets":[{}]}})", name, shape,
                       offsets);
  };
  auto const object = [](std::string const& inside) { return fmt::format("{{{}}}", inside); };
  struct Bad {
    std::string header, words;
  };
  std::string const fine = tensor("a", "2", "0,8");
  for (auto const& [header, words] : std::vector<Bad>{
           {object(tensor("a", "2", "0,16")), "'a' has 16 bytes, but F32 of [2] has 8"},
           {object(tensor("a", "4", "0,16")), "'a' ends at byte 16 of the data, of which the"},
           {object(tensor("a", "1", "8,4")), "'a' ends at 4 before it begins at 8"},
           {object(tensor("a", "1", "0,4") + "," + tensor("b", "1", "0,4")), "overlaps"},
           {object(tensor("a", "1", "4,8")), "'a' begins 4 bytes after what precedes it"},
           {object(tensor("a", "1", "0,4")), "its last 4 bytes belong to no tensor"},
           {object(fine + "," + fine), "names 'a' twice"},
           {object(tensor("a", "4294967296,4294967296,4", "0,8")), "2^63 bytes or more"},
           {R"({"a":{"dtype":"U8","shape":[4294967296,2147483648,0],"data_offsets":[0,0]}})",
            "2^63 bytes or more"},
           {object(tensor("a", "18446744073709551615", "0,8")), "extent of 18446744073709551615"},
           {object(tensor("a", "18446744073709551616", "0,8")), "no 64-bit integer"},
           {object(tensor("a", "-2", "0,8")), "a negative number where its 'shape'"},
           {object(tensor("a", "2.0", "0,8")), "no 64-bit integer where its 'shape'"},
           {object(tensor("a", "[2]", "0,8")), "a list where its 'shape'"},
           {object(tensor("a", "2", "0,8,8")), "a number where its 'data_offsets'"},
           {object(tensor("a", "2", "0")), "needs two 'data_offsets'"},
           {R"({"a":{"dtype":"F32","shape":[2]}})", "has no 'data_offsets'"},
           {R"({"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})", "the type 'F31'"},
           {R"({"a":{"dtype":3}})", "a number where its 'dtype'"},
           {R"({"a":{"dtype":"F32","dtype":"F32"}})", "gives 'dtype' twice for 'a'"},
           {R"({"a":{"kind":"F32"}})", "has the unknown key 'kind'"},
           {R"({"a":null})", "null where its description"},
           {R"({"__metadata__":{"a":{}}})", "texts only in '__metadata__'"},
           {R"({"__metadata__":[]})", "an object in '__metadata__'"},
           {fmt::format("[{}]", fine), "must begin with '{'"},
           {"", "must begin with '{'"},
           {object(fine) + " x", "is no JSON from its byte"},
           {object(fine).substr(0, fine.size() + 1), "is no JSON from its byte"},
           {"{\"\xff\":{}}", "is no JSON from its byte"}}) {
    INFO(header);
    CHECK_THAT(refusal_of(directory, container(header, std::string(8, 'x'))),
               ContainsSubstring(words));
  }
  CHECK(refusal_of(directory, container(object(fine) + "    ", std::string(8, 'x'))).empty());
  CHECK(refusal_of(directory, container("{}", "")).empty());
}

TEST_CASE("names from a file are shown short and on one line", "[safetensors]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  auto const words = refusal_of(
      directory, container(fmt::format("{{\"{}\":null}}", std::string(100000, 'n')), ""));
  CHECK_THAT(words, ContainsSubstring("nnn…' has null"));
  CHECK_THAT(refusal_of(directory, container(R"({"\n\u001b[2J":null})", "")),
             ContainsSubstring("tensor '??[2J' has"));
}

TEST_CASE("lengths that no header has, and depths", "[safetensors]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  auto const with_length = [&](std::uint64_t length) {
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &length, 8);
    return refusal_of(directory, bytes + "{}");
  };
  auto const most = std::numeric_limits<std::uint64_t>::max();
  for (std::uint64_t const length :
       {most, most - 7, std::uint64_t{1} << 63, std::uint64_t{100000001}})
    CHECK_THAT(with_length(length), ContainsSubstring("at most 100000000 bytes"));
  CHECK_THAT(with_length(100000000), ContainsSubstring("the file ends after 2 of them"));
  CHECK_THAT(with_length(3), ContainsSubstring("the file ends after 2 of them"));
  CHECK(with_length(2).empty());
  CHECK_THAT(
      refusal_of(directory, container(fmt::format("{{\"a\":{}", std::string(1000000, '[')), "")),
      ContainsSubstring("'a' has a list where its description"));
}

TEST_CASE("every prefix of a file is refused, and every longer file", "[safetensors]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  auto const whole = container(R"({"a":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]}})",
                               std::string(12, 'x'));
  CHECK(refusal_of(directory, whole).empty());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    CHECK_FALSE(refusal_of(directory, whole.substr(0, size)).empty());
  }
  CHECK_FALSE(refusal_of(directory, whole + "x").empty());
  CHECK_THAT(failure<FileError>([&] { SafetensorsFile(directory / "absent"); }),
             ContainsSubstring("absent: can't be opened: No such file"));
  CHECK_FALSE(failure<FileError>([&] { SafetensorsFile{directory.path()}; }).empty());
}

}  // namespace kyrtos::testing
