// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/error.hpp>
#include <kyrtos/core/types.hpp>
#include <kyrtos/kyrtos.h>

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <variant>

/// \file
/// \brief What is behind an opaque handle: a body, which goes when Kokkos does, and an error text.

namespace kyrtos::c {

using Space = Kokkos::DefaultExecutionSpace;

/// An exception with the status that it shall become.
struct Failure : Error {
  Failure(kyrtos_status s, std::string const& what) : Error(what), status(s) {}
  kyrtos_status status;
};

inline void require_argument(bool condition, char const* message) {
  if (!condition) throw Failure(KYRTOS_ERROR_ARGUMENT, message);
}

class Handle;

/// The handles that live, of one context. Kokkos::finalize empties them, so that no memory of
/// Kokkos is left to those that outlive it.
class Registry {
 public:
  /// Kokkos must be running.
  static std::shared_ptr<Registry> create();

  void add(Handle* handle);
  void remove(Handle* handle);

 private:
  void empty_all();

  std::mutex mutex_;
  std::set<Handle*> handles_;
};

class Handle {
 public:
  explicit Handle(std::shared_ptr<Registry> registry);
  virtual ~Handle();
  Handle(Handle const&) = delete;
  Handle& operator=(Handle const&) = delete;

  virtual void empty() = 0;

  std::shared_ptr<Registry> const& registry() const { return registry_; }
  char const* error() const { return error_.c_str(); }
  void set_error(std::string text) { error_ = std::move(text); }

 private:
  std::shared_ptr<Registry> registry_;
  std::string error_;
};

template <class Content>
class HandleOf : public Handle {
 public:
  using Body = Content;

  HandleOf(std::shared_ptr<Registry> registry, std::unique_ptr<Body> body)
      : Handle(std::move(registry)), body_(std::move(body)) {}
  ~HandleOf() override { empty(); }

  void empty() override { body_.reset(); }

  Body& body() {
    if (!body_)
      throw Failure(KYRTOS_ERROR_FINALIZED,
                    "this handle is empty: it could not be made, or Kokkos has been finalised");
    return *body_;
  }

 private:
  std::unique_ptr<Body> body_;
};

/// The status of the exception being handled; its words become the handle's.
kyrtos_status status_of_exception(Handle& handle) noexcept;

/// Runs work() and turns what it throws into a status. No exception leaves the C interface.
template <class Work>
kyrtos_status guarded(Handle* handle, Work const& work) noexcept {
  if (handle == nullptr) return KYRTOS_ERROR_ARGUMENT;
  try {
    handle->set_error({});
    work();
    return KYRTOS_OK;
  } catch (...) {
    return status_of_exception(*handle);
  }
}

/// Something of either precision; shared by the handles that need it.
template <template <class> class Thing>
using Either = std::variant<std::shared_ptr<Thing<float>>, std::shared_ptr<Thing<double>>>;

/// work(Thing<Scalar>&) of a handle around either precision of it, errors to the handle.
template <class Made, class Work>
kyrtos_status with(Made* handle, Work const& work) {
  return guarded(handle,
                 [&] { std::visit([&](auto const& thing) { work(*thing); }, handle->body()); });
}

/// *made ← a handle around the body that make() returns; errors are told by `parent`.
template <class Made, class Make>
kyrtos_status create(Handle* parent, Made** made, Make const& make) noexcept {
  return guarded(parent, [&] {
    require_argument(made != nullptr, "the place for the new handle is NULL");
    *made = nullptr;
    auto body = std::make_unique<typename Made::Body>(make());
    *made = std::make_unique<Made>(parent->registry(), std::move(body)).release();
  });
}

}  // namespace kyrtos::c
