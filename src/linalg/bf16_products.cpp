// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/linalg/bf16_products.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

#include "gemm_providers.hpp"

#include <cstdint>
#include <cstring>
#include <map>
#include <tuple>

#ifdef KYRTOS_HAVE_ONEDNN_CXX
#include <dnnl.hpp>
#endif

namespace kyrtos::linalg {

namespace {

/// What a product is planned for.
struct ProductKind {
  Transpose a_op, b_op;
  Index m, n, k;
  float beta;
};

/// Where a product's factors and the library's memory begin and end, in words of 16 bits; each
/// starts on a cache line.
struct Places {
  Index b, scratchpad, end;

  Places(ProductKind const& p, std::size_t scratchpad_bytes)
      : b(padded(p.m * p.k)),
        scratchpad(b + padded(p.k * p.n)),
        end(scratchpad + padded(static_cast<Index>(scratchpad_bytes + 1) / 2)) {}

 private:
  static Index padded(Index words) { return (words + 31) / 32 * 32; }
};

}  // namespace

#ifdef KYRTOS_HAVE_ONEDNN_CXX

namespace {

struct InOrder {
  bool operator()(ProductKind const& a, ProductKind const& b) const {
    auto const key = [](ProductKind const& p) {
      return std::tie(p.a_op, p.b_op, p.m, p.n, p.k, p.beta);
    };
    return key(a) < key(b);
  }
};

/// bfloat16 is the upper half of a float: to the nearest, ties to even. A NaN stays one.
KOKKOS_INLINE_FUNCTION std::uint16_t to_bf16(float x) {
  std::uint32_t bits = 0;
  memcpy(&bits, &x, sizeof bits);
  bool const is_nan = (bits & 0x7fffffff) > 0x7f800000;
  std::uint32_t const nearest = bits + 0x7fff + ((bits >> 16) & 1);
  return static_cast<std::uint16_t>((is_nan ? bits | 0x400000 : nearest) >> 16);
}

template <class Space>
void round_to_bf16(Context<Space> const& context, MatrixView<float const, Space> const& from,
                   std::uint16_t* to) {
  constexpr Index length = 4096;  // of a piece, the work of one thread
  auto const n = static_cast<Index>(from.size());
  using Range = Kokkos::RangePolicy<Space, Kokkos::IndexType<Index>>;
  Kokkos::parallel_for(
      "kyrtos::linalg::round_to_bf16", Range(context.space(), 0, (n + length - 1) / length),
      KOKKOS_LAMBDA(Index piece) {
        float const* KOKKOS_RESTRICT const x = from.data();
        std::uint16_t* KOKKOS_RESTRICT const y = to;
        Index const end = (piece + 1) * length < n ? (piece + 1) * length : n;
        for (Index i = piece * length; i < end; ++i) y[i] = to_bf16(x[i]);
      });
}

/// Row-major op(M) of these extents.
dnnl::memory::desc described(Transpose op, Index rows, Index columns,
                             dnnl::memory::data_type type) {
  return op == Transpose::yes ? dnnl::memory::desc({rows, columns}, type, {1, rows})
                              : dnnl::memory::desc({rows, columns}, type, {columns, 1});
}

/// oneDNN 3 does without the descriptions that come first in oneDNN 2.
template <class Matmul, class Description>
auto planned(dnnl::engine const& engine, Description const& a, Description const& b,
             Description const& c, dnnl::primitive_attr const& attributes) {
  if constexpr (requires { typename Matmul::desc; })
    return typename Matmul::primitive_desc(typename Matmul::desc(a, b, c), attributes, engine);
  else
    return typename Matmul::primitive_desc(engine, a, b, c, attributes);
}

/// C ← op(A)·op(B) + β·C of float32 C.
struct PlannedProduct {
  dnnl::matmul matmul;
  std::unordered_map<int, dnnl::memory> arguments;
  std::size_t scratchpad_bytes;

  PlannedProduct(dnnl::engine const& engine, ProductKind const& kind) {
    using Type = dnnl::memory::data_type;
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    if (kind.beta != 0) {
      dnnl::post_ops sum;
      sum.append_sum(kind.beta);
      attributes.set_post_ops(sum);
    }
    auto const plan =
        planned<dnnl::matmul>(engine, described(kind.a_op, kind.m, kind.k, Type::bf16),
                              described(kind.b_op, kind.k, kind.n, Type::bf16),
                              described(Transpose::no, kind.m, kind.n, Type::f32), attributes);
    matmul = dnnl::matmul(plan);
    scratchpad_bytes = plan.scratchpad_desc().get_size();
    auto const no_memory_yet = [&](dnnl::memory::desc const& of) {
      return dnnl::memory(of, engine, DNNL_MEMORY_NONE);
    };
    arguments = {{DNNL_ARG_SRC, no_memory_yet(plan.src_desc())},
                 {DNNL_ARG_WEIGHTS, no_memory_yet(plan.weights_desc())},
                 {DNNL_ARG_DST, no_memory_yet(plan.dst_desc())},
                 {DNNL_ARG_SCRATCHPAD, no_memory_yet(plan.scratchpad_desc())}};
  }

  void run(dnnl::stream& stream, void* a, void* b, float* c, void* scratchpad) {
    arguments.at(DNNL_ARG_SRC).set_data_handle(a);
    arguments.at(DNNL_ARG_WEIGHTS).set_data_handle(b);
    arguments.at(DNNL_ARG_DST).set_data_handle(c);
    arguments.at(DNNL_ARG_SCRATCHPAD).set_data_handle(scratchpad);
    matmul.execute(stream, arguments);
    stream.wait();
  }
};

std::size_t scratchpad_bytes(ProductKind const& kind) {
  return PlannedProduct(dnnl::engine(dnnl::engine::kind::cpu, 0), kind).scratchpad_bytes;
}

std::string missing_on_host() {
  auto const isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  auto const needed = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_bf16);
  return (isa & needed) == needed
             ? ""
             : "this processor has no bfloat16 instructions that oneDNN uses (AVX512_BF16 or AMX)";
}

}  // namespace

template <class Space>
struct Bf16Products<Space>::State {
  Context<Space> context;
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::map<ProductKind, PlannedProduct, InOrder> products;
  Vector<std::uint16_t, Space> memory;  ///< Factors, and the library's scratchpad.

  explicit State(Context<Space> const& c) : context(c) {}

  std::uint16_t* at_least(Index words) {
    if (static_cast<std::size_t>(words) > memory.size()) {
      memory = {};  // give back first
      memory = Vector<std::uint16_t, Space>(
          Kokkos::view_alloc(context.space(), Kokkos::WithoutInitializing, "kyrtos::bf16_factors"),
          static_cast<std::size_t>(words));
    }
    return memory.data();
  }

  void multiply(ProductKind const& kind, MatrixView<float const, Space> const& a,
                MatrixView<float const, Space> const& b, MatrixView<float, Space> const& c) try {
    auto const found = products.find(kind);
    auto& product = found != products.end()
                        ? found->second
                        : products.try_emplace(kind, engine, kind).first->second;
    Places const places(kind, product.scratchpad_bytes);
    auto* const rounded = at_least(places.end);
    round_to_bf16<Space>(context, a, rounded);
    round_to_bf16<Space>(context, b, rounded + places.b);
    context.fence("kyrtos::linalg::gemm");  // oneDNN runs at once
    product.run(stream, rounded, rounded + places.b, c.data(), rounded + places.scratchpad);
  } catch (dnnl::error const& error) {
    throw Error(std::string("gemm in bfloat16: oneDNN failed: ") + error.what());
  }
};

#else

namespace {

std::size_t scratchpad_bytes(ProductKind const&) {
  return 0;
}

std::string missing_on_host() {
  return "this build has no oneDNN (Kyrtos_ENABLE_ONEDNN), which multiplies in bfloat16, or is "
         "nvcc's, which can't translate oneDNN's C++ interface";
}

}  // namespace

template <class Space>
struct Bf16Products<Space>::State {  // never made
  explicit State(Context<Space> const&) {}
  void multiply(ProductKind const&, MatrixView<float const, Space> const&,
                MatrixView<float const, Space> const&, MatrixView<float, Space> const&) {}
};

#endif

template <class Space>
std::string Bf16Products<Space>::missing() {
  if (!compat::is_host_accessible<Space>) return "products in bfloat16 are there on CPUs only";
  return missing_on_host();
}

template <class Space>
Index Bf16Products<Space>::bytes(Transpose a_op, Transpose b_op, Index m, Index n, Index k,
                                 bool adds) {
  ProductKind const kind{a_op, b_op, m, n, k, adds ? 1.0f : 0.0f};
  Places const places(kind, missing().empty() ? scratchpad_bytes(kind) : 0);
  return places.end * Index{sizeof(std::uint16_t)};
}

template <class Space>
Bf16Products<Space>::Bf16Products(Context<Space> const& context) : context_(context) {
  auto const what = missing();
  require<ConfigError>(what.empty(), "products in bfloat16: " + what + "; multiply in float32");
  state_ = std::make_unique<State>(context);
}

template <class Space>
Bf16Products<Space>::~Bf16Products() = default;

template <class Space>
void Bf16Products<Space>::multiply(Transpose a_op, Transpose b_op, float alpha,
                                   MatrixView<float const, Space> const& a,
                                   MatrixView<float const, Space> const& b, float beta,
                                   MatrixView<float, Space> const& c) {
  if (alpha == 0) return beta == 0 ? fill(context_, flat(c), 0) : scale(context_, beta, flat(c));
  auto const extent = [](auto const& m, int i) { return static_cast<Index>(m.extent(i)); };
  Index const k = extent(a, a_op == Transpose::yes ? 0 : 1);
  state_->multiply({a_op, b_op, extent(c, 0), extent(c, 1), k, beta / alpha}, a, b, c);
  if (alpha != 1) scale(context_, alpha, flat(c));
}

#define KYRTOS_BF16_PRODUCTS(SPACE) template class Bf16Products<SPACE>;
KYRTOS_FOR_EACH_SPACE(KYRTOS_BF16_PRODUCTS)

}  // namespace kyrtos::linalg
