// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../command.hpp"

#include <kyrtos/core/error.hpp>
#include <kyrtos/hugging_face/hugging_face.hpp>
#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/model/transformer.hpp>
#include <kyrtos/parallel/agreement.hpp>
#include <kyrtos/train/config.hpp>

#include "../common/finite.hpp"
#include "../common/format.hpp"
#include "../common/output.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fmt/core.h>
#include <fstream>
#include <sstream>

namespace kyrtos::program {

namespace {

using Host = Kokkos::DefaultHostExecutionSpace;

struct ImportOptions {
  std::vector<std::string> files;
  std::string config, output;
};

/// That of the model, beside its first file unless given.
model::TransformerConfig model_of(ImportOptions const& o) {
  auto const beside = std::filesystem::path(o.files.front()).replace_filename("config.json");
  auto const path = o.config.empty() ? beside.string() : o.config;
  std::ifstream file(path);
  std::error_code error;
  if (!file || std::filesystem::file_size(path, error) > 1 << 20 || error)
    throw FileError(path + ": can't be read; give the model's config.json by --config");
  std::ostringstream text;
  text << file.rdbuf();
  return hugging_face::parse_config(text.str(), path);
}

/// A checkpoint that no training wrote, which would have a state.
bool is_own_result(std::string const& path) {
  return io::CheckpointReader(Communicator(MPI_COMM_SELF), path).text().state.empty();
}

template <class Scalar>
void convert(std::vector<io::SafetensorsFile> const& files, train::RunConfig const& config,
             std::string const& output) {
  auto const layout = model::Transformer<Scalar, Host>(config.model).layout();
  auto const theta = hugging_face::read<Scalar>(files, config.model, layout);
  VectorView<Scalar const, Host> const view(theta.data(), theta.size());
  require_finite<Scalar, Host>(Context<Host>(MPI_COMM_SELF), layout, view, files.front().path(),
                               "get the model again");
  io::write_checkpoint<Scalar, Host>(Context<Host>(MPI_COMM_SELF), output,
                                     {train::to_toml(config), ""}, layout, {{"parameters", view}});
  fmt::print("Wrote {}: {} parameters in float{}, {} blocks\n", output,
             scaled(static_cast<double>(theta.size())), 8 * sizeof(Scalar), config.model.depth);
}

void import_model(ImportOptions const& o) {
  train::RunConfig config;
  config.model = model_of(o);
  auto inputs = o.files;
  if (!o.config.empty()) inputs.push_back(o.config);
  require_output({.option = "--output",
                  .path = o.output,
                  .writer = "kyrtos import",
                  .inputs = inputs,
                  .is_result = is_own_result},
                 0);
  std::vector<io::SafetensorsFile> files(o.files.begin(), o.files.end());
  bool const is_double = std::any_of(files.begin(), files.end(), [](auto const& file) {
    return std::any_of(file.tensors().begin(), file.tensors().end(),
                       [](auto const& tensor) { return tensor.type == "F64"; });
  });
  config.training.precision = is_double ? train::Precision::float64 : train::Precision::float32;
  is_double ? convert<double>(files, config, o.output) : convert<float>(files, config, o.output);
}

}  // namespace

void add_import(CLI::App& app, Action& action) {
  auto const o = std::make_shared<ImportOptions>();
  auto* const command = app.add_subcommand(
      "import", "Make a checkpoint of a GPT-2 or Llama of Hugging Face (safetensors)");
  command
      ->add_option("files", o->files,
                   "The model: model.safetensors, or all the files that it is cut into")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("--config", o->config, "Its config.json, unless that lies beside it")
      ->check(CLI::ExistingFile);
  command->add_option("--output", o->output, "Checkpoint to write")->required()->type_name("FILE");
  command->footer(
      "F16, BF16 and F32 become float32, F64 float64: no bit is lost. The checkpoint is for "
      "`kyrtos sample`, `curvature` and `hvp`; a training starts from it by training.start = "
      "\"FILE\", with the [model] that `kyrtos info FILE` shows.\n\n"
      "Example: kyrtos import gpt2/model.safetensors --output gpt2.h5");
  command->callback([o, &action] {
    action.on_ranks = [o](MPI_Comm ranks) {
      parallel::on_root<Error>(Communicator(ranks), [&] { import_model(*o); });
      return 0;
    };
  });
}

}  // namespace kyrtos::program
