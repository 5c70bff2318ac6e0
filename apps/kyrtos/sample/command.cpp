// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/random.hpp>
#include <kyrtos/model/decoder.hpp>
#include <kyrtos/parallel/agreement.hpp>
#include <kyrtos/train/run_parts.hpp>

#include "../common/number_option.hpp"
#include "../common/stored_model.hpp"
#include "tokenizer.hpp"
#include "utf8.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fmt/core.h>
#include <numeric>
#include <optional>

namespace kyrtos::program {

namespace {

constexpr Index bytes = 256;  // the vocabulary of a model of text

struct SampleOptions {
  std::string checkpoint;
  std::optional<std::string> prompt;  // absent: a line break
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

/// Continues a sequence token by token, with the keys and values of those before. The model sees at
/// most `context` tokens: where there are more, it begins anew with the newer half of these.
class Sampler {
 public:
  /// \param tokens that the sequence will have, at most.
  Sampler(Context<Space> const& context, StoredModel<float> const& stored, Index tokens)
      : context_(context),
        stored_(stored),
        decoder_(context, stored.model, std::min(tokens, stored.config.model.context),
                 active_blocks(stored)),
        inputs_(allocate<Token>(context, "sample::inputs", decoder_.capacity())),
        logits_(allocate<float>(context, "sample::logits", stored.config.model.vocabulary)) {}

  std::vector<double> next_logits(std::vector<Token> const& tokens) {
    auto const size = static_cast<Index>(tokens.size());
    Index const room = decoder_.capacity();
    if (size - end_ > room - decoder_.size()) {
      bool const is_first = end_ == 0;
      end_ = size - (is_first ? room : (room + 1) / 2);
      decoder_.clear();
    }
    auto const count = static_cast<std::size_t>(size - end_);
    auto const inputs = slice(inputs_, 0, size - end_);
    using Host = Kokkos::View<Token const*, Kokkos::LayoutRight, Kokkos::HostSpace, Unmanaged>;
    Kokkos::deep_copy(context_.space(), inputs, Host(tokens.data() + end_, count));
    end_ = size;
    decoder_.append(stored_.theta->source(), inputs,
                    as_matrix(logits_, 0, 1, stored_.config.model.vocabulary));
    auto const host = Kokkos::create_mirror_view(logits_);
    Kokkos::deep_copy(context_.space(), host, logits_);
    context_.fence("kyrtos::sample");
    return {host.data(), host.data() + host.size()};
  }

 private:
  Context<Space> context_;
  StoredModel<float> const& stored_;
  model::Decoder<float, Space> decoder_;
  Index end_ = 0;  // of the tokens that the decoder has had
  Vector<Token, Space> inputs_;
  Vector<float, Space> logits_;
};

/// Says tokens as they come: the text of byte models, else numbers.
class Printer {
 public:
  /// \param out where to; nowhere if null.
  Printer(std::FILE* out, bool is_text) : out_(out), is_text_(is_text) {}
  ~Printer() {
    say(text_.end());
    say("\n");
  }
  Printer(Printer const&) = delete;
  Printer& operator=(Printer const&) = delete;

  void print(Token token) {
    say(is_text_ ? text_.add(static_cast<unsigned char>(token)) : std::to_string(token) + " ");
  }

 private:
  void say(std::string const& text) const {
    if (out_ == nullptr || text.empty()) return;
    std::fputs(text.c_str(), out_);
    std::fflush(out_);
  }

  std::FILE* out_;
  bool is_text_;
  Utf8 text_;
};

/// What the sequence begins with, and the tokenizer of its text, if it has one.
struct Beginning {
  std::vector<Token> tokens;
  std::string tokenizer = {};
};

/// \throws ConfigError with what to give instead.
Beginning beginning(Communicator const& ranks, SampleOptions const& o,
                    train::RunConfig const& config) {
  auto const& model = config.model;
  require<ConfigError>(model.causal && !model.continuous(),
                       "sample: only a causal model of tokens can continue a text");
  if (o.top_k > model.vocabulary)
    throw ConfigError(fmt::format("--top-k {}: the model has {} tokens; give at most that, or 0",
                                  o.top_k, model.vocabulary));
  for (Token const token : o.tokens)
    if (token < 0 || token >= model.vocabulary)
      throw ConfigError(fmt::format("--tokens: {} is none of the model's, which are 0 to {}", token,
                                    model.vocabulary - 1));
  if (!o.tokens.empty()) return {o.tokens};
  if (model.vocabulary == bytes) {
    Beginning found;
    for (char const c : o.prompt.value_or("\n"))
      found.tokens.push_back(static_cast<unsigned char>(c));
    return found;
  }
  if (!o.prompt) return {std::vector<Token>{0}};
  auto const tokenizer = find_tokenizer({o.checkpoint, config.training.start});
  return {encode(ranks, tokenizer, *o.prompt, model.vocabulary), tokenizer};
}

/// Prints the beginning, if it was given, and what is drawn.
void speak(Sampler& sampler, Printer& printer, std::vector<Token> tokens, SampleOptions const& o) {
  if (o.prompt || !o.tokens.empty())
    for (Token const token : tokens) printer.print(token);
  Philox const random{static_cast<std::uint64_t>(o.seed), 0x73616d70};
  for (Index i = 0; i < o.length; ++i) {
    tokens.push_back(
        draw(sampler.next_logits(tokens), o, random.uniform(static_cast<std::uint64_t>(i))));
    printer.print(tokens.back());
  }
}

int sample(MPI_Comm ranks, SampleOptions const& o) {
  Context<Space> const context(ranks);
  auto const& communicator = context.communicator();
  StoredRun run(communicator, o.checkpoint);
  auto const model = run.config.model;
  auto const begin = beginning(communicator, o, run.config);  // before all parameters are read
  StoredModel<float> const stored(context, std::move(run));
  Index const drawn = std::min(o.length, model.context);  // or more: the sum can't overflow
  Sampler sampler(context, stored, static_cast<Index>(begin.tokens.size()) + drawn);
  std::optional<Detokenizer> detokenizer;
  std::FILE* out = nullptr;
  parallel::on_root<Error>(communicator, [&] {
    if (!begin.tokenizer.empty()) detokenizer.emplace(begin.tokenizer);
    out = detokenizer ? detokenizer->numbers() : stdout;
  });
  {
    Printer printer(out, model.vocabulary == bytes);
    speak(sampler, printer, begin.tokens, o);
  }
  parallel::on_root<Error>(communicator, [&] {
    if (detokenizer) detokenizer->finish();
  });
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
  auto* const prompt = command->add_option("--prompt", o->prompt,
                                           "Text to continue, for models of bytes [a line break], "
                                           "or with a tokenizer beside");
  prompt->type_name("TEXT")->check([](std::string const& text) {
    return text.empty() ? "is empty, but the model continues one byte at least; leave it out to "
                          "begin with a line break"
                        : "";
  });
  command
      ->add_option("--tokens", o->tokens,
                   "Tokens to continue, for instance 5,7,9; drawn ones are printed as numbers too "
                   "unless the model is one of bytes")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NUMBERS")
      ->excludes(prompt);
  add_number(*command, "--length", o->length, 0, "Tokens to draw")->capture_default_str();
  command
      ->add_option("--temperature", o->temperature,
                   "Divides the logits; 0: the most likely token each time")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  add_number(*command, "--top-k", o->top_k, 0, "Draw from the k most likely tokens; 0: all")
      ->capture_default_str();
  add_number(*command, "--seed", o->seed, 0, "Of the random numbers")->capture_default_str();
  command->footer(
      "Keys and values of earlier tokens are kept, so that a token costs one pass of that token. A "
      "text longer than model.context goes on from the newer half of what the model sees.\n\n"
      "MODEL.tokenizer/tokenizer.json, which `kyrtos import` keeps beside MODEL.h5, is read by "
      "python3 with tokenizers; KYRTOS_PYTHON names another interpreter.");
  command->callback(
      [o, &action] { action.on_ranks = [o](MPI_Comm ranks) { return sample(ranks, *o); }; });
}

}  // namespace kyrtos::program
