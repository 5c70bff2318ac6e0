// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/region.hpp>
#include <kyrtos/linalg/gemm.hpp>
#include <kyrtos/linalg/newton_schulz.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

#include <algorithm>

namespace kyrtos::linalg {

std::vector<OddQuintic> polar_steps() {
  auto steps = muon_steps(10);
  steps.insert(steps.end(), 4, {15.0 / 8, -10.0 / 8, 3.0 / 8});
  return steps;
}

template <class Scalar, class Space>
NewtonSchulz<Scalar, Space>::NewtonSchulz(Context<Space> const& context, std::string const& name,
                                          Index elements, Index side)
    : side_(side), memory_(allocate<Scalar>(context, name, elements + 2 * side * side)) {}

template <class Scalar, class Space>
void NewtonSchulz<Scalar, Space>::apply(Context<Space> const& context, MatrixView<Scalar, Space> x,
                                        std::span<OddQuintic const> steps) const {
  auto const all = flat(x);
  Index const size = static_cast<Index>(all.size());
  Index const side = static_cast<Index>(std::min(x.extent(0), x.extent(1)));
  require<ShapeError>(
      side <= side_ && size + 2 * side_ * side_ <= static_cast<Index>(memory_.size()),
      "NewtonSchulz: a larger matrix than it was made for");
  double const length = norm(context, all);
  if (length == 0) return;
  Region<Space> const region(context, "kyrtos::newton_schulz");  // its products tell their work
  scale(context, 1 / length, all);
  for (auto const& p : steps) step(context, x, p);
}

/// X ← aX + (bG + cG²)X with G = XXᵀ, or from the right with G = XᵀX where that is smaller.
template <class Scalar, class Space>
void NewtonSchulz<Scalar, Space>::step(Context<Space> const& context, MatrixView<Scalar, Space> x,
                                       OddQuintic const& p) const {
  Index const rows = static_cast<Index>(x.extent(0)), columns = static_cast<Index>(x.extent(1));
  bool const is_wide = rows <= columns;
  Index const side = std::min(rows, columns);
  auto const g = as_matrix(memory_, 0, side, side), q = as_matrix(memory_, side * side, side, side);
  auto const y = as_matrix(memory_, 2 * side_ * side_, rows, columns);
  auto const to_scalar = [](double value) { return static_cast<Scalar>(value); };
  constexpr auto no = Transpose::no, yes = Transpose::yes;
  copy(context, flat(x), flat(y));
  gemm<Scalar>(context, is_wide ? no : yes, is_wide ? yes : no, Scalar(1), y, y, Scalar(0), g);
  copy(context, flat(g), flat(q));
  gemm<Scalar>(context, no, no, to_scalar(p.c), g, g, to_scalar(p.b), q);
  if (is_wide)
    gemm<Scalar>(context, no, no, Scalar(1), q, y, to_scalar(p.a), x);
  else
    gemm<Scalar>(context, no, no, Scalar(1), y, q, to_scalar(p.a), x);
}

}  // namespace kyrtos::linalg

KYRTOS_INSTANTIATE(kyrtos::linalg::NewtonSchulz)
