// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/train/prediction.hpp>

#include <nlohmann/json.hpp>
#include <string>

namespace kyrtos::program {

/// Of a step, a product and a tracked step: work and predicted time of a rank by class of kernels.
std::string prediction_table(train::Prediction const& prediction, train::Device const& device);

/// The same: `device`, and for `step`, `product` and `tracked_step` the `seconds`, the
/// `messages_s` in them, and `classes` by name, each with `matrix_flops`, `vector_flops`, `bytes`,
/// `launches` and `seconds`.
nlohmann::json prediction_json(train::Prediction const& prediction, train::Device const& device);

}  // namespace kyrtos::program
