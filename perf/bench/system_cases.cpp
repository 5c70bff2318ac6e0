// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "system_cases.hpp"

#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/model/transformer.hpp>
#include <kyrtos/parallel/all_reduce.hpp>
#include <kyrtos/train/config.hpp>

#include "random.hpp"

#include <memory>

namespace kyrtos::perf {

namespace {

constexpr std::array groups{"parameters", "optimizer/m", "optimizer/v"};

struct Checkpoint {
  Checkpoint(Context<Space> const& where, TransformerConfig const& config,
             std::string const& directory)
      : context(where),
        layout(Transformer<float, Space>(config).layout()),
        path(directory + "/checkpoint.h5") {
    RunConfig run;
    run.model = config;
    text.config = to_toml(run);
    for (char const* group : groups)
      vectors.push_back(random_vector(context, group, layout.size(), vectors.size()));
  }

  void write() const {
    std::vector<io::NamedVector<float const, Space>> named;
    for (std::size_t i = 0; i < groups.size(); ++i) named.push_back({groups[i], vectors[i]});
    io::write_checkpoint<float, Space>(context, path, text, layout, named);
  }
  void read() const {
    io::CheckpointReader const reader(context.communicator(), path);
    for (std::size_t i = 0; i < groups.size(); ++i)
      reader.read<float, Space>(context, groups[i], layout, vectors[i]);
  }

  Context<Space> context;
  ParameterLayout layout;
  std::string path;
  io::CheckpointText text;
  std::vector<Vector<float, Space>> vectors;
};

}  // namespace

CaseMaker checkpoint_case(TransformerConfig const& config, std::string const& directory) {
  auto const make = [=](Context<Space> const& context) {
    auto const p = std::make_shared<Checkpoint>(context, config, directory);
    double const bytes = sizeof(float) * groups.size() * static_cast<double>(p->layout.size());
    return Case{"checkpoint",
                "system",
                {{"bytes", bytes}},
                {{"write", [p] { p->write(); }, Work::transfer(bytes)},
                 {"read", [p] { p->read(); }, Work::transfer(bytes)}}};
  };
  return {"checkpoint", make, {}, /*has_products=*/false};
}

CaseMaker all_reduce_case(TransformerConfig const& config) {
  auto const make = [=](Context<Space> const& context) {
    Index const size = Transformer<float, Space>(config).layout().size();
    // Of zeros, which no number of sums makes overflow.
    auto const vector = allocate<float>(context, "perf::reduced", size);
    double const bytes = sizeof(float) * static_cast<double>(size);
    return Case{
        "all_reduce",
        "system",
        {{"bytes", bytes}},
        {{"sum", [=] { all_reduce_sum<float, Space>(context, vector); }, Work::transfer(bytes)}}};
  };
  return {"all_reduce", make, {}, /*has_products=*/false};
}

}  // namespace kyrtos::perf
