// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/io/batch_file.hpp>
#include <kyrtos/model/objective.hpp>
#include <kyrtos/train/micro_batches.hpp>
#include <kyrtos/train/run_parts.hpp>
#include <kyrtos/train/token_stream.hpp>

#include "../common/stored_model.hpp"
#include "../curvature/options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/core.h>

namespace kyrtos::program {

namespace {

struct HvpOptions {
  std::string checkpoint, batch, vector, out, precision = "float32";
  bool recompute = false, product_only = false;
};

/// Where a file holds the vector: in a group, or at its root.
std::string group_of_vector(io::CheckpointReader const& file) {
  for (char const* group : {"vector", "v", "u", "hvp", "parameters"})
    if (file.has(group)) return group;
  return "/";
}

/// This rank's rows of the batch, with the weight that makes the loss a mean over all targets.
template <class Scalar>
std::vector<Batch<Scalar, Space>> share_of_batch(Context<Space> const& context,
                                                 io::TokenBatch const& batch,
                                                 train::MicroBatches<Scalar, Space>& memory,
                                                 train::BatchShare const& share) {
  auto const begin = static_cast<std::size_t>(share.first * batch.shape.length);
  auto const targets = std::count_if(batch.targets.begin(), batch.targets.end(),
                                     [](Token target) { return target >= 0; });
  require<FileError>(targets > 0, "the batch has no targets: all of them are negative");
  memory.load(std::span(batch.inputs).subspan(begin, memory.tokens()),
              std::span(batch.targets).subspan(begin, memory.tokens()),
              1 / static_cast<double>(targets));
  context.fence("kyrtos::hvp");
  return memory.all();
}

template <class Scalar>
int hvp(MPI_Comm ranks, HvpOptions const& o) {
  auto const context = train::with_precision(Context<Space>(ranks),
                                             train::precisions().at(o.precision), "--precision");
  auto const& communicator = context.communicator();
  StoredModel<Scalar> const stored(context, o.checkpoint);
  auto const& model = stored.model;
  Index const size = model.layout().size();
  auto const allocated = [&](char const* name) { return allocate<Scalar>(context, name, size); };
  auto const u = allocated("hvp::u"), product = allocated("hvp::product"),
             gradient = o.product_only ? Vector<Scalar, Space>() : allocated("hvp::gradient");
  io::CheckpointReader const vector(communicator, o.vector, io::CheckpointReader::Kind::vectors);
  vector.read<Scalar, Space>(context, group_of_vector(vector), model.layout(), u);

  auto const batch = io::read_batch_file(communicator, o.batch, stored.config.model.vocabulary);
  auto const share =
      train::share_of(batch.shape.batch, 0, communicator.rank(), communicator.size(), "the batch");
  SequenceShape const shape{share.micro_batch, batch.shape.length};
  train::MicroBatches<Scalar, Space> memory(context, shape, share.count);
  model::Objective<Scalar, Space> objective(
      context, model, *stored.theta,
      {.workspace = {.active = active_blocks(stored), .tangents = true, .recompute = o.recompute}},
      shape);
  objective.set_batches(share_of_batch(context, batch, memory, share));
  double const loss = objective.gradient_and_hvp(u, gradient, product).loss;
  std::vector<io::NamedVector<Scalar const, Space>> results{{"hvp", product}};
  if (!o.product_only) results.push_back({"gradient", gradient});
  io::write_vectors<Scalar, Space>(context, o.out, model.layout(), results, {{"loss", loss}});
  if (communicator.is_root()) fmt::print("loss {:.10g}; wrote {}\n", loss, o.out);
  return 0;
}

}  // namespace

void add_hvp(CLI::App& app, Action& action) {
  auto const o = std::make_shared<HvpOptions>();
  auto* const command =
      app.add_subcommand("hvp", "One exact Hessian-vector product, for checks from outside");
  auto const file = [&](char const* name, std::string& value, char const* help) {
    return command->add_option(name, value, help)->required();
  };
  file("--checkpoint", o->checkpoint, "The model: a checkpoint, or directory of a run")
      ->check(CLI::ExistingPath);
  file("--batch", o->batch,
       "HDF5 with /tokens, integers [batch, T+1]: inputs are [:, :T], targets [:, 1:]")
      ->check(CLI::ExistingFile);
  file("--vector", o->vector,
       "HDF5 with the direction: one dataset a segment, named and shaped like the checkpoint's "
       "/parameters, at its root or in a group 'vector'")
      ->check(CLI::ExistingFile);
  file("--out", o->out, "HDF5 to write: /loss (mean over targets), /gradient/..., /hvp/...");
  command
      ->add_option("--precision", o->precision,
                   "Of the computation; bf16 and tf32: of the factors in matrix products")
      ->capture_default_str()
      ->check(CLI::IsMember(train::precisions()));
  command->add_flag("--product-only", o->product_only,
                    "Leave out /gradient: a vector less memory, and less time");
  add_recompute(*command, o->recompute);
  command->callback([o, &action] {
    action.on_ranks = [o](MPI_Comm ranks) {
      return o->precision == "float64" ? hvp<double>(ranks, *o) : hvp<float>(ranks, *o);
    };
  });
}

}  // namespace kyrtos::program
