// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "data_content.hpp"

#include <kyrtos/core/error.hpp>
#include <kyrtos/parallel/agreement.hpp>

#include "io/checkpoint/checksum.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <vector>

namespace kyrtos::train {

namespace {

// A page or two each, from the first token to the last.
constexpr Index samples = 64, sample_length = 1024;

std::string summary(io::TokenDataset const& data) {
  Index const length = std::min(sample_length, data.size());
  Index const all = (data.size() + sample_length - 1) / sample_length;
  Index const count = std::min(samples, all);
  std::vector<Token> tokens;
  for (Index i = 0; i < count; ++i) {
    auto const place = tokens.size();
    tokens.resize(place + static_cast<std::size_t>(length));
    Index const begin = count == 1 ? 0 : (data.size() - length) / (count - 1) * i;
    Index const last = i + 1 == count ? data.size() - length : begin;
    data.read(last, std::span(tokens).subspan(place), std::numeric_limits<Token>::max());
  }
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i)
    sum += io::checksum::term(i, static_cast<std::uint64_t>(tokens[i]));
  return fmt::format("{} tokens with checksum {:016x}", data.size(), sum);
}

}  // namespace

std::map<std::string, std::string> content_of(TrainingData const& data, RunConfig const& config,
                                              Communicator const& ranks) {
  std::string train, validation;
  parallel::on_root<FileError>(ranks, [&] {
    train = summary(data.all);
    if (!config.data.validation.empty()) validation = summary(data.validation);
  });
  std::map<std::string, std::string> content{{"data.train", ranks.broadcast(train)}};
  if (auto const text = ranks.broadcast(validation); !text.empty())
    content["data.validation"] = text;
  return content;
}

}  // namespace kyrtos::train
