// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/kyrtos.h>

#include "../support/numbers.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <vector>

/// \file
/// \brief What tests of the C interface share: handles, arrays and batches of a tiny model.

namespace kyrtos::testing {

inline char const* const tiny_model = R"(
  model = { vocabulary = 11, context = 6, depth = 2, width = 8, heads = 2 }
  training.clip_norm = 0.0
  optimizer = { beta2 = 0.9, weight_decay = 0.0 })";

template <class T>
kyrtos_array array_of(std::vector<T>& v, std::vector<std::int64_t> extents) {
  kyrtos_array a{};
  a.data = v.data();
  a.type = std::is_same_v<T, float>    ? KYRTOS_FLOAT32
           : std::is_same_v<T, double> ? KYRTOS_FLOAT64
           : sizeof(T) == 4            ? KYRTOS_INT32
                                       : KYRTOS_INT64;
  a.rank = static_cast<std::int64_t>(extents.size());
  std::copy(extents.begin(), extents.end(), a.extents);
  return a;
}

inline kyrtos_array array_of(Numbers& v) {
  return array_of(v, {static_cast<std::int64_t>(v.size())});
}

/// A context, a tiny model in float64, and all that was made from them.
struct TinyModel {
  explicit TinyModel(MPI_Comm ranks = MPI_COMM_SELF, char const* config = tiny_model) {
    REQUIRE(kyrtos_context_create(ranks, nullptr, &context) == KYRTOS_OK);
    auto const status = kyrtos_model_create(context, config, KYRTOS_FLOAT64, &model);
    INFO(kyrtos_context_error(context));
    REQUIRE(status == KYRTOS_OK);
    REQUIRE(kyrtos_model_initialize(model, 7) == KYRTOS_OK);
    REQUIRE(kyrtos_model_size(model, &size) == KYRTOS_OK);
  }
  ~TinyModel() {
    kyrtos_context_destroy(context);  // the wrong order on purpose
    kyrtos_model_destroy(model);
  }
  TinyModel(TinyModel const&) = delete;
  TinyModel& operator=(TinyModel const&) = delete;

  Numbers zeros() const { return Numbers(static_cast<std::size_t>(size)); }

  kyrtos_context* context = nullptr;
  kyrtos_model* model = nullptr;
  std::int64_t size = 0;
};

/// `sequences` sequences of six tokens, from sequence `first` of an endless list on.
struct TinyBatch {
  explicit TinyBatch(int first = 0, int sequences = 4) {
    for (int i = 6 * first; i < 6 * (first + sequences); ++i) {
      inputs.push_back(i * i % 11);
      targets.push_back(i % 5 == 0 ? -1 : (i + 1) * (i + 1) % 11);
    }
    batch = {array_of(inputs, {sequences, 6}), array_of(targets, {sequences, 6}), 0};
  }
  std::vector<std::int32_t> inputs, targets;
  kyrtos_batch batch;
};

}  // namespace kyrtos::testing
