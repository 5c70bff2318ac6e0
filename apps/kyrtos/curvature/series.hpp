// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/communicator.hpp>

#include "result.hpp"

#include <string>
#include <vector>

namespace kyrtos::program {

/// A checkpoint and its training step: what its state says or, of a model from elsewhere, the last
/// number in its path. -1 where there is none.
struct SeriesMember {
  std::string path;
  Index step = -1;
};

/// What paths and patterns name, by step; of a directory all checkpoints. Collective.
/// \throws FileError where there is nothing, or where it is no checkpoint.
std::vector<SeriesMember> find_series(Communicator const& ranks,
                                      std::vector<std::string> const& patterns);

/// `curvature-series.h5`, or `-2.h5` and so on, in the directory of the first checkpoint's run.
std::string new_series_file(std::string const& checkpoint);

/// The lines above the table, once there is a first result.
std::string series_heading(CurvatureResult const& first);
/// A checkpoint's line of the table.
std::string series_row(CurvatureResult const& result);
/// One JSON object on one line: `series` has an object as `--json` prints it for each checkpoint.
std::string series_json(std::vector<CurvatureResult> const& results);

}  // namespace kyrtos::program
