// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../command.hpp"

#include <kyrtos/core/error.hpp>
#include <kyrtos/hugging_face/hugging_face.hpp>
#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/model/transformer.hpp>
#include <kyrtos/parallel/agreement.hpp>
#include <kyrtos/train/config.hpp>
#include <kyrtos/train/run_parts.hpp>
#include <kyrtos/train/run_training.hpp>

#include "../common/finite.hpp"
#include "../common/output.hpp"
#include "io/files/replacement.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/core.h>
#include <fstream>
#include <nlohmann/json.hpp>

namespace kyrtos::program {

namespace {

using Host = Kokkos::DefaultHostExecutionSpace;

struct ExportOptions {
  std::string checkpoint, output, config, type;
};

std::optional<io::NumberType> type_called(std::string const& name) {
  for (auto const type : {io::NumberType::float16, io::NumberType::bfloat16,
                          io::NumberType::float32, io::NumberType::float64})
    if (name == io::name_of(type)) return type;
  return std::nullopt;
}

constexpr char writer[] = "kyrtos export";

bool is_own_model(std::string const& path) {
  auto const& metadata = io::SafetensorsFile(path).metadata();
  auto const found = metadata.find("writer");
  return found != metadata.end() && found->second.starts_with("kyrtos");
}

bool is_own_config(std::string const& path) {
  std::ifstream file(path);
  auto const json = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  return json.is_object() && json.contains("kyrtos_version");
}

/// Before the work.
void require_outputs(ExportOptions const& o, std::string const& checkpoint) {
  require_output({.option = "--output",
                  .path = o.output,
                  .writer = writer,
                  .inputs = {checkpoint},
                  .is_result = is_own_model},
                 0);
  if (o.config.empty()) return;
  require_output({.option = "--config",
                  .path = o.config,
                  .writer = writer,
                  .inputs = {checkpoint},
                  .is_result = is_own_config},
                 0);
}

template <class Scalar>
void convert(ExportOptions const& o, io::CheckpointReader const& file,
             train::RunConfig const& config) {
  auto const layout = model::Transformer<Scalar, Host>(config.model).layout();
  file.check("parameters", layout);
  std::vector<Scalar> theta(static_cast<std::size_t>(layout.size()));
  file.read<Scalar, Host>(Context<Host>(MPI_COMM_SELF), "parameters", layout,
                          VectorView<Scalar, Host>(theta.data(), theta.size()));
  require_finite<Scalar, Host>(Context<Host>(MPI_COMM_SELF), layout,
                               VectorView<Scalar const, Host>(theta.data(), theta.size()),
                               file.path(), "use a checkpoint from before that");
  auto const type =
      hugging_face::write<Scalar>(o.output, config.model, layout, theta, type_called(o.type));
  fmt::print("Wrote {} in {}\n", o.output, io::name_of(type));
  if (o.config.empty()) return;
  io::write_text_file(o.config, hugging_face::to_json(config.model));
  fmt::print("Wrote {}\n", o.config);
}

void export_model(ExportOptions const& o) {
  io::CheckpointReader const file(Communicator(MPI_COMM_SELF),
                                  train::find_checkpoint(o.checkpoint));
  auto const config = train::parse_config(file.text().config, file.path());
  require_outputs(o, file.path());
  auto const active = train::active_blocks(config, file.text().state, file.path());
  if (std::find(active.begin(), active.end(), false) != active.end())
    throw FileError(file.path() +
                    ": holds blocks that don't take part yet, which Hugging Face's models have no "
                    "way to say");
  config.training.precision == train::Precision::float64 ? convert<double>(o, file, config)
                                                         : convert<float>(o, file, config);
}

}  // namespace

void add_export(CLI::App& app, Action& action) {
  auto const o = std::make_shared<ExportOptions>();
  auto* const command = app.add_subcommand(
      "export", "Write a checkpoint as a GPT-2 or Llama of Hugging Face (safetensors)");
  command->add_option("checkpoint", o->checkpoint, "Checkpoint, or directory of a run")
      ->required()
      ->check(CLI::ExistingPath);
  command->add_option("--output", o->output, "File to write, for instance model.safetensors")
      ->required()
      ->type_name("FILE");
  command->add_option("--config", o->config, "Also write the model's config.json, as this file")
      ->type_name("FILE");
  command
      ->add_option("--dtype", o->type,
                   "How numbers are stored, rounded to nearest; auto: the shortest that changes no "
                   "bit, so that what was imported comes back as it was")
      ->default_str("auto")
      ->check(CLI::IsMember({"auto", "BF16", "F16", "F32", "F64"}));
  command->footer(
      "Models that are a GPT-2 or a Llama can be written; of any other the error names the setting "
      "by which it is neither.\n\n"
      "Example: kyrtos export runs/mine --output model.safetensors --config config.json");
  command->callback([o, &action] {
    action.on_ranks = [o](MPI_Comm ranks) {
      parallel::on_root<Error>(Communicator(ranks), [&] { export_model(*o); });
      return 0;
    };
  });
}

}  // namespace kyrtos::program
