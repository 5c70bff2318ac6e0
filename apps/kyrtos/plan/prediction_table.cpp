// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "prediction_table.hpp"

#include "../common/format.hpp"

#include <fmt/core.h>
#include <utility>
#include <vector>

namespace kyrtos::program {

namespace {

using Named = std::pair<std::string, train::PredictedTime const*>;

std::vector<Named> operations_of(train::Prediction const& p) {
  std::vector<Named> all{{"step", &p.step}};
  if (p.product.total() > 0)
    all.insert(all.end(), {{"product", &p.product}, {"tracked_step", &p.tracked_step}});
  return all;
}

/// visit(name, work, seconds) for each class.
template <class Visit>
void for_each_class(train::PredictedTime const& t, Visit const& visit) {
  for (std::size_t i = 0; i < model::kernel_classes; ++i) {
    auto const kernels = static_cast<model::KernelClass>(i);
    visit(model::name_of(kernels), t.work[kernels], t.seconds[i]);
  }
}

std::string line(std::string const& name, model::Work const& work, double seconds, double share) {
  return fmt::format("  {:<20} {:>12} {:>12} {:>10} {:>9.0f} {:>10} {:>6.1f} %\n", name,
                     scaled(work.products), scaled(work.flops),
                     scaled(work.product_bytes + work.bytes), work.launches, time_text(seconds),
                     100 * share);
}

}  // namespace

std::string prediction_table(train::Prediction const& prediction, train::Device const& device) {
  auto text = fmt::format("Predicted from the rates of {}, by formula, for a rank:\n", device.name);
  for (auto const& [name, time] : operations_of(prediction)) {
    double const total = time->total();
    text += fmt::format("  {:<20} {:>12} {:>12} {:>10} {:>9} {:>10} {:>8}\n",
                        name == "tracked_step" ? "tracked step" : name, "matrix FLOP",
                        "vector FLOP", "bytes", "launches", "time", "share");
    for_each_class(*time, [&](std::string const& kernels, model::Work const& work, double seconds) {
      text += line("  " + kernels, work, seconds, seconds / total);
    });
    text += line("  messages", {}, time->messages, time->messages / total);
    text += line("  together", time->work.total(), total, 1);
  }
  return text;
}

nlohmann::json prediction_json(train::Prediction const& prediction, train::Device const& device) {
  nlohmann::json j{{"device", device.name}};
  for (auto const& [name, time] : operations_of(prediction)) {
    auto& operation = j[name];
    operation["seconds"] = time->total();
    operation["messages_s"] = time->messages;
    for_each_class(*time, [&](std::string const& kernels, model::Work const& work, double seconds) {
      operation["classes"][kernels] = {
          {"matrix_flops", work.products},       {"vector_flops", work.flops},
          {"product_bytes", work.product_bytes}, {"bytes", work.bytes},
          {"launches", work.launches},           {"seconds", seconds}};
    });
  }
  return j;
}

}  // namespace kyrtos::program
