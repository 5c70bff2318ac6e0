// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/curvature/restricted_operator.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

#include <algorithm>

namespace kyrtos::curvature {

namespace {

using Range = ParameterLayout::Range;

/// The union, from front to back: what overlaps or touches becomes one range.
std::vector<Range> joined(std::vector<Range> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](Range const& a, Range const& b) { return a.offset < b.offset; });
  std::vector<Range> result;
  for (auto const& range : ranges) {
    if (range.size == 0) continue;
    if (!result.empty() && range.offset <= result.back().offset + result.back().size)
      result.back().size =
          std::max(result.back().size, range.offset + range.size - result.back().offset);
    else
      result.push_back(range);
  }
  return result;
}

}  // namespace

template <class Scalar, class Space>
RestrictedOperator<Scalar, Space>::RestrictedOperator(Context<Space> const& context,
                                                      LinearOperator<Scalar, Space>& inner,
                                                      std::vector<Range> ranges)
    : inner_(&inner),
      ranges_(joined(std::move(ranges))),
      x_(allocate<Scalar>(context, "curvature::restricted::x", inner.size())),
      y_(allocate<Scalar>(context, "curvature::restricted::y", inner.size())) {
  for (auto const& range : ranges_) {
    require(range.offset >= 0 && range.size > 0 && range.offset + range.size <= inner.size(),
            "RestrictedOperator: a range lies outside of the operator's vector");
    size_ += range.size;
  }
  require<ConfigError>(size_ > 0, "RestrictedOperator: the ranges hold no element");
}

template <class Scalar, class Space>
void RestrictedOperator<Scalar, Space>::apply(Context<Space> const& context,
                                              VectorView<Scalar const, Space> x,
                                              VectorView<Scalar, Space> y) {
  linalg::detail::common_size(x, y, "RestrictedOperator");
  Index from = 0;
  for (auto const& range : ranges_) {
    linalg::copy(context, slice(x, from, range.size), slice(x_, range.offset, range.size));
    from += range.size;
  }
  require(from == static_cast<Index>(x.size()),
          "RestrictedOperator: the vector has another size than the ranges together");
  inner_->apply(context, x_, y_);
  Index to = 0;
  for (auto const& range : ranges_) {
    linalg::copy(context, slice(y_, range.offset, range.size), slice(y, to, range.size));
    to += range.size;
  }
}

}  // namespace kyrtos::curvature

KYRTOS_INSTANTIATE(kyrtos::curvature::RestrictedOperator)
