// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <stdexcept>
#include <string>

/// \file
/// \brief The exceptions Kyrtos throws. Every message says what is wrong, where, and the fix.

namespace kyrtos {

/// Base of all exceptions of the library.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A setting that is unknown, out of range, or contradicts another.
struct ConfigError : Error {
  using Error::Error;
};

/// A file that is absent, truncated, damaged, or not what it should be.
struct FileError : Error {
  using Error::Error;
};

/// Extents of arguments that do not fit each other.
struct ShapeError : Error {
  using Error::Error;
};

/// A NaN or an infinity where a number is needed.
struct NumericalError : Error {
  using Error::Error;
};

/// Throws E(message) unless the condition holds.
template <class E = ShapeError>
void require(bool condition, std::string const& message) {
  if (!condition) throw E(message);
}

/// The same without building a string where the condition holds: for hot paths.
template <class E = ShapeError>
void require(bool condition, char const* message) {
  if (!condition) throw E(message);
}

}  // namespace kyrtos
