// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/io/token_dataset.hpp>

#include "fuzz.hpp"

#include <algorithm>

// Files of tokens: the first byte says how they are read, the rest is the file.

namespace kyrtos::fuzz {

namespace {

/// A header of llm.c.
std::string header(std::uint32_t magic, std::uint32_t version, std::uint32_t count) {
  std::string bytes(1024, '\0');
  std::size_t at = 0;
  for (std::uint32_t const word : {magic, version, count})
    for (int shift = 0; shift < 32; shift += 8) bytes[at++] = static_cast<char>(word >> shift);
  return bytes;
}

/// A header of NumPy.
std::string array(std::string const& type, std::string const& shape) {
  auto const text = "{'descr': " + type + ", 'fortran_order': False, 'shape': " + shape + ", }\n";
  return std::string("\x93NUMPY\1\0", 8) + static_cast<char>(text.size()) + '\0' + text;
}

}  // namespace

std::vector<std::string> seeds() {
  std::string const tokens = "ab\1defghijklmnop";  // no text
  std::vector<std::string> files{tokens,
                                 tokens,
                                 header(20240520, 1, 8) + tokens,
                                 header(20240801, 7, 4) + tokens,
                                 tokens,
                                 header(20240520, 1, 0),
                                 array("'<u2'", "(8,)") + tokens,
                                 array("'<i8'", "(2,)") + tokens};
  for (std::size_t i = 0; i < files.size(); ++i) files[i].insert(0, 1, "01223345"[i]);
  return files;
}

}  // namespace kyrtos::fuzz

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace kyrtos;
  if (size == 0) return 0;
  fuzz::File const file(fuzz::text_of(data + 1, size - 1), *data % 2 == 0 ? ".bin" : ".txt");
  constexpr io::TokenFormat formats[] = {io::TokenFormat::automatic, io::TokenFormat::automatic,
                                         io::TokenFormat::uint16,    io::TokenFormat::uint32,
                                         io::TokenFormat::int64,     io::TokenFormat::bytes};
  fuzz::succeeds(file.path(), [&] {
    io::TokenDataset const tokens({file.path()}, formats[*data % std::size(formats)]);
    auto const [training, validation] = tokens.split(0.25);
    io::WindowOrder order{.tokens = training.size(), .length = 3, .batch = 2, .seed = *data};
    order.check(file.path());
    fuzz::succeeds(file.path(), [&] { tokens.check(256); });
    std::vector<Token> inputs(6), targets(6);
    io::read_windows(training, order, 60000, 1, 0, 2, inputs, targets);
    std::vector<Token> all(static_cast<std::size_t>(tokens.size()));
    tokens.read(0, all, 256);
    if (std::any_of(all.begin(), all.end(), [](Token t) { return t < 0 || t >= 256; }))
      fuzz::finding("a token outside the vocabulary");
  });
  return 0;
}
