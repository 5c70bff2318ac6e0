// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/region.hpp>
#include <kyrtos/layers/detail/rows.hpp>
#include <kyrtos/layers/projection_head.hpp>
#include <kyrtos/linalg/gemm.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

#include <algorithm>
#include <optional>

namespace kyrtos::layers {

using linalg::gemm;
using linalg::KeptAs;
using linalg::KeptFactor;
using linalg::Transpose;

namespace {

// Chosen with perf/laboratory/head.cpp (2 cores with AVX-512): from 256 rows on, the products are
// as fast as long ones, and what the weights cost in memory traffic no longer shows. Beyond that,
// as many as keep the outputs in 8 Mi values. On another machine (an EPYC with AVX-512, 2026-11-28,
// `laboratory_head 50257 192 1024`) 256, 512 and 1024 rows differ by less than its noise of a
// tenth, and 128 lose up to a fifth; in bfloat16 512 are fastest, 250 to 274 GFLOP/s, 1024 215 to
// 226.
//
// A device keeps neither outputs nor weights in a cache, and each chunk reads W twice and reads and
// writes dW, with a launch for each product: 4096 rows, as long as their outputs are no more than
// 256 Mi values (of GPT-2 206 Mi). Not tuned on any device yet.
constexpr Index shortest_chunk = 256;
constexpr Index longest_chunk = 1024;
constexpr Index chunk_elements = Index{1} << 23;
constexpr Index device_longest_chunk = 4096;
constexpr Index device_chunk_elements = Index{1} << 28;

void check_extent(std::size_t found, Index wanted, char const* kind, char const* what) {
  if (static_cast<Index>(found) != wanted)
    throw ShapeError(std::string(kind) + ": " + what + " has " + std::to_string(found) +
                     " elements, but " + std::to_string(wanted) + " are needed");
}

}  // namespace

namespace head {

/// db(j) ← db(j) + Σᵢ dz(i, j), rows in order. In one stage, a team a tile of columns: a chunk has
/// few rows, and scratch holds its outputs.
template <class Scalar, class Space>
void add_bias_gradient(Context<Space> const& context, MatrixView<Scalar const, Space> const& dz,
                       VectorView<Scalar, Space> const& db) {
  constexpr Index tile = 64;
  auto const rows = static_cast<Index>(dz.extent(0)), columns = static_cast<Index>(dz.extent(1));
  detail::for_each_row(
      context, "kyrtos::projection_head::bias_gradient", (columns + tile - 1) / tile,
      KOKKOS_LAMBDA(detail::RowMember<Space> const& member, Index t) {
        Index const begin = t * tile, width = columns - begin < tile ? columns - begin : tile;
        Scalar* const sum = db.data() + begin;
        for (Index i = 0; i < rows; ++i) {
          Scalar const* const row = &dz(i, begin);
          detail::row_for<Space>(member, width, [=](Index j) { sum[j] += row[j]; });
        }
      });
}

}  // namespace head

template <class Scalar, class Space>
ProjectionHead<Scalar, Space>::ProjectionHead(Shape shape) : shape_(shape) {
  require<ConfigError>(shape.in > 0 && shape.out > 0 && shape.chunk_rows >= 0,
                       "head: features, outputs and rows of a chunk must be positive");
}

template <class Scalar, class Space>
double ProjectionHead<Scalar, Space>::forward_flops(Index tokens) const {
  return 2.0 * static_cast<double>(tokens) * static_cast<double>(shape_.in) *
         static_cast<double>(shape_.out);
}

template <class Scalar, class Space>
Index ProjectionHead<Scalar, Space>::chunk_rows(bool is_host) const {
  if (shape_.chunk_rows > 0) return shape_.chunk_rows;
  Index const elements = is_host ? chunk_elements : device_chunk_elements;
  return std::clamp(elements / shape_.out / 64 * 64, shortest_chunk,
                    is_host ? longest_chunk : device_longest_chunk);
}

template <class Scalar, class Space>
Index ProjectionHead<Scalar, Space>::row_stride() const {
  if (compat::has_teams_of_one<Space>) return shape_.out;
  constexpr Index unit = 16 / Index{sizeof(Scalar)};
  return (shape_.out + unit - 1) / unit * unit;
}

template <class Scalar, class Space>
double ProjectionHead<Scalar, Space>::pass_bytes(PassKind pass, Index rows,
                                                 Wanted const& wanted) const {
  auto const n = static_cast<double>(rows);
  double const x = n * static_cast<double>(shape_.in), z = n * static_cast<double>(shape_.out),
               w = static_cast<double>(shape_.in * shape_.out);
  double values = 0;
  if (pass == PassKind::forward) {
    values += x + w + z;
    if (wanted.tangent) values += 3 * x + 2 * w + 3 * z;
  } else if (pass == PassKind::backward) {
    if (wanted.dx) values += z + x + w;
    if (wanted.dtheta) values += z + x + 2 * w;
  } else {
    double const terms = wanted.gauss_newton ? 1 : 2;
    if (wanted.dx_dot) values += terms * (z + w + x) + (terms - 1) * x;
    if (wanted.hu) values += terms * (z + x + 2 * w);
  }
  return values * sizeof(Scalar);
}

/// The row kernel reads z twice and writes it once. A CPU's caches hold a row. It writes what it
/// rounds besides.
template <class Scalar, class Space>
double ProjectionHead<Scalar, Space>::row_bytes(Index rows, Wanted const& wanted,
                                                Machine const& machine) const {
  auto const z = static_cast<double>(rows * shape_.out);
  double const rounded = wanted.d() + wanted.d_dot(), read = sizeof(Scalar) * z;
  double const own = (machine.is_host ? 2 : 3) * (wanted.tangent ? 2 : 1) * read;
  return own + (machine.factors ? rounded * (rounding(machine, z).bytes - read) : 0);
}

template <class Scalar, class Space>
auto ProjectionHead<Scalar, Space>::work(Index tokens, Wanted const& wanted,
                                         Machine const& machine) const -> Work {
  double const products = (wanted.tangent ? 3 : 1) + wanted.dx + wanted.dtheta +
                          (wanted.gauss_newton ? 1 : 2) * (wanted.dx_dot + wanted.hu);
  double const of_bias = shape_.bias ? (wanted.tangent ? 2 : 1) + wanted.dtheta + wanted.hu : 0;
  Work work{.products = products * forward_flops(tokens)};
  double const parts = wanted.tangent ? 2 : 1;
  work += rounding_of_weights(machine, static_cast<double>(shape_.in * shape_.out), wanted.tangent);
  work += parts * rounding(machine, static_cast<double>(tokens * shape_.in));
  Index const chunk = std::min(chunk_rows(machine.is_host), tokens);
  for (Index begin = 0; begin < tokens; begin += chunk) {
    Index const rows = std::min(chunk, tokens - begin);
    for (auto const pass : {PassKind::forward, PassKind::backward, PassKind::tangent_backward})
      work.product_bytes += pass_bytes(pass, rows, wanted);
    work.bytes += row_bytes(rows, wanted, machine);
    work.launches += products + of_bias + 1;
  }
  work.launches += wanted.tangent ? 2 : 1;  // sums of the rows' losses
  return work;
}

template <class Scalar, class Space>
auto ProjectionHead<Scalar, Space>::weight_of(ConstVector theta) const -> ConstMatrix {
  return as_matrix(theta, 0, shape_.out, shape_.in);
}

template <class Scalar, class Space>
auto ProjectionHead<Scalar, Space>::weight_of(MutableVector theta) const -> MutableMatrix {
  return as_matrix(theta, 0, shape_.out, shape_.in);
}

template <class Scalar, class Space>
void ProjectionHead<Scalar, Space>::check(ConstVector theta, Batch<Scalar, Space> const& batch,
                                          Passes const& what) const {
  Index const parameters = shape_.out * (shape_.in + (shape_.bias ? 1 : 0));
  Index const features = batch.shape.tokens() * shape_.in;
  auto const kind = this->kind();
  auto const check_if = [&](auto const& v, Index wanted, char const* name) {
    if (v.data() != nullptr) check_extent(v.size(), wanted, kind.c_str(), name);
  };
  check_extent(theta.size(), parameters, kind.c_str(), "theta");
  check_extent(what.x.size(), features, kind.c_str(), "x");
  check_if(what.dx, features, "dx");
  check_if(what.dtheta, parameters, "dtheta");
  if (what.u.size() > 0) {
    check_extent(what.u.size(), parameters, kind.c_str(), "u");
    check_extent(what.x_dot.size(), features, kind.c_str(), "x_dot");
    check_if(what.dx_dot, features, "dx_dot");
    check_if(what.hu, parameters, "hu");
  }
  check_targets(batch);
}

namespace {

/// So that what follows starts on a cache line.
constexpr Index padded(Index doubles) {
  return (doubles + 7) / 8 * 8;
}

}  // namespace

template <class Scalar, class Space>
Index ProjectionHead<Scalar, Space>::scratch_bytes(Index tokens, bool tangents) const {
  Index const outputs = (tangents ? 2 : 1) * std::min(chunk_rows(), tokens) * row_stride();
  return 8 * (2 * padded(tokens) + (outputs * static_cast<Index>(sizeof(Scalar)) + 7) / 8);
}

template <class Scalar, class Space>
auto ProjectionHead<Scalar, Space>::run(Context<Space> const& context, ConstVector theta,
                                        Batch<Scalar, Space> const& batch, Passes const& what) const
    -> Result {
  check(theta, batch, what);
  bool const tangent = what.u.size() > 0;
  auto const machine = machine_of(context);
  Index const n = batch.shape.tokens();
  Index const chunk = std::min(chunk_rows(), n);
  // Row losses in front; the outputs after them start on a cache line.
  Index const losses = padded(n), stride = row_stride();
  Index const outputs = (tangent ? 2 : 1) * chunk * stride;
  auto const scratch = context.template scratch<double>(scratch_bytes(n, tangent) / 8);
  auto const loss = slice(scratch, 0, n), loss_dot = slice(scratch, losses, n);
  MutableVector const z(reinterpret_cast<Scalar*>(scratch.data() + 2 * losses),
                        static_cast<std::size_t>(outputs));

  Wanted const wanted{what.dx.size() > 0,     what.dtheta.size() > 0, tangent,
                      what.dx_dot.size() > 0, what.hu.size() > 0,     what.gauss_newton};
  std::string const name = "kyrtos::" + this->kind() + "::";
  auto const region = [&](char const* pass, PassKind kind, Index rows) {
    return Region<Space>(context, name + pass, {.bytes = pass_bytes(kind, rows, wanted)});
  };
  auto const outputs_of = [&](Index first, Index rows) {
    return strided_matrix<Scalar, Space>(z.data() + first * stride, rows, shape_.out, stride);
  };
  using Kept = KeptFactor<Space>;
  Kept const w(context, KeptAs::weight, weight_of(theta)), x(context, KeptAs::input, what.x);
  std::optional<Kept> w_dot, x_dot;
  if (tangent) w_dot.emplace(context, KeptAs::tangent_weight, weight_of(what.u));
  if (tangent) x_dot.emplace(context, KeptAs::tangent_input, what.x_dot);
  for (Index begin = 0; begin < n; begin += chunk) {
    Index const rows = std::min(chunk, n - begin);
    Rows r{begin,
           outputs_of(0, rows),
           tangent ? outputs_of(chunk, rows) : MutableMatrix(),
           slice(loss, begin, rows),
           slice(loss_dot, begin, rows),
           {},
           {}};
    std::optional<Kept> d, d_dot;
    {
      auto const span = region("forward", PassKind::forward, rows);  // and tangent forward
      project(context, theta, what, r);
      if (wanted.d()) r.d = d.emplace(context, KeptAs::adjoint, r.z, Kept::By::caller).rows();
      if (wanted.d_dot())
        r.d_dot = d_dot.emplace(context, KeptAs::tangent_adjoint, r.z_dot, Kept::By::caller).rows();
      Region<Space> const of_rows(context, name + "rows",
                                  {.bytes = row_bytes(rows, wanted, machine)});
      evaluate(context, batch, r);
    }
    {
      auto const span = region("backward", PassKind::backward, rows);
      backward(context, theta, what, r);
    }
    if (!tangent) continue;
    auto const span = region("tangent_backward", PassKind::tangent_backward, rows);
    tangent_backward(context, theta, what, r);
  }
  Result result;
  result.loss = batch.weight * linalg::sum(context, loss);
  if (tangent) result.loss_dot = batch.weight * linalg::sum(context, loss_dot);
  return result;
}

template <class Scalar, class Space>
void ProjectionHead<Scalar, Space>::project(Context<Space> const& context, ConstVector theta,
                                            Passes const& what, Rows const& r) const {
  auto const rows = static_cast<Index>(r.z.extent(0));
  auto const x = rows_of(what.x, r.begin, rows);
  outputs(context, theta, x, r.z);
  if (r.z_dot.size() == 0) return;
  outputs(context, what.u, x, r.z_dot);
  gemm<Scalar>(context, Transpose::no, Transpose::yes, 1, rows_of(what.x_dot, r.begin, rows),
               weight_of(theta), 1, r.z_dot);
}

template <class Scalar, class Space>
void ProjectionHead<Scalar, Space>::backward(Context<Space> const& context, ConstVector theta,
                                             Passes const& what, Rows const& r) const {
  auto const rows = static_cast<Index>(r.z.extent(0));
  if (what.dx.size() > 0)
    gemm<Scalar>(context, Transpose::no, Transpose::no, 1, r.z, weight_of(theta), 0,
                 rows_of(what.dx, r.begin, rows));
  if (what.dtheta.size() > 0)
    add_parameter_gradient(context, r.z, rows_of(what.x, r.begin, rows), what.dtheta);
}

template <class Scalar, class Space>
void ProjectionHead<Scalar, Space>::tangent_backward(Context<Space> const& context,
                                                     ConstVector theta, Passes const& what,
                                                     Rows const& r) const {
  auto const rows = static_cast<Index>(r.z.extent(0));
  if (what.dx_dot.size() > 0) {
    auto const dx_dot = rows_of(what.dx_dot, r.begin, rows);
    gemm<Scalar>(context, Transpose::no, Transpose::no, 1, r.z_dot, weight_of(theta), 0, dx_dot);
    if (!what.gauss_newton)
      gemm<Scalar>(context, Transpose::no, Transpose::no, 1, r.z, weight_of(what.u), 1, dx_dot);
  }
  if (what.hu.size() > 0) {
    add_parameter_gradient(context, r.z_dot, rows_of(what.x, r.begin, rows), what.hu);
    if (!what.gauss_newton)
      gemm<Scalar>(context, Transpose::yes, Transpose::no, 1, r.z,
                   rows_of(what.x_dot, r.begin, rows), 1, weight_of(what.hu));
  }
}

template <class Scalar, class Space>
void ProjectionHead<Scalar, Space>::add_parameter_gradient(Context<Space> const& context,
                                                           ConstMatrix dz, ConstMatrix x,
                                                           MutableVector dtheta) const {
  gemm<Scalar>(context, Transpose::yes, Transpose::no, 1, dz, x, 1, weight_of(dtheta));
  if (shape_.bias)
    head::add_bias_gradient<Scalar, Space>(context, dz,
                                           slice(dtheta, shape_.out * shape_.in, shape_.out));
}

template <class Scalar, class Space>
void ProjectionHead<Scalar, Space>::outputs(Context<Space> const& context, ConstVector theta,
                                            ConstMatrix x, MutableMatrix z) const {
  Scalar beta = 0;
  if (shape_.bias) {
    detail::copy_to_rows<Scalar>(context, "kyrtos::projection_head::bias",
                                 slice(theta, shape_.out * shape_.in, shape_.out), z);
    beta = 1;
  }
  gemm<Scalar>(context, Transpose::no, Transpose::yes, 1, x, weight_of(theta), beta, z);
}

KYRTOS_INSTANTIATE(kyrtos::layers::ProjectionHead)

}  // namespace kyrtos::layers
