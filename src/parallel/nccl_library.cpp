// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "nccl_library.hpp"

#include <kyrtos/core/error.hpp>

#include <dlfcn.h>

namespace kyrtos::parallel {

namespace {

std::string words_of_loader() {
  char const* const words = dlerror();
  return words != nullptr ? words : "can't be loaded";
}

}  // namespace

void NcclLibrary::Close::operator()(void* handle) const {
  dlclose(handle);
}

template <class Function>
void NcclLibrary::find(Function& function, char const* symbol) {
  function = reinterpret_cast<Function>(dlsym(handle_.get(), symbol));
  require<ConfigError>(function != nullptr, name_ + ": is no NCCL: it has no " + symbol);
}

NcclLibrary::NcclLibrary(std::string const& name)
    : name_(name), handle_(dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)) {
  require<ConfigError>(handle_ != nullptr, words_of_loader());
  find(get_version_, "ncclGetVersion");
  find(get_error_string_, "ncclGetErrorString");
  find(get_unique_id, "ncclGetUniqueId");
  find(init_rank, "ncclCommInitRank");
  find(destroy, "ncclCommDestroy");
  find(abort, "ncclCommAbort");
  find(get_async_error, "ncclCommGetAsyncError");
  find(all_reduce, "ncclAllReduce");
  find(reduce_scatter, "ncclReduceScatter");
  find(all_gather, "ncclAllGather");
}

std::shared_ptr<NcclLibrary const> NcclLibrary::first_of(std::vector<std::string> const& names) {
  std::string faults;
  for (auto const& name : names) {
    try {
      return std::make_shared<NcclLibrary const>(name);
    } catch (ConfigError const& fault) {
      faults += (faults.empty() ? "" : "; ") + std::string(fault.what());
    }
  }
  throw ConfigError(faults);
}

std::string NcclLibrary::version() const {
  int code = 0;
  check(get_version_(&code), "ncclGetVersion");
  // Until 2.8 thousands are the major version, as in 2708; since then 22005 is 2.20.5.
  int const major = code < 10000 ? 1000 : 10000;
  return std::to_string(code / major) + "." + std::to_string(code % major / 100) + "." +
         std::to_string(code % 100);
}

void NcclLibrary::check(NcclResult result, char const* call) const {
  if (result == NcclResult::success) return;
  throw Error(std::string(call) + ": " + get_error_string_(result) + " (" + name_ +
              "; the environment variable NCCL_DEBUG=WARN makes it say more)");
}

}  // namespace kyrtos::parallel
