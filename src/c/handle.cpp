// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "handle.hpp"

#include <new>

namespace kyrtos::c {

std::shared_ptr<Registry> Registry::create() {
  auto registry = std::make_shared<Registry>();
  // A hook can't be taken back: it must not keep the registry alive, nor rely on its life.
  Kokkos::push_finalize_hook([weak = std::weak_ptr<Registry>(registry)] {
    if (auto const alive = weak.lock()) alive->empty_all();
  });
  return registry;
}

void Registry::add(Handle* handle) {
  std::lock_guard const lock(mutex_);
  handles_.insert(handle);
}

void Registry::remove(Handle* handle) {
  std::lock_guard const lock(mutex_);
  handles_.erase(handle);
}

void Registry::empty_all() {
  std::lock_guard const lock(mutex_);
  for (auto* const handle : handles_) handle->empty();
}

Handle::Handle(std::shared_ptr<Registry> registry) : registry_(std::move(registry)) {
  if (registry_) registry_->add(this);
}

Handle::~Handle() {
  if (registry_) registry_->remove(this);
}

namespace {

kyrtos_status status_of(Handle& handle, kyrtos_status status, char const* words) {
  handle.set_error(words);
  return status;
}

}  // namespace

kyrtos_status status_of_exception(Handle& handle) noexcept {
  try {
    try {
      throw;
    } catch (Failure const& e) {
      return status_of(handle, e.status, e.what());
    } catch (ConfigError const& e) {
      return status_of(handle, KYRTOS_ERROR_CONFIG, e.what());
    } catch (FileError const& e) {
      return status_of(handle, KYRTOS_ERROR_FILE, e.what());
    } catch (ShapeError const& e) {
      return status_of(handle, KYRTOS_ERROR_SHAPE, e.what());
    } catch (NumericalError const& e) {
      return status_of(handle, KYRTOS_ERROR_NUMERICAL, e.what());
    } catch (std::bad_alloc const& e) {
      return status_of(handle, KYRTOS_ERROR_MEMORY, e.what());
    } catch (std::exception const& e) {
      return status_of(handle, KYRTOS_ERROR_OTHER, e.what());
    } catch (...) {
      return status_of(handle, KYRTOS_ERROR_OTHER, "an unknown exception");
    }
  } catch (...) {  // no memory for the words
    return KYRTOS_ERROR_MEMORY;
  }
}

}  // namespace kyrtos::c
