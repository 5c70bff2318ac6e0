// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "suites.hpp"

#include <kyrtos/core/error.hpp>
#include <kyrtos/core/text.hpp>
#include <kyrtos/train/run_parts.hpp>

#include "layer_suites.hpp"
#include "model_case.hpp"
#include "system_cases.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>

namespace kyrtos::bench {

namespace {

using Cases = std::vector<CaseMaker>;

ModelSpec model(std::string const& name, Index depth, Index width, Index heads, Index vocabulary,
                SequenceShape shape) {
  auto config = model::gpt2_config();
  config.vocabulary = vocabulary;
  config.context = shape.length;
  config.depth = depth;
  config.width = width;
  config.heads = heads;
  return {name, config, shape};
}

ModelSpec character_model(Index batch = 8) {
  return model(batch == 8 ? "char" : "char" + std::to_string(batch), 6, 384, 6, 256, {batch, 256});
}

/// GPT-2 of 124 million parameters.
ModelSpec gpt2_model() {
  auto spec = model("gpt2", 12, 768, 12, 50257, {4, 256});
  spec.config.context = 1024;
  return spec;
}

void append(Cases& cases, Cases more) {
  std::move(more.begin(), more.end(), std::back_inserter(cases));
}

Cases system_cases(model::TransformerConfig const& config, SuiteOptions const& o) {
  Cases cases{checkpoint_case(config, o.directory)};
  if (o.ranks > 1) cases.push_back(all_reduce_case(config));
  return cases;
}

/// Models that differ in one thing, which `make` gets.
Cases series(std::string const& name, std::vector<Index> const& values,
             std::function<ModelSpec(Index)> const& make) {
  Cases cases;
  for (Index const value : values) {
    auto spec = make(value);
    spec.name = name + "-" + std::to_string(value);
    spec.series = name;
    cases.push_back(model_case(spec));
  }
  return cases;
}

/// More than a gigabyte, which no cache on the way to a disk hides.
Cases files_suite(SuiteOptions const& o) {
  auto const written = gpt2_model();
  auto const trained = character_model();
  return {checkpoint_case(written.config, o.directory),
          asynchronous_case(trained.config, trained.shape, o.directory)};
}

Cases smoke_suite(SuiteOptions const& o) {
  auto const tiny = model("tiny", 2, 32, 2, 64, {4, 32});
  Cases cases{model_case(tiny)};
  append(cases, series("batch", {1, 4}, [](Index b) { return model("", 2, 32, 2, 64, {b, 32}); }));
  append(cases, layer_suite({2, 32}, 32, 64, 2));
  append(cases, attention_suite(1, {64, 128}));
  append(cases, system_cases(tiny.config, o));
  cases.push_back(asynchronous_case(tiny.config, tiny.shape, o.directory));
  return cases;
}

Cases node_suite(SuiteOptions const& o) {
  // Of 16 sequences a tracker's probe can be a sixteenth.
  Cases cases{model_case(character_model()), model_case(character_model(16)),
              model_case(gpt2_model())};
  append(cases, system_cases(character_model().config, o));
  return cases;
}

Cases scaling_suite() {
  auto cases = series("batch", {1, 2, 4, 8}, [](Index b) {
    return model("", 4, 256, 4, 256, {b, 256});
  });
  append(cases, series("depth", {2, 4, 8}, [](Index d) {
           return model("", d, 256, 4, 256, {4, 256});
         }));
  append(cases, series("width", {256, 512, 1024}, [](Index w) {
           return model("", 2, w, w / 64, 256, {8, 256});
         }));
  append(cases, series("length", {1024, 2048, 4096, 8192}, [](Index t) {
           return model("", 2, 128, 2, 256, {1, t});
         }));
  return cases;
}

using Maker = std::function<Cases(SuiteOptions const&)>;

std::map<std::string, Maker> const& suites() {
  static std::map<std::string, Maker> const all{
      {"smoke", smoke_suite},
      {"node", node_suite},
      {"files", files_suite},
      {"layers",
       [](auto const&) {
         return layer_suite({8, 256}, 384, 50257, 6);
       }},
      {"attention",
       [](auto const&) {
         return attention_suite(4, {256, 512, 1024, 2048, 4096, 8192, 16384});
       }},
      {"scaling", [](auto const&) { return scaling_suite(); }}};
  return all;
}

std::vector<std::string> names_of(Cases const& cases) {
  std::vector<std::string> names;
  for (auto const& maker : cases) names.push_back(maker.name);
  return names;
}

}  // namespace

std::vector<std::string> suite_names() {
  std::vector<std::string> names;
  for (auto const& [name, make] : suites()) names.push_back(name);
  return names;
}

std::vector<CaseMaker> suite(std::string const& name, SuiteOptions const& options) {
  auto const found = suites().find(name);
  require<ConfigError>(found != suites().end(), "bench: there is no suite '" + name + "'" +
                                                    did_you_mean(name, suite_names()));
  return found->second(options);
}

namespace {

CaseMaker in_precision(CaseMaker const& of, train::Precision precision) {
  auto const name =
      precision == train::Precision::float32 ? of.name : of.name + "-" + name_of(precision);
  auto const make = [=](Context<Space> const& context) {
    auto one = of.make(train::with_precision(context, precision, "--precision"));
    one.name = name;
    one.facts["precision"] = name_of(precision);
    for (auto& operation : one.operations) operation.work.precision = precision;
    return one;
  };
  CaseMaker maker{name, make};
  if (of.examine)
    maker.examine = [=](Context<Space> const& context) {
      return of.examine(train::with_precision(context, precision, "--precision"));
    };
  return maker;
}

}  // namespace

std::vector<CaseMaker> in_precisions(Cases const& cases,
                                     std::vector<train::Precision> const& precisions) {
  Cases all;
  for (auto const& one : cases) {
    if (!one.has_products) all.push_back(one);
    for (auto const precision : precisions)
      if (one.has_products) all.push_back(in_precision(one, precision));
  }
  return all;
}

std::vector<CaseMaker> chosen(std::vector<CaseMaker> cases, std::vector<std::string> const& names) {
  if (names.empty()) return cases;
  auto const known = names_of(cases);
  for (auto const& name : names)
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      std::string list;
      for (auto const& k : known) list += " " + k;
      throw ConfigError("bench: this suite has no case '" + name + "'; it has" + list);
    }
  std::erase_if(cases, [&](CaseMaker const& maker) {
    return std::find(names.begin(), names.end(), maker.name) == names.end();
  });
  return cases;
}

}  // namespace kyrtos::bench
