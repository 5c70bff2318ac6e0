// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/random.hpp>

#include "fuzz.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sys/resource.h>

// Fuzzing where there is no libFuzzer: the seeds, and changes of them that are the same in each
// run. `PROGRAM COUNT` tries so many; `PROGRAM --seeds DIRECTORY` writes the seeds for libFuzzer;
// `PROGRAM FILE…` tries files, for instance what libFuzzer found.

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);

namespace kyrtos::fuzz {

namespace {

/// Random numbers in their order.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_{seed, 0x66757a7a} {}
  std::size_t below(std::size_t end) {
    return random_.bits(next_++) % std::max<std::size_t>(end, 1);
  }

 private:
  Philox random_;
  std::uint64_t next_ = 0;
};

/// Numbers at which sizes and counts go wrong.
std::string nasty_number(Dice& dice) {
  static constexpr std::uint64_t values[] = {0,
                                             1,
                                             0x7F,
                                             0x80,
                                             0xFF,
                                             0x7FFF,
                                             0xFFFF,
                                             0x7FFFFFFF,
                                             0x80000000,
                                             0xFFFFFFFF,
                                             0x7FFFFFFFFFFFFFFF,
                                             0x8000000000000000,
                                             0xFFFFFFFFFFFFFFFF};
  auto const value = values[dice.below(std::size(values))];
  if (dice.below(2) == 0) return std::to_string(value);
  std::string bytes(std::size_t{1} << dice.below(4), '\0');
  std::memcpy(bytes.data(), &value, bytes.size());
  return bytes;
}

void change(std::string& bytes, std::string const& other, Dice& dice) {
  auto const at = dice.below(bytes.size() + 1),
             length = 1 + dice.below(dice.below(4) == 0 ? 64 : 4);
  switch (dice.below(7)) {
    case 0:
      if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ 1 << dice.below(8));
      break;
    case 1:
      if (at < bytes.size()) bytes[at] = static_cast<char>(dice.below(256));
      break;
    case 2:
      bytes.erase(at, length);
      break;
    case 3:
      bytes.insert(at, bytes.substr(dice.below(bytes.size() + 1), length));
      break;
    case 4:
      bytes.replace(at, length, nasty_number(dice));
      break;
    case 5:
      bytes.resize(at);
      break;
    default:
      bytes.replace(at, std::string::npos, other, std::min(at, other.size()), std::string::npos);
  }
}

void attempt(std::string const& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size());
}

/// An allocation beyond this fails, and its exception is a finding. Sanitizers need more addresses
/// than that for themselves; there ASAN_OPTIONS of the presets limit an allocation.
void limit_memory() {
#ifdef KYRTOS_SANITIZED
  return;
#endif
  constexpr rlim_t most = rlim_t{8} << 30;
  rlimit limit{most, most};
  setrlimit(RLIMIT_AS, &limit);
}

void try_changes(std::size_t count) {
  limit_memory();
  auto const corpus = seeds();
  for (auto const& seed : corpus) attempt(seed);
  for (std::size_t i = 0; i < count; ++i) {
    Dice dice(i);
    auto bytes = corpus[dice.below(corpus.size())];
    auto const& other = corpus[dice.below(corpus.size())];
    for (std::size_t changes = 1 + dice.below(4); changes > 0; --changes)
      change(bytes, other, dice);
    attempt(bytes);
  }
  std::printf("%zu seeds and %zu changes of them\n", corpus.size(), count);
}

void write_seeds(std::string const& directory) {
  int i = 0;
  for (auto const& seed : seeds())
    std::ofstream(directory + "/seed-" + std::to_string(i++), std::ios::binary) << seed;
}

}  // namespace

}  // namespace kyrtos::fuzz

int main(int argc, char** argv) {
  using namespace kyrtos::fuzz;
  if (argc < 2) return 2;
  LLVMFuzzerInitialize(&argc, &argv);
  std::string const word = argv[1];
  if (word.find_first_not_of("0123456789") == std::string::npos) {
    try_changes(std::stoul(word));
  } else if (word == "--seeds" && argc == 3) {
    write_seeds(argv[2]);
  } else {
    for (int i = 1; i < argc; ++i) {
      std::ifstream file(argv[i], std::ios::binary);
      attempt({std::istreambuf_iterator<char>(file), {}});
    }
  }
}
