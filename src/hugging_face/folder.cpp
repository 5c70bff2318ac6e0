// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/text.hpp>
#include <kyrtos/hugging_face/hugging_face.hpp>

#include "../io/files/file_kind.hpp"
#include "settings.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <set>

namespace kyrtos::hugging_face {

namespace fs = std::filesystem;

model::TransformerConfig read_config(std::string const& path, std::string const& if_missing) {
  std::string const wanted = "the model's config.json";
  auto look = io::look_at(path);
  if (look.kind == io::FileKind::unopened && !if_missing.empty()) look.fix = if_missing;
  constexpr std::uint64_t largest = 1 << 20;
  if (look.kind != io::FileKind::json || look.bytes > largest) io::refuse(path, look, wanted);
  return parse_config(io::read_text_file(path, wanted), path);
}

namespace {

constexpr char const* index_name = "model.safetensors.index.json";

/// The files that an index names, each once.
std::vector<std::string> indexed_files(fs::path const& path) {
  auto const index = path.string();
  auto const folder = path.parent_path();
  Settings const settings(io::read_text_file(index, "an index of a model's files (JSON)"), index);
  auto const names = settings.inside("weight_map").all_texts();
  std::vector<std::string> files;
  for (auto const& name : std::set<std::string>(names.begin(), names.end())) {
    if (name.empty() || fs::path(name).filename() != name || name == "..")
      throw FileError(
          fmt::format("{}: names '{}', which is no file of its folder", index, shown(name)));
    auto const file = folder / name;
    if (!fs::is_regular_file(file))
      throw FileError(
          fmt::format("{}: is missing, though {} names it; fetch the model again, "
                      "with all its files",
                      file.string(), path.filename().string()));
    files.push_back(file.string());
  }
  require<FileError>(!files.empty(), index + ": names no files");
  return files;
}

}  // namespace

bool is_index(std::string const& path) {
  return fs::is_regular_file(path) && path.ends_with(".safetensors.index.json");
}

Folder find_files(std::string const& model) {
  fs::path const path(model), folder = is_index(model) ? path.parent_path() : path;
  Folder found;
  found.config = (folder / "config.json").string();
  require<FileError>(fs::is_regular_file(found.config),
                     found.config + ": is missing; a model's folder has it beside the weights");
  auto const whole = folder / "model.safetensors";
  if (is_index(model))
    found.weights = indexed_files(path);
  else if (fs::is_regular_file(folder / index_name))
    found.weights = indexed_files(folder / index_name);
  else if (fs::is_regular_file(whole))
    found.weights = {whole.string()};
  else
    throw FileError(fmt::format("{}: has neither model.safetensors nor {}{}", model, index_name,
                                fs::exists(folder / "pytorch_model.bin")
                                    ? "; save its pytorch_model.bin again as safetensors"
                                    : ""));
  for (char const* name :
       {"tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json",
        "added_tokens.json", "vocab.json", "vocab.txt", "merges.txt", "chat_template.jinja"})
    if (fs::is_regular_file(folder / name)) found.tokenizer.push_back((folder / name).string());
  return found;
}

}  // namespace kyrtos::hugging_face
