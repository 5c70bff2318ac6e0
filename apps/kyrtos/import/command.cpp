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
#include "io/files/replacement.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fmt/core.h>
#include <fstream>
#include <iterator>

namespace kyrtos::program {

namespace {

namespace fs = std::filesystem;
using Host = Kokkos::DefaultHostExecutionSpace;

struct ImportOptions {
  std::vector<std::string> paths, data;
  std::string config, output;
};

bool is_folder_or_index(std::string const& path) {
  return fs::is_directory(path) || hugging_face::is_index(path);
}

/// A folder or its index, or files of weights and the config.json beside the first of them.
hugging_face::Folder model_of(ImportOptions const& o) {
  hugging_face::Folder found;
  if (o.paths.size() == 1 && is_folder_or_index(o.paths.front())) {
    found = hugging_face::find_files(o.paths.front());
  } else {
    for (auto const& path : o.paths)
      require<FileError>(!is_folder_or_index(path),
                         path + ": give one folder or index alone, or files of weights");
    found.config = fs::path(o.paths.front()).replace_filename("config.json").string();
    found.weights = o.paths;
  }
  if (!o.config.empty()) found.config = o.config;
  return found;
}

/// What is written: `output`, and beside it what begins with the same name.
struct Outputs {
  fs::path checkpoint, toml, tokenizer;

  explicit Outputs(ImportOptions const& o) : checkpoint(o.output) {
    if (o.output.empty()) {
      auto const model = fs::canonical(o.paths.front());
      require<ConfigError>(is_folder_or_index(model.string()),
                           "import: give the checkpoint to write by --output");
      auto const name = (fs::is_directory(model) ? model : model.parent_path()).filename().string();
      checkpoint = name + ".h5";
    }
    toml = fs::path(checkpoint).replace_extension(".toml");
    tokenizer = fs::path(checkpoint).replace_extension(".tokenizer");
    require<ConfigError>(toml != checkpoint && tokenizer != checkpoint,
                         "import: --output is the checkpoint, a file such as model.h5");
  }
};

/// A run that starts from the checkpoint, small enough for any machine that holds the model.
train::RunConfig run_of(model::TransformerConfig const& model, Outputs const& outputs,
                        ImportOptions const& o) {
  constexpr Index length = 512, sequences = 2;
  train::RunConfig config;
  config.model = model;
  config.data.train = o.data;
  if (o.data.empty())
    config.data.train = {model.vocabulary == 256
                             ? std::string("text.txt")
                             : fs::path(outputs.checkpoint).replace_extension(".bin").string()};
  config.training.start = outputs.checkpoint.string();
  config.training.length = std::min(model.context, length);
  config.training.batch = sequences;
  config.training.steps = 100;
  config.curvature.probe_sequences = sequences;
  config.schedule.peak = 1e-5;
  config.schedule.warmup_steps = 10;
  config.output.directory = (fs::path("runs") / fs::path(outputs.checkpoint).stem()).string();
  return config;
}

std::string toml_of(train::RunConfig const& config, Outputs const& outputs) {
  return fmt::format(
             "# Goes on training the model of {}: `kyrtos train`, `plan`, `curvature` and "
             "`sample`\n"
             "# take this file. data.train must hold tokens of the model's own tokenizer.\n\n",
             outputs.checkpoint.string()) +
         train::to_toml(config);
}

/// Of a tokenizer's file, which need not be text.
std::string contents_of(fs::path const& path) {
  constexpr std::uintmax_t most = 64 << 20;
  std::ifstream file(path, std::ios::binary);
  std::error_code error;
  require<FileError>(file && fs::file_size(path, error) <= most && !error,
                     path.string() + ": can't be read, or is longer than 64 MiB");
  return {std::istreambuf_iterator<char>(file), {}};
}

/// What is there already, and is something else, stays. \throws FileError
void require_free(fs::path const& path, std::string const& text) {
  if (fs::exists(path) && contents_of(path) != text)
    throw FileError(path.string() +
                    ": is there already and would be changed; move it, or choose another --output");
}

/// A checkpoint that no training wrote, which would have a state.
bool is_import(std::string const& path) {
  return io::CheckpointReader(Communicator(MPI_COMM_SELF), path).text().state.empty();
}

/// The configuration, then the tokenizer's files; nothing beside a device.
std::vector<std::pair<fs::path, std::string>> texts_beside(train::RunConfig const& config,
                                                           Outputs const& outputs,
                                                           hugging_face::Folder const& found) {
  if (!io::output_target(outputs.checkpoint.string()).is_plain) return {};
  std::vector<std::pair<fs::path, std::string>> texts{{outputs.toml, toml_of(config, outputs)}};
  for (auto const& path : found.tokenizer)
    texts.emplace_back(outputs.tokenizer / fs::path(path).filename(), contents_of(path));
  return texts;
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
  Outputs const outputs(o);
  auto const found = model_of(o);
  auto config = run_of(hugging_face::read_config(found.config, "name it by --config"), outputs, o);
  auto inputs = found.weights;
  inputs.push_back(found.config);
  require_output({.option = "--output",
                  .path = outputs.checkpoint.string(),
                  .writer = "kyrtos import",
                  .inputs = inputs,
                  .is_result = is_import},
                 0);
  std::vector<io::SafetensorsFile> files(found.weights.begin(), found.weights.end());
  bool const is_double = std::any_of(files.begin(), files.end(), [](auto const& file) {
    return std::any_of(file.tensors().begin(), file.tensors().end(),
                       [](auto const& tensor) { return tensor.type == "F64"; });
  });
  config.training.precision = is_double ? train::Precision::float64 : train::Precision::float32;

  auto const texts = texts_beside(config, outputs, found);
  for (auto const& [path, text] : texts) require_free(path, text);
  is_double ? convert<double>(files, config, outputs.checkpoint.string())
            : convert<float>(files, config, outputs.checkpoint.string());
  for (auto const& [path, text] : texts) {
    fs::create_directories(fs::absolute(path).parent_path());
    io::write_text_file(path.string(), text);
    if (path == outputs.toml) fmt::print("Wrote {}, by which training goes on\n", path.string());
  }
  if (texts.size() > 1)
    fmt::print("Kept {} files of its tokenizer in {}\n", texts.size() - 1,
               outputs.tokenizer.string());
}

}  // namespace

void add_import(CLI::App& app, Action& action) {
  auto const o = std::make_shared<ImportOptions>();
  auto* const command =
      app.add_subcommand("import", "Make a checkpoint of a model of Hugging Face (safetensors)");
  command
      ->add_option(
          "paths", o->paths,
          "The model: its folder, its index (*.safetensors.index.json), model.safetensors, or all "
          "files that it is cut into")
      ->required()
      ->check(CLI::ExistingPath);
  command->add_option("--config", o->config, "Its config.json, unless that lies beside it")
      ->check(CLI::ExistingFile);
  command
      ->add_option("--output", o->output,
                   "Checkpoint to write; for a folder FOLDER.h5 unless given. Beside it come a "
                   "configuration (.toml) and the tokenizer's files (.tokenizer/)")
      ->type_name("FILE");
  command->add_option("--data", o->data, "Training files that the configuration names")
      ->type_name("FILE");
  command->footer(
      "F16, BF16 and F32 become float32, F64 float64: no bit is lost. docs/interchange.md lists "
      "the "
      "families.\n\n"
      "Example: kyrtos import gpt2 && kyrtos sample gpt2.h5");
  command->callback([o, &action] {
    action.on_ranks = [o](MPI_Comm ranks) {
      parallel::on_root<Error>(Communicator(ranks), [&] { import_model(*o); });
      return 0;
    };
  });
}

}  // namespace kyrtos::program
