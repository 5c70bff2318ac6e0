// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/train/config.hpp>

#include <string>

/// \file
/// \brief What a device can do, from a file, for predicted times (train/prediction.hpp).

namespace kyrtos::train {

/// Of what one rank has: a GPU, the half of one that is a device of its own, or cores of a CPU.
/// Formats that a device lacks are 0.
struct Device {
  std::string name;
  std::string source;  ///< Of the numbers: a data sheet, a measurement.
  enum class Kind { cpu, gpu } kind = Kind::gpu;

  double float32 = 0, float64 = 0, tf32 = 0, bf16 = 0;  ///< Matrix products, FLOP/s.
  double product_share = 0;  ///< Of these that the products of layers reach.
  bool adds_bias = false;    ///< As products are written: linalg::adds_addends().

  double vector_float32 = 0, vector_float64 = 0;  ///< All other arithmetic, FLOP/s.
  double vector_share = 0;                        ///< Of these that streamed attention reaches.

  double memory_bandwidth = 0;  ///< Bytes/s.
  double memory_share = 0;
  double launch_seconds = 0;

  double link_bandwidth = 0;  ///< Bytes/s that a rank sends while it receives as many.
  double link_latency = 0;    ///< Seconds of a message.
};

/// Reads a TOML file; apps/devices has examples. \throws ConfigError that names file, line and key
/// where a key is missing, unknown or has a value that it can't have; FileError.
Device load_device(std::string const& path);

/// What decides how passes in this precision are done there.
layers::Machine machine_of(Device const& device, Precision precision);

/// FLOP/s of products in this precision. \throws ConfigError, naming the key, where the device has
/// none.
double product_rate(Device const& device, Precision precision);

}  // namespace kyrtos::train
