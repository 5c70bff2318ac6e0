// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/io/batch_file.hpp>
#include <kyrtos/model/objective.hpp>
#include <kyrtos/parallel/agreement.hpp>
#include <kyrtos/train/micro_batches.hpp>
#include <kyrtos/train/run_parts.hpp>
#include <kyrtos/train/token_stream.hpp>

#include "../common/output.hpp"
#include "../common/stored_model.hpp"
#include "../curvature/options.hpp"
#include "io/checkpoint/format.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <fmt/ranges.h>

namespace kyrtos::program {

namespace {

struct HvpOptions {
  std::string checkpoint, batch, vector, out, precision = "float32";
  bool recompute = false, product_only = false;
};

constexpr std::array vector_groups{"vector", "v", "u", "hvp", "parameters"};

/// Where a file holds the vector: in one of these groups, or at its root. Nothing may be there that
/// this program doesn't write: it could be what was meant.
std::string find_group(std::string const& path) {
  io::hdf5::QuietErrors const quiet;
  auto const file = io::hdf5::open_file(path, "a file of vectors (HDF5)");
  auto const format = io::hdf5::read_text(file, "format").value_or("");
  auto const is_known = [&](std::string const& name) {
    bool const is_result = name == "loss" || name == "gradient" || name == "hvp";
    return format == io::checkpoint_format || (format == io::vectors_format && is_result);
  };
  auto const names = io::hdf5::names_in(io::hdf5::open_object(file, "/"));
  auto const is_group = [&](std::string const& name) {
    return io::hdf5::is_group(io::hdf5::open_object(file, name));
  };
  for (char const* group : vector_groups) {
    if (std::find(names.begin(), names.end(), group) == names.end() || !is_group(group)) continue;
    for (auto const& name : names)
      if (name != group && !is_known(name))
        throw FileError(
            fmt::format("{}: holds '{}' beside the group '{}', which is taken for the "
                        "vector; leave one of them in the file",
                        path, name, group));
    return group;
  }
  for (auto const& name : names)
    if (is_group(name))
      throw FileError(fmt::format(
          "{}: holds a group '{}', but the vector is looked for in one of the groups '{}', or "
          "without a group; rename it",
          path, name, fmt::join(vector_groups, "', '")));
  return "/";
}

std::string group_of_vector(Communicator const& ranks, std::string const& path) {
  std::string group;
  parallel::on_root<FileError>(ranks, [&] { group = find_group(path); });
  return ranks.broadcast(group);
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

bool is_product_file(std::string const& path) {
  io::hdf5::QuietErrors const quiet;
  auto const file = io::hdf5::open_file(path, "a file of vectors (HDF5)");
  return io::hdf5::read_text(file, "format") == io::vectors_format &&
         io::hdf5::exists(file, "hvp") && io::hdf5::exists(file, "loss");
}

/// Before the work. Collective.
void check_output(Communicator const& ranks, HvpOptions const& o, std::string const& checkpoint,
                  Index values, std::size_t bytes_each) {
  auto const bytes = static_cast<std::uint64_t>(values) * bytes_each * (o.product_only ? 1 : 2);
  parallel::on_root<FileError>(ranks, [&] {
    require_output({.option = "--out",
                    .path = o.out,
                    .writer = "kyrtos hvp",
                    .inputs = {checkpoint, o.batch, o.vector},
                    .is_result = is_product_file},
                   bytes);
  });
}

template <class Scalar>
int hvp(MPI_Comm ranks, HvpOptions const& o) {
  auto const context = train::with_precision(Context<Space>(ranks),
                                             train::precisions().at(o.precision), "--precision");
  auto const& communicator = context.communicator();
  StoredModel<Scalar> const stored(context, o.checkpoint);
  auto const& model = stored.model;
  require<ConfigError>(!stored.config.model.continuous(),
                       "hvp: the model reads fields (model.input_features), but a batch file "
                       "holds tokens; use the library for it");
  Index const size = model.layout().size();
  check_output(communicator, o, stored.file.path(), size, sizeof(Scalar));
  auto const allocated = [&](char const* name) { return allocate<Scalar>(context, name, size); };
  auto const u = allocated("hvp::u"), product = allocated("hvp::product"),
             gradient = o.product_only ? Vector<Scalar, Space>() : allocated("hvp::gradient");
  io::CheckpointReader const vector(communicator, o.vector, io::CheckpointReader::Kind::vectors);
  vector.read<Scalar, Space>(context, group_of_vector(communicator, o.vector), model.layout(), u);
  require_finite<Scalar, Space>(context, model.layout(), u, o.vector, "give another --vector");

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
  if (communicator.is_root()) {  // first: what was computed is seen, whatever happens to the file
    fmt::print("loss {:.10g}\n", loss);
    std::fflush(stdout);
  }
  for (auto const& [name, values] : {std::pair("the product", product), {"the gradient", gradient}})
    require_finite<Scalar, Space>(context, model.layout(), values, name,
                                  "shorten the vector, or use --precision float64");
  std::vector<io::NamedVector<Scalar const, Space>> results{{"hvp", product}};
  if (!o.product_only) results.push_back({"gradient", gradient});
  io::write_vectors<Scalar, Space>(context, o.out, model.layout(), results, {{"loss", loss}});
  if (communicator.is_root()) fmt::print("wrote {}\n", o.out);
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
       "HDF5 with /tokens, integers [batch, T+1]: inputs are [:, :T], targets [:, 1:], or what is "
       "in /targets, [batch, T]; a negative target is ignored")
      ->check(CLI::ExistingFile);
  file("--vector", o->vector,
       "HDF5 with the direction: one dataset a segment, named and shaped like the checkpoint's "
       "/parameters, and no others, at its root or in a group: 'vector', 'v', 'u', 'hvp' or "
       "'parameters', the first that is there; so a result can be the next direction")
      ->check(CLI::ExistingFile);
  file("--out", o->out, "HDF5 to write: /loss (mean over targets), /gradient/..., /hvp/...")
      ->type_name("FILE");
  command
      ->add_option("--precision", o->precision,
                   "Of the computation; bf16 and tf32: of the factors in matrix products")
      ->capture_default_str()
      ->check(CLI::IsMember(train::precisions()));
  command->footer(
      "The loss is the mean over all targets that are not ignored. Blocks that take no part, as "
      "the checkpoint's state or [growth] says, have zeros in the product. An older result may "
      "stand at --out; anything else there is left alone.");
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
