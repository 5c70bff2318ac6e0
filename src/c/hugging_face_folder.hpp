// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "model.hpp"

namespace kyrtos::c {

/// Whether the path is a directory as `save_pretrained` writes it: with a config.json.
bool is_hugging_face_folder(std::string const& path);

/// The model in such a directory. Collective: every rank reads it.
template <class Scalar>
std::shared_ptr<Model<Scalar>> load_hugging_face(Context<Space> const& context,
                                                 std::string const& path);

}  // namespace kyrtos::c
