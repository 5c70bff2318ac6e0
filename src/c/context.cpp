// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "context.hpp"

#include <kyrtos/core/version.hpp>

#include <string>

namespace kyrtos::c {

namespace {

/// The instance of a backend's stream; which backends have one, Kokkos' own class says.
template <class S>
S instance_on(void* stream) {
  if constexpr (requires(S const& space) { space.cuda_stream(); })
    return S(static_cast<decltype(std::declval<S const&>().cuda_stream())>(stream));
  else if constexpr (requires(S const& space) { space.hip_stream(); })
    return S(static_cast<decltype(std::declval<S const&>().hip_stream())>(stream));
  else
    throw Failure(KYRTOS_ERROR_ARGUMENT,
                  std::string("Kokkos' backend ") + S::name() + " has no streams: pass NULL");
}

std::unique_ptr<ContextBody> make_context(MPI_Comm communicator, void* stream) {
  if (stream == nullptr)
    return std::make_unique<ContextBody>(ContextBody{Context<Space>(communicator), nullptr});
  return std::make_unique<ContextBody>(
      ContextBody{Context<Space>(instance_on<Space>(stream), communicator), stream});
}

}  // namespace

}  // namespace kyrtos::c

using namespace kyrtos::c;

int kyrtos_abi_version(void) {
  return KYRTOS_ABI_VERSION;
}

char const* kyrtos_version(void) {
  return kyrtos::version();
}

kyrtos_status kyrtos_context_create(MPI_Comm communicator, void* stream, kyrtos_context** made) {
  if (made == nullptr) return KYRTOS_ERROR_ARGUMENT;
  *made = nullptr;
  kyrtos_context attempt(nullptr, nullptr), handover(nullptr, nullptr);
  std::shared_ptr<Registry> registry;
  std::unique_ptr<ContextBody> body;
  auto const status = guarded(&attempt, [&] {
    body = make_context(communicator, stream);
    registry = Registry::create();
  });
  auto const handed_over = guarded(&handover, [&] {
    *made = std::make_unique<kyrtos_context>(registry, std::move(body)).release();
    (*made)->set_error(attempt.error());
  });
  return status == KYRTOS_OK ? handed_over : status;
}

kyrtos_status kyrtos_context_create_f(MPI_Fint communicator, void* stream, kyrtos_context** made) {
  return kyrtos_context_create(MPI_Comm_f2c(communicator), stream, made);
}

char const* kyrtos_context_error(kyrtos_context const* context) {
  return context == nullptr ? "the context is NULL" : context->error();
}

void kyrtos_context_destroy(kyrtos_context* context) {
  delete context;
}
