// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/parameter_layout.hpp>

#include "context.hpp"

#include <type_traits>
#include <vector>

/// \file
/// \brief From the caller's arrays to contiguous views in the execution space's memory, and back.

namespace kyrtos::c {

/// The caller's array as it is called in errors, with what it must be.
struct Expected {
  char const* name;
  std::vector<Index> extents;
};

/// \throws Failure for a null pointer or unknown words, ShapeError for other extents.
void check_array(kyrtos_array const& array, Expected const& expected);

bool is_contiguous(kyrtos_array const& array);

/// Whether kernels can read and write it.
inline bool is_reachable(kyrtos_array const& array) {
  return array.memory == KYRTOS_DEVICE || compat::is_host_accessible<Space>;
}

inline bool is_real(kyrtos_type type) {
  return type == KYRTOS_FLOAT32 || type == KYRTOS_FLOAT64;
}

template <class T>
constexpr kyrtos_type type_of() {
  if constexpr (std::is_same_v<T, float>) return KYRTOS_FLOAT32;
  if constexpr (std::is_same_v<T, double>) return KYRTOS_FLOAT64;
  return KYRTOS_INT32;
}

/// Whether kernels can read the array where it is, and as it is.
template <class T>
bool is_in_place(kyrtos_array const& array) {
  return is_reachable(array) && array.type == type_of<T>() && is_contiguous(array);
}

/// The caller's memory for longer than a call. \throws ShapeError where it can't be worked on.
template <class T>
VectorView<T, Space> in_place(kyrtos_array const& array, Expected const& expected) {
  check_array(array, expected);
  if (!is_in_place<T>(array))
    throw ShapeError(std::string(expected.name) +
                     ": can be worked on in place only where it is contiguous, of the precision "
                     "asked for and in the memory of Kokkos' execution space");
  return VectorView<T, Space>(static_cast<T*>(array.data),
                              static_cast<std::size_t>(count_elements(expected.extents)));
}

/// to ← the array's elements in order. Waits where the array is in other memory.
template <class T>
void gather(Context<Space> const& context, kyrtos_array const& array, VectorView<T, Space> to);

/// array ← the elements, and waits until they are there.
template <class T>
void scatter(Context<Space> const& context, VectorView<T const, Space> from,
             kyrtos_array const& array);

/// What an Input may do with the caller's memory.
enum class Use {
  borrow,  ///< View it where that can be: for the length of a call.
  copy,    ///< Never look at it again.
};

/// An array that is read.
template <class T>
class Input {
 public:
  Input(Context<Space> const& context, kyrtos_array const& array, Expected const& expected,
        Use use = Use::borrow) {
    check_array(array, expected);
    Index const size = count_elements(expected.extents);
    if (use == Use::borrow && is_in_place<T>(array)) {
      view_ = VectorView<T const, Space>(static_cast<T const*>(array.data),
                                         static_cast<std::size_t>(size));
    } else {
      copy_ = allocate<T>(context, "c::input", size);
      gather<T>(context, array, copy_);
      if (use == Use::copy) context.fence("kyrtos::c::input");
      view_ = copy_;
    }
  }
  VectorView<T const, Space> view() const { return view_; }

 private:
  Vector<T, Space> copy_;
  VectorView<T const, Space> view_;
};

/// An array that is written: finish() brings the elements there, where they are not yet.
template <class T>
class Output {
 public:
  Output(Context<Space> const& context, kyrtos_array const& array, Expected const& expected)
      : array_(array) {
    check_array(array, expected);
    Index const size = count_elements(expected.extents);
    in_place_ = is_in_place<T>(array);
    if (in_place_) {
      view_ = VectorView<T, Space>(static_cast<T*>(array.data), static_cast<std::size_t>(size));
    } else {
      copy_ = allocate<T>(context, "c::output", size);
      view_ = copy_;
    }
  }
  VectorView<T, Space> view() const { return view_; }
  void finish(Context<Space> const& context) const {
    if (in_place_)
      context.fence("kyrtos::c::output");
    else
      scatter<T>(context, view_, array_);
  }

 private:
  kyrtos_array array_;
  bool in_place_ = false;
  Vector<T, Space> copy_;
  VectorView<T, Space> view_;
};

}  // namespace kyrtos::c
