// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/communicator.hpp>
#include <kyrtos/train/run_parts.hpp>

#include <map>
#include <string>

namespace kyrtos::train {

/// What the files under `data.train` and `data.validation` hold, by key: `4096 tokens with checksum
/// …`. The checksum is of all tokens of small data, and of some throughout large ones: changed
/// data are told apart by it, damaged ones need not be. Rank 0 reads. Collective. \throws FileError
std::map<std::string, std::string> content_of(TrainingData const& data, RunConfig const& config,
                                              Communicator const& ranks);

}  // namespace kyrtos::train
