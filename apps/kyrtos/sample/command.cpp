// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/random.hpp>
#include <kyrtos/train/run_parts.hpp>

#include "../common/stored_model.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fmt/core.h>
#include <numeric>
#include <optional>

namespace kyrtos::program {

namespace {

struct SampleOptions {
  std::string checkpoint, prompt = "\n";
  std::vector<Token> tokens;
  Index length = 300, top_k = 0, seed = 1;
  double temperature = 0.8;
};

/// Draws a token from softmax(logits/temperature), restricted to the `top_k` most likely.
Token draw(std::vector<double> logits, SampleOptions const& o, double uniform) {
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  if (o.temperature == 0) return static_cast<Token>(order.front());
  if (o.top_k > 0) order.resize(std::min(order.size(), static_cast<std::size_t>(o.top_k)));
  std::vector<double> cumulative;
  double sum = 0;
  for (std::size_t const i : order)
    cumulative.push_back(sum += std::exp((logits[i] - logits[order.front()]) / o.temperature));
  auto const chosen = std::lower_bound(cumulative.begin(), cumulative.end(), uniform * sum);
  return static_cast<Token>(
      order[std::min(static_cast<std::size_t>(chosen - cumulative.begin()), order.size() - 1)]);
}

/// Continues a sequence of at most `longest` tokens one by one; the window of the last `context`
/// tokens is computed anew for each.
class Sampler {
 public:
  Sampler(Context<Space> const& context, StoredModel<float> const& stored, Index longest)
      : context_(context),
        stored_(stored),
        window_(std::min(stored.config.model.context, longest)),
        workspace_(context, stored.model, {1, window_}, {.active = active_blocks(stored)}),
        inputs_(allocate<Token>(context, "sample::inputs", window_)),
        logits_(allocate<float>(context, "sample::logits", stored.config.model.vocabulary)) {
    require<ConfigError>(stored.config.model.causal && !stored.config.model.continuous(),
                         "sample: only a causal model of tokens can continue a text");
  }

  std::vector<double> next_logits(std::vector<Token> const& tokens) {
    auto const size = static_cast<Index>(tokens.size());
    Index const used = std::min(size, window_);
    std::vector<Token> padded(static_cast<std::size_t>(window_), 0);
    std::copy(tokens.end() - used, tokens.end(), padded.begin());
    using Host = Kokkos::View<Token const*, Kokkos::LayoutRight, Kokkos::HostSpace, Unmanaged>;
    Kokkos::deep_copy(context_.space(), inputs_, Host(padded.data(), padded.size()));
    Batch<float, Space> batch;
    batch.shape = {1, window_};
    batch.inputs = inputs_;
    stored_.model.outputs(workspace_, stored_.theta->source(), batch, used - 1,
                          as_matrix(logits_, 0, 1, stored_.config.model.vocabulary));
    auto const host = Kokkos::create_mirror_view(logits_);
    Kokkos::deep_copy(context_.space(), host, logits_);
    context_.fence("kyrtos::sample");
    return {host.data(), host.data() + host.size()};
  }

 private:
  Context<Space> context_;
  StoredModel<float> const& stored_;
  Index window_;
  model::TransformerWorkspace<float, Space> workspace_;
  Vector<Token, Space> inputs_;
  Vector<float, Space> logits_;
};

/// Prints bytes as they come, as valid UTF-8: what is none becomes U+FFFD, so that no log or
/// terminal chokes on what an untrained model says.
class TextPrinter {
 public:
  ~TextPrinter() {
    if (!pending_.empty()) replace();
    std::putchar('\n');
  }

  void print(unsigned char byte) {
    bool const continues = (byte & 0xC0) == 0x80;
    if (!pending_.empty() && !continues) replace();
    if (pending_.empty()) {
      wanted_ = length_of(byte);
      if (wanted_ == 0) return replace();
    }
    pending_ += static_cast<char>(byte);
    if (pending_.size() == wanted_) flush();
  }

 private:
  /// Of the sequence that the byte begins; 0 when it begins none.
  static std::size_t length_of(unsigned char byte) {
    if (byte < 0x80) return 1;
    if (byte >= 0xC2 && byte < 0xE0) return 2;
    // The leads whose second byte is restricted are rare enough to be left out.
    if (byte > 0xE0 && byte < 0xF0 && byte != 0xED) return 3;
    return byte > 0xF0 && byte < 0xF4 ? 4 : 0;
  }
  void replace() {
    pending_ = "\uFFFD";
    flush();
  }
  void flush() {
    std::fputs(pending_.c_str(), stdout);
    std::fflush(stdout);
    pending_.clear();
  }

  std::string pending_;
  std::size_t wanted_ = 0;
};

int sample(MPI_Comm ranks, SampleOptions const& o) {
  Context<Space> const context(ranks);
  StoredModel<float> const stored(context, o.checkpoint);
  bool const is_bytes = stored.config.model.vocabulary == 256;
  require<ConfigError>(is_bytes || o.prompt == "\n",
                       "sample: --prompt needs a model of bytes (model.vocabulary = 256)");
  std::vector<Token> tokens = o.tokens;
  for (Token const token : tokens)
    require<ConfigError>(token >= 0 && token < stored.config.model.vocabulary,
                         fmt::format("sample: --tokens {} is outside of model.vocabulary = {}",
                                     token, stored.config.model.vocabulary));
  if (tokens.empty() && is_bytes)
    for (char const c : o.prompt) tokens.push_back(static_cast<unsigned char>(c));
  if (tokens.empty()) tokens = {0};
  Sampler sampler(context, stored, static_cast<Index>(tokens.size()) + o.length);
  std::optional<TextPrinter> text;
  bool const speaks = context.communicator().is_root();
  if (speaks && is_bytes) text.emplace();
  auto const print = [&](Token token) {
    if (text)
      text->print(static_cast<unsigned char>(token));
    else if (speaks)
      fmt::print("{} ", token);
  };
  if (o.prompt != "\n" || !o.tokens.empty())
    for (Token const token : tokens) print(token);
  Philox const random{static_cast<std::uint64_t>(o.seed), 0x73616d70};
  for (Index i = 0; i < o.length; ++i) {
    tokens.push_back(
        draw(sampler.next_logits(tokens), o, random.uniform(static_cast<std::uint64_t>(i))));
    print(tokens.back());
  }
  if (speaks && !is_bytes) fmt::print("\n");
  return 0;
}

}  // namespace

void add_sample(CLI::App& app, Action& action) {
  auto const o = std::make_shared<SampleOptions>();
  auto* const command = app.add_subcommand("sample", "Let a trained model continue a text");
  command
      ->add_option("checkpoint", o->checkpoint,
                   "Checkpoint, directory of a run, or configuration with training.start")
      ->required()
      ->check(CLI::ExistingPath);
  command->add_option("--prompt", o->prompt, "Text to continue (byte models)");
  command->add_option("--tokens", o->tokens, "Numbers of the tokens to continue")->delimiter(',');
  command->add_option("--length", o->length, "Tokens to draw")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--temperature", o->temperature,
                   "Divides the logits; 0: the most likely token each time")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command->add_option("--top-k", o->top_k, "Draw from the k most likely tokens; 0: all")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command->add_option("--seed", o->seed, "Of the random numbers")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command->callback(
      [o, &action] { action.on_ranks = [o](MPI_Comm ranks) { return sample(ranks, *o); }; });
}

}  // namespace kyrtos::program
