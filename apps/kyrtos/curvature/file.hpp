// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "result.hpp"

#include <string>
#include <vector>

namespace kyrtos::program {

/// `curvature-<checkpoint>.h5` in the directory of the run that the checkpoint belongs to, or, so
/// that no measurement is lost to a later one, `curvature-<checkpoint>-2.h5` and so on.
std::string new_curvature_file(std::string const& checkpoint);

/// An HDF5 file of results, on one rank. Attributes say what was measured: `format` ("kyrtos
/// curvature"), `version`, `writer`, `checkpoint`, `matrix`, `method`, `hvps`, `summary` (the
/// JSON object of `--json` without curves) and `config` (the checkpoint's). Datasets, where
/// measured:
///
///     eigenvalues/{largest,smallest}  eigenvalues/{largest,smallest}_residual
///     batches/{largest,residual}                          of each batch alone
///     parts/{name,parameters,largest,largest_residual,smallest,smallest_residual}
///     trace/{value,standard_error}
///     spectrum/{grid,density,standard_error}
///     spectrum/{nodes,weights}                            of the quadrature, a probe a row
class CurvatureFile {
 public:
  /// Sees to it that the file can be written, which is better known before the work.
  /// \param inputs files that are read, which it can't be.
  /// \throws FileError, also where another kind of file has that path.
  CurvatureFile(std::string path, std::vector<std::string> const& inputs);

  /// Complete or absent; replaces a result that is there. \throws FileError
  void write(CurvatureResult const& result);
  /// A series: attributes `summary` (the JSON object of `--series --json`) and, of the first
  /// checkpoint, `matrix` and `method`; and a dataset a column, a number for each checkpoint, NaN
  /// where there is none:
  ///
  ///     series/{step,loss,largest,largest_residual,smallest,smallest_residual,batch_mean,
  ///             batch_standard_error,threshold_ratio,trace,trace_standard_error,hvps}
  void write(std::vector<CurvatureResult> const& series);

 private:
  std::string path_;
};

}  // namespace kyrtos::program
