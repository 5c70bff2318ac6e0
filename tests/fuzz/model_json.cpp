// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/hugging_face/hugging_face.hpp>

#include "fuzz.hpp"

// The config.json of Hugging Face. What is understood is written back as it was understood.

namespace kyrtos::fuzz {

std::vector<std::string> seeds() {
  auto exact = model::gpt2_config();
  exact.activation = model::MlpActivation::gelu;
  return {hugging_face::to_json(model::gpt2_config()), hugging_face::to_json(exact),
          hugging_face::to_json(model::llama_config()),
          R"({"model_type":"llama","vocab_size":9,"hidden_size":8,"num_hidden_layers":1,)"
          R"("num_attention_heads":4,"num_key_value_heads":2,"intermediate_size":8,)"
          R"("rope_scaling":{"rope_type":"default","rope_theta":1e6},"attention_bias":true,)"
          R"("mlp_bias":true,"tie_word_embeddings":true,"head_dim":null})"};
}

}  // namespace kyrtos::fuzz

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace kyrtos;
  std::string const text(fuzz::text_of(data, size)), name = "config-of-the-user.json";
  fuzz::succeeds(name, [&] {
    auto const once = hugging_face::to_json(hugging_face::parse_config(text, name));
    if (hugging_face::to_json(hugging_face::parse_config(once, "it")) != once)
      fuzz::finding("another model comes back");
  });
  return 0;
}
