// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "gemm_providers.hpp"

#ifdef KYRTOS_HAVE_ONEDNN_CXX
#include <dnnl.hpp>
#include <exception>
#include <map>
#include <memory>
#include <vector>
#endif

// Products that oneDNN plans beforehand: those of factors in bfloat16, and those of float32 that
// its sgemm is slow at. They go through its C++ interface, which nvcc can't translate: hence a file
// and a feature of their own.

namespace kyrtos::linalg::onednn {

#ifdef KYRTOS_HAVE_ONEDNN_CXX

namespace {

using Type = dnnl::memory::data_type;

/// Where the matrices of a batch lie; without padding and no batch: zeros.
struct Strides {
  Index batch = 0, row = 0;
  auto operator<=>(Strides const&) const = default;
};

/// C ← α·op(A)·op(B) + β·C of factors of a type and float32 C; C is [m, n], sums have k terms.
struct Product {
  Type factors;
  Transpose a_op, b_op;
  Index m, n, k;
  float beta;
  float alpha = 1;
  Index count = 0;  ///< Of a batch; 0: one product of matrices without padding.
  Strides a = {}, b = {}, c = {};
  auto operator<=>(Product const&) const = default;
};

/// Of matrices whose rows may be padded.
Product with_strides(Product product, Index a, Index b, Index c) {
  product.count = 1;
  product.a.row = a;
  product.b.row = b;
  product.c.row = c;
  return product;
}

Product in_bfloat16(RoundedProduct const& p) {
  Product const product{Type::bf16, p.a_op, p.b_op, p.m, p.n, p.k, p.beta};
  if (p.c_stride == 0) return product;
  return with_strides(product, p.a_op == Transpose::yes ? p.m : p.k,
                      p.b_op == Transpose::yes ? p.k : p.n, p.c_stride);
}

/// Row-major op(M) of these extents, or a batch of them; one for all where they lie in one place.
dnnl::memory::desc described(Index count, Transpose op, Index rows, Index columns, Strides at,
                             Type type) {
  bool const transposed = op == Transpose::yes;
  if (count == 0)
    return transposed ? dnnl::memory::desc({rows, columns}, type, {1, rows})
                      : dnnl::memory::desc({rows, columns}, type, {columns, 1});
  Index const matrices = at.batch == 0 ? 1 : count;
  Index const distance = at.batch == 0 ? (transposed ? columns : rows) * at.row : at.batch;
  return transposed ? dnnl::memory::desc({matrices, rows, columns}, type, {distance, 1, at.row})
                    : dnnl::memory::desc({matrices, rows, columns}, type, {distance, at.row, 1});
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

/// After op(A)·op(B): α times it, plus βC.
template <class PostOps = dnnl::post_ops>
PostOps scaled_sum(float alpha, float beta) {
  PostOps after;
  constexpr auto linear = dnnl::algorithm::eltwise_linear;
  if (alpha != 1) {
    if constexpr (requires { after.append_eltwise(linear, alpha, 0.0f); })
      after.append_eltwise(linear, alpha, 0.0f);
    else
      after.append_eltwise(1.0f, linear, alpha, 0.0f);  // oneDNN 2
  }
  if (beta != 0) after.append_sum(beta);
  return after;
}

struct PlannedProduct {
  dnnl::matmul matmul;
  std::unordered_map<int, dnnl::memory> arguments;  ///< Of the thread that calls.
  std::size_t scratchpad_bytes;

  PlannedProduct(dnnl::engine const& engine, Product const& of) {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    attributes.set_post_ops(scaled_sum(of.alpha, of.beta));
    auto const plan = planned<dnnl::matmul>(
        engine, described(of.count, of.a_op, of.m, of.k, of.a, of.factors),
        described(of.count, of.b_op, of.k, of.n, of.b, of.factors),
        described(of.count, Transpose::no, of.m, of.n, of.c, Type::f32), attributes);
    matmul = dnnl::matmul(plan);
    scratchpad_bytes = plan.scratchpad_desc().get_size();
    auto const no_memory_yet = [&](dnnl::memory::desc const& what) {
      return dnnl::memory(what, engine, DNNL_MEMORY_NONE);
    };
    arguments = {{DNNL_ARG_SRC, no_memory_yet(plan.src_desc())},
                 {DNNL_ARG_WEIGHTS, no_memory_yet(plan.weights_desc())},
                 {DNNL_ARG_DST, no_memory_yet(plan.dst_desc())},
                 {DNNL_ARG_SCRATCHPAD, no_memory_yet(plan.scratchpad_desc())}};
  }

  using Arguments = std::unordered_map<int, dnnl::memory>;

  /// For a thread of its own.
  Arguments new_arguments() const {
    Arguments copies;
    for (auto const& [which, memory] : arguments)
      copies.emplace(which, dnnl::memory(memory.get_desc(), memory.get_engine(), DNNL_MEMORY_NONE));
    return copies;
  }

  void run(dnnl::stream& stream, void const* a, void const* b, float* c, void* scratchpad) {
    run(stream, arguments, a, b, c, scratchpad);
  }
  void run(dnnl::stream& stream, Arguments& arguments, void const* a, void const* b, float* c,
           void* scratchpad) const {
    arguments.at(DNNL_ARG_SRC).set_data_handle(const_cast<void*>(a));
    arguments.at(DNNL_ARG_WEIGHTS).set_data_handle(const_cast<void*>(b));
    arguments.at(DNNL_ARG_DST).set_data_handle(c);
    arguments.at(DNNL_ARG_SCRATCHPAD).set_data_handle(scratchpad);
    matmul.execute(stream, arguments);
    stream.wait();
  }
};

/// What a Context keeps: a plan for each product it has met.
struct Library {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::map<Product, PlannedProduct> products;
  std::vector<std::byte> scratchpad;  ///< As much as one of them needs, but for those of gemm().

  PlannedProduct& plan(Product const& of) {
    auto const known = products.find(of);
    return known != products.end() ? known->second
                                   : products.try_emplace(of, engine, of).first->second;
  }
  void run(PlannedProduct& plan, void const* a, void const* b, float* c) {
    if (plan.scratchpad_bytes > scratchpad.size()) scratchpad.resize(plan.scratchpad_bytes);
    plan.run(stream, a, b, c, scratchpad.data());
  }
};

template <class Space>
Library& library(Context<Space> const& context) {
  auto& kept = context.gemm_library();
  if (!kept) kept = std::make_shared<Library>();
  return *static_cast<Library*>(kept.get());
}

[[noreturn]] void fail(dnnl::error const& error) {
  throw Error(std::string("gemm: oneDNN failed: ") + error.what());
}

}  // namespace

std::string bf16_missing() {
  auto const isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  auto const needed = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_bf16);
  return (isa & needed) == needed
             ? ""
             : "this processor has no bfloat16 instructions that oneDNN uses (AVX512_BF16 or AMX)";
}

std::size_t bf16_scratchpad(RoundedProduct const& of) try {
  return PlannedProduct(dnnl::engine(dnnl::engine::kind::cpu, 0), in_bfloat16(of)).scratchpad_bytes;
} catch (dnnl::error const& error) {
  fail(error);
}

template <class Space>
void gemm(Context<Space> const& context, RoundedProduct const& of, RoundedOperands<Space> const& in,
          MatrixView<float, Space> const& c) try {
  context.fence("kyrtos::linalg::gemm");  // oneDNN runs at once
  compat::WorkOfHostLibrary const work(in.a, in.b, in.scratchpad, c);
  auto& kept = library(context);
  kept.plan(in_bfloat16(of))
      .run(kept.stream, in.a.data(), in.b.data(), c.data(), in.scratchpad.data());
} catch (dnnl::error const& error) {
  fail(error);
}

template <class Space>
void planned_gemm(Context<Space> const& context, Transpose a_op, Transpose b_op,
                  MatrixView<float const, Space> const& a, MatrixView<float const, Space> const& b,
                  float beta, MatrixView<float, Space> const& c) try {
  auto const extent = [](auto const& m, int i) { return static_cast<Index>(m.extent(i)); };
  auto const stride = [](auto const& m) { return static_cast<Index>(m.stride(0)); };
  auto const is_padded = [&](auto const& m) { return stride(m) != extent(m, 1); };
  Product const product{Type::f32,    a_op,         b_op,
                        extent(c, 0), extent(c, 1), extent(a, a_op == Transpose::yes ? 0 : 1),
                        beta};
  auto& kept = library(context);
  auto& plan = kept.plan(is_padded(a) || is_padded(b) || is_padded(c)
                             ? with_strides(product, stride(a), stride(b), stride(c))
                             : product);
  context.fence("kyrtos::linalg::gemm");
  compat::WorkOfHostLibrary const work(a, b, c);
  kept.run(plan, a.data(), b.data(), c.data());
} catch (dnnl::error const& error) {
  fail(error);
}

namespace {

/// Whether a matrix of the batch has no padding.
template <class T, class Space>
bool is_dense(MatrixBatch<T, Space> const& m) {
  return m.row_stride == m.columns;
}

/// Each product by itself, several at a time, or, where there are fewer than threads, one after the
/// other. oneDNN's fast kernels for products with AVX-512 or AMX take matrices without padding
/// only, alone or side by side: of the heads of a batch, a block of rows is the former and not the
/// latter.
template <class Factor, class Space>
void multiply_each(Context<Space> const& context, Library& kept, PlannedProduct& plan,
                   BatchedProduct<Factor, float, Space> const& of) {
  Index const threads = context.space().concurrency();
  if (of.count < threads) {
    for (Index i = 0; i < of.count; ++i)
      kept.run(plan, of.a.memory.data() + i * of.a.batch_stride,
               of.b.memory.data() + i * of.b.batch_stride,
               of.c.memory.data() + i * of.c.batch_stride);
    return;
  }
  Index const pieces = threads;
  std::size_t const bytes = (plan.scratchpad_bytes + 63) / 64 * 64;
  if (bytes * static_cast<std::size_t>(pieces) > kept.scratchpad.size())
    kept.scratchpad.resize(bytes * static_cast<std::size_t>(pieces));
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(pieces));
  auto const multiply = [&](Index piece) {
    auto const at = static_cast<std::size_t>(piece);
    try {
      dnnl::stream stream(kept.engine);
      auto arguments = plan.new_arguments();
      for (Index i = piece * of.count / pieces; i < (piece + 1) * of.count / pieces; ++i)
        plan.run(stream, arguments, of.a.memory.data() + i * of.a.batch_stride,
                 of.b.memory.data() + i * of.b.batch_stride,
                 of.c.memory.data() + i * of.c.batch_stride, kept.scratchpad.data() + at * bytes);
    } catch (...) {
      failures[at] = std::current_exception();
    }
  };
  Kokkos::parallel_for(
      "kyrtos::linalg::gemm_batched",
      Kokkos::RangePolicy<Space, Kokkos::IndexType<Index>>(context.space(), 0, pieces), multiply);
  context.fence("kyrtos::linalg::gemm");
  for (auto const& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

}  // namespace

template <class Factor, class Space>
void gemm_batched(Context<Space> const& context,
                  BatchedProduct<Factor, float, Space> const& of) try {
  auto const strides = [](auto const& m) { return Strides{m.batch_stride, m.row_stride}; };
  constexpr auto type = std::is_same_v<Factor, Bfloat16> ? Type::bf16 : Type::f32;
  auto& kept = library(context);
  Product const one{type, of.a_op, of.b_op, of.c.rows, of.c.columns, of.k(), of.beta, of.alpha};
  context.fence("kyrtos::linalg::gemm");
  compat::WorkOfHostLibrary const work(of.a.memory, of.b.memory, of.c.memory);
  if (is_dense(of.a) && is_dense(of.b) && is_dense(of.c))
    return multiply_each(context, kept, kept.plan(one), of);
  auto batch = one;
  batch.count = of.count;
  batch.a = strides(of.a);
  batch.b = strides(of.b);
  batch.c = strides(of.c);
  auto& plan = kept.plan(batch);
  kept.run(plan, of.a.memory.data(), of.b.memory.data(), of.c.memory.data());
} catch (dnnl::error const& error) {
  fail(error);
}

#define KYRTOS_PLANNED_ONEDNN(SPACE)                                                              \
  template void gemm(Context<SPACE> const&, RoundedProduct const&, RoundedOperands<SPACE> const&, \
                     MatrixView<float, SPACE> const&);                                            \
  template void planned_gemm(                                                                     \
      Context<SPACE> const&, Transpose, Transpose, MatrixView<float const, SPACE> const&,         \
      MatrixView<float const, SPACE> const&, float, MatrixView<float, SPACE> const&);             \
  template void gemm_batched(Context<SPACE> const&, BatchedProduct<float, float, SPACE> const&);  \
  template void gemm_batched(Context<SPACE> const&, BatchedProduct<Bfloat16, float, SPACE> const&);
KYRTOS_FOR_EACH_SPACE(KYRTOS_PLANNED_ONEDNN)

#else

std::string bf16_missing() {
  return "this build has no oneDNN (Kyrtos_ENABLE_ONEDNN), which multiplies in bfloat16, or is "
         "nvcc's, which can't translate oneDNN's C++ interface";
}

std::size_t bf16_scratchpad(RoundedProduct const&) {
  return 0;
}

#endif

}  // namespace kyrtos::linalg::onednn
