// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "hugging_face_folder.hpp"

#include <kyrtos/hugging_face/hugging_face.hpp>

#include <filesystem>

namespace kyrtos::c {

bool is_hugging_face_folder(std::string const& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(std::filesystem::path(path) / "config.json", error);
}

template <class Scalar>
std::shared_ptr<Model<Scalar>> load_hugging_face(Context<Space> const& context,
                                                 std::string const& path) {
  train::RunConfig settings;
  if (std::is_same_v<Scalar, double>) settings.training.precision = train::Precision::float64;
  hugging_face::Folder found;
  agreed(context.communicator(), [&] {
    found = hugging_face::find_files(path);
    settings.model = hugging_face::read_config(found.config);
  });
  auto model = std::make_shared<Model<Scalar>>(context, settings);
  agreed(context.communicator(), [&] {
    std::vector<io::SafetensorsFile> const files(found.weights.begin(), found.weights.end());
    auto theta = hugging_face::read<Scalar>(files, settings.model, model->layout());
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
