// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/train/config.hpp>

#include "fuzz.hpp"

// The TOML of a run. What is understood is written back as it was understood.

namespace kyrtos::fuzz {

std::vector<std::string> seeds() {
  return {
      train::config_reference(),
      train::to_toml(train::parse_config("model.preset = \"llama\"", "seed")),
      "[model]\ndepth = 2\nwidth = 16\nheads = 2\n[data]\ntrain = [\"a\", 'b']\n"
      "[training]\nsteps = 1_000\nclip_norm = 1e-3\n[schedule]\npeak = inf\n",
      "model = {width = 0x10, heads = 0b10, tied = false}\n[optimizer]\nname = \"\"\"sgd\"\"\"\n",
      "\"model\".context = 1979-05-27T07:32:00Z\n[[curvature]]\nblock = [[], {}]\n"};
}

}  // namespace kyrtos::fuzz

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace kyrtos;
  std::string const text(fuzz::text_of(data, size)), name = "config-of-the-user.toml";
  fuzz::succeeds(name, [&] {
    auto const once = train::to_toml(train::parse_config(text, name));
    if (train::to_toml(train::parse_config(once, "it")) != once)
      fuzz::finding("another configuration comes back");
  });
  return 0;
}
