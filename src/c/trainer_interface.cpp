// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "training.hpp"

using namespace kyrtos;
using namespace kyrtos::c;

struct kyrtos_trainer final : HandleOf<Either<Training>> {
  using HandleOf::HandleOf;
};

kyrtos_status kyrtos_trainer_create(kyrtos_model* model, kyrtos_trainer** made) {
  return create(model, made, [&] {
    return std::visit(
        []<class Scalar>(std::shared_ptr<Model<Scalar>> const& m) -> Either<Training> {
          return std::make_shared<Training<Scalar>>(m);
        },
        model->body());
  });
}

kyrtos_status kyrtos_trainer_watch(kyrtos_trainer* handle, kyrtos_batch const* probe) {
  return with(handle, [&](auto& training) { training.watch(std::span(probe, 1)); });
}

kyrtos_status kyrtos_trainer_step(kyrtos_trainer* handle, kyrtos_batch const* batches,
                                  int64_t count, double learning_rate, kyrtos_step* report) {
  return with(handle, [&](auto& training) {
    auto const size = static_cast<std::size_t>(std::max<int64_t>(count, 0));
    auto const done = training.step(std::span(batches, size), learning_rate);
    if (report != nullptr) *report = done;
  });
}

kyrtos_status kyrtos_trainer_save(kyrtos_trainer* handle, char const* path) {
  return with(handle, [&](auto& training) {
    require_argument(path != nullptr, "the checkpoint's path is NULL");
    training.save(path);
  });
}

kyrtos_status kyrtos_trainer_allow_change(kyrtos_trainer* handle, char const* key) {
  return with(handle, [&](auto& training) {
    require_argument(key != nullptr, "the key is NULL");
    training.allow_change(key);
  });
}

kyrtos_status kyrtos_trainer_restore(kyrtos_trainer* handle, char const* path) {
  return with(handle, [&](auto& training) {
    require_argument(path != nullptr, "the checkpoint's path is NULL");
    training.restore(path);
  });
}

char const* kyrtos_trainer_error(kyrtos_trainer const* trainer) {
  return trainer == nullptr ? "the trainer is NULL" : trainer->error();
}

void kyrtos_trainer_destroy(kyrtos_trainer* trainer) {
  delete trainer;
}
