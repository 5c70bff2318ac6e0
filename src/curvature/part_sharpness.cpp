// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/curvature/detail/start_vector.hpp>
#include <kyrtos/curvature/part_sharpness.hpp>

#include <cmath>
#include <limits>

namespace kyrtos::curvature {

template <class Scalar, class Space>
PartSharpness<Scalar, Space>::PartSharpness(Context<Space> const& context,
                                            Partition const& partition, std::vector<Range> parts,
                                            std::uint64_t seed)
    : partition_(partition),
      parts_(std::move(parts)),
      vectors_(allocate<Scalar>(context, "curvature::part_vectors", partition.local_size())),
      u_(allocate<Scalar>(context, "curvature::part_u", partition.local_size())),
      image_(allocate<Scalar>(context, "curvature::part_image", partition.local_size())) {
  if (context.options().counts_memory) return;  // there is nothing to fill
  DistributedView<Scalar, Space> const all(vectors_, partition_), u(u_, partition_);
  detail::fill_normal(context, all, detail::philox(seed, detail::Stream::start));
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    linalg::fill(context, u_, 0);
    copy_part(context, p, vectors_, u_);
    detail::normalize(context, u);
    copy_part(context, p, u_, vectors_);
  }
}

template <class Scalar, class Space>
void PartSharpness<Scalar, Space>::copy_part(Context<Space> const& context, std::size_t p,
                                             VectorView<Scalar, Space> from,
                                             VectorView<Scalar, Space> to) const {
  for (auto const& s : partition_.slices(parts_[p]))
    linalg::copy(context, slice(from, s.local, s.size), slice(to, s.local, s.size));
}

template <class Scalar, class Space>
double PartSharpness<Scalar, Space>::update(Context<Space> const& context,
                                            LinearOperator<Scalar, Space>& a, std::size_t p) {
  DistributedView<Scalar, Space> const u(u_, partition_), image(image_, partition_);
  linalg::fill(context, u_, 0);
  copy_part(context, p, vectors_, u_);
  a.apply(context, u_, image_);
  double const quotient = linalg::dot(context, u, image);
  copy_part(context, p, image_, u_);
  double const length = detail::normalize(context, u);
  if (!(length > 0) || !std::isfinite(length)) return std::numeric_limits<double>::quiet_NaN();
  copy_part(context, p, u_, vectors_);
  return quotient;
}

KYRTOS_INSTANTIATE(kyrtos::curvature::PartSharpness)

}  // namespace kyrtos::curvature
