// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace kyrtos::parallel {

// The part of NCCL's interface that is used here, from its documentation ("NCCL API": types,
// communicator creation, collective communication; docs.nvidia.com/deeplearning/nccl). RCCL has the
// same. Names are ours, numbers and layouts NCCL's.

struct NcclCommunicator;  // ncclComm_t points to one

struct NcclId {  // ncclUniqueId
  char bytes[128];
};

enum class NcclResult : int { success = 0, remote_error = 6, in_progress = 7 };
enum class NcclType : int { float32 = 7, float64 = 8 };
enum class NcclOperation : int { sum = 0 };

/// NCCL or RCCL in this process. Never unloaded, as its threads may outlive its last call.
class NcclLibrary {
 public:
  /// \throws ConfigError with the loader's words, or those of what is missing in it.
  explicit NcclLibrary(std::string const& name);

  /// The first of names that is one. \throws ConfigError with the words for all.
  static std::shared_ptr<NcclLibrary const> first_of(std::vector<std::string> const& names);

  std::string const& name() const { return name_; }
  std::string version() const;
  /// \throws Error with NCCL's words, unless the result is a success.
  void check(NcclResult result, char const* call) const;

  using Stream = void*;  // cudaStream_t, hipStream_t
  NcclResult (*get_unique_id)(NcclId*);
  NcclResult (*init_rank)(NcclCommunicator**, int ranks, NcclId, int rank);
  NcclResult (*destroy)(NcclCommunicator*);
  NcclResult (*abort)(NcclCommunicator*);
  NcclResult (*get_async_error)(NcclCommunicator*, NcclResult*);
  NcclResult (*all_reduce)(void const* sent, void* received, std::size_t count, NcclType,
                           NcclOperation, NcclCommunicator*, Stream);
  NcclResult (*reduce_scatter)(void const* sent, void* received, std::size_t received_count,
                               NcclType, NcclOperation, NcclCommunicator*, Stream);
  NcclResult (*all_gather)(void const* sent, void* received, std::size_t sent_count, NcclType,
                           NcclCommunicator*, Stream);

 private:
  template <class Function>
  void find(Function& function, char const* symbol);

  struct Close {
    void operator()(void* handle) const;
  };

  std::string name_;
  std::unique_ptr<void, Close> handle_;
  NcclResult (*get_version_)(int*);
  char const* (*get_error_string_)(NcclResult);
};

}  // namespace kyrtos::parallel
