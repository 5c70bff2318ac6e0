// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hugging_face_folder.hpp"

#include <kyrtos/hugging_face/hugging_face.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace kyrtos::c {

namespace {

namespace fs = std::filesystem;

/// Sorted, so that errors do not depend on the file system.
std::vector<std::string> weights_in(fs::path const& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (auto const& entry : fs::directory_iterator(folder, error))
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

std::string text_of(fs::path const& path) {
  std::ifstream file(path);
  std::error_code error;
  if (!file || fs::file_size(path, error) > 1 << 20 || error)
    throw FileError(path.string() + ": can't be read as a model's config.json");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

bool is_hugging_face_folder(std::string const& path) {
  std::error_code error;
  return fs::is_regular_file(fs::path(path) / "config.json", error) && !weights_in(path).empty();
}

template <class Scalar>
std::shared_ptr<Model<Scalar>> load_hugging_face(Context<Space> const& context,
                                                 std::string const& path) {
  train::RunConfig settings;
  if (std::is_same_v<Scalar, double>) settings.training.precision = train::Precision::float64;
  agreed(context.communicator(), [&] {
    auto const config = fs::path(path) / "config.json";
    settings.model = hugging_face::parse_config(text_of(config), config.string());
  });
  auto model = std::make_shared<Model<Scalar>>(context, settings);
  agreed(context.communicator(), [&] {
    auto const names = weights_in(path);
    auto theta =
        hugging_face::read<Scalar>(std::vector<io::SafetensorsFile>(names.begin(), names.end()),
                                   settings.model, model->layout());
    kyrtos_array const array{.data = theta.data(),
                             .type = type_of<Scalar>(),
                             .memory = KYRTOS_HOST,
                             .rank = 1,
                             .extents = {model->size()},
                             .strides = {}};
    gather<Scalar>(context, array, model->theta());
    context.fence("kyrtos::c::load_hugging_face");
  });
  return model;
}

template std::shared_ptr<Model<float>> load_hugging_face(Context<Space> const&, std::string const&);
template std::shared_ptr<Model<double>> load_hugging_face(Context<Space> const&,
                                                          std::string const&);

}  // namespace kyrtos::c
