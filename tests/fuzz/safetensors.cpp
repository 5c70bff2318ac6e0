// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/hugging_face/hugging_face.hpp>
#include <kyrtos/io/safetensors.hpp>
#include <kyrtos/model/transformer.hpp>

#include "fuzz.hpp"
#include "io/safetensors_files.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

// Files of tensors, read as they are and as the model of a fixed config.json. So that changes of
// the text are not all stopped by the length before it, an input that begins with '{' gets one.

namespace kyrtos::fuzz {

namespace {

model::TransformerConfig tiny() {
  auto config = model::gpt2_config();
  config.vocabulary = config.context = config.width = config.heads = 2;
  config.mlp_width = 2;
  config.depth = 1;
  return config.resolved();
}

ParameterLayout const& layout() {
  static auto const instance =
      model::Transformer<float, Kokkos::DefaultHostExecutionSpace>(tiny()).layout();
  return instance;
}

/// All tensors of the tiny model.
std::string whole_model() {
  std::string header;
  std::size_t at = 0;
  for (auto const& tensor : hugging_face::tensors_of(tiny(), layout())) {
    auto const end = at + 2 * static_cast<std::size_t>(count_elements(tensor.shape));
    header +=
        fmt::format(R"({}"{}":{{"dtype":"BF16","shape":[{}],"data_offsets":[{},{}]}})",
                    header.empty() ? "{" : ",", tensor.name, fmt::join(tensor.shape, ","), at, end);
    at = end;
  }
  return testing::container(header + "}", std::string(at, 'x'));
}

}  // namespace

std::vector<std::string> seeds() {
  using testing::container;
  return {
      whole_model(),
      whole_model().substr(8),
      R"({"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"b":{"dtype":"F16","shape":[],)"
      R"("data_offsets":[8,10]}}  0123456789)",
      R"({"__metadata__":{"format":"pt"},"a":{"data_offsets":[0,0],"shape":[0],"dtype":"U8"}})",
      container("{}", ""),
      R"({"a":{"dtype":"F64","shape":[18446744073709551615,2]}})",
      R"({"a":{"dtype":"U8","shape":[4611686018427387904,2,0],"data_offsets":[0,0]}})"};
}

}  // namespace kyrtos::fuzz

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace kyrtos;
  auto const input = fuzz::text_of(data, size);
  std::string bytes(input);
  if (input.starts_with('{')) {
    auto const end = input.rfind('}') + 1;
    bytes = testing::container(std::string(input.substr(0, end)), std::string(input.substr(end)));
  }
  fuzz::File const file(bytes, ".safetensors");
  fuzz::succeeds(file.path(), [&] {
    io::SafetensorsFile const tensors(file.path());
    for (auto const& tensor : tensors.tensors()) {
      if (tensor.end > size) fuzz::finding("a tensor beyond the file");
      fuzz::succeeds(file.path(), [&] {
        std::vector<double> values(static_cast<std::size_t>(tensor.size()));
        tensors.read<double>(tensor, values);
      });
    }
    hugging_face::read<float>({tensors}, fuzz::tiny(), fuzz::layout());
  });
  return 0;
}
