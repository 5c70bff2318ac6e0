// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "nccl_stand_in.hpp"

#include <mpi.h>

#include <cstring>
#include <deque>
#include <vector>

/// \file
/// \brief Stands in for NCCL where there is no device: the calls that Kyrtos makes, over MPI, on
/// all ranks of MPI_COMM_WORLD and memory of the host.
///
/// An operation begins when it is called, goes on when ncclCommGetAsyncError() is asked, and ends
/// there: only then does its result appear. As on a stream, operations end in their order.

namespace {

enum { success = 0, internal_error = 3, invalid_argument = 4, remote_error = 6, in_progress = 7 };
enum { float32 = 7, float64 = 8 };

struct Id {
  char bytes[128];
};

struct Operation {
  MPI_Request request;
  std::vector<char> values, gathered;
  std::size_t bytes;  // of the result
  void* received;
};

NcclStandIn state{
    0, 0, 0,
    0, 0, [](void* to, void const* from, std::size_t bytes) {
                    std::memcpy(to, from, bytes); },
    ""};

bool fails(char const* call) {
  if (std::strcmp(state.failing, call) != 0) return false;
  state.failing[0] = '\0';
  return true;
}

}  // namespace

struct ncclComm {
  MPI_Comm ranks = MPI_COMM_NULL;
  int rank = 0, size = 0, error = success;
  std::deque<Operation> operations;
};

namespace {

/// start(operation, count, type) with a copy of what is sent.
template <class Start>
int begin(char const* call, int& calls, ncclComm* comm, void const* sent, std::size_t elements,
          int type, void* stream, Start const& start) {
  if (fails(call)) return internal_error;
  if (stream != nullptr || (type != float32 && type != float64)) return invalid_argument;
  ++calls;
  auto& operation = comm->operations.emplace_back();
  operation.bytes = elements * (type == float64 ? sizeof(double) : sizeof(float));
  operation.values.resize(operation.bytes);
  state.copy(operation.values.data(), sent, operation.bytes);
  int const code = start(operation, type == float64 ? MPI_DOUBLE : MPI_FLOAT);
  return code == MPI_SUCCESS ? success : internal_error;
}

}  // namespace

extern "C" {

NcclStandIn* nccl_stand_in(void) {
  return &state;
}

int ncclGetVersion(int* version) {
  *version = 22304;
  return success;
}

char const* ncclGetErrorString(int result) {
  return result == remote_error     ? "a rank is gone"
         : result == internal_error ? "it broke"
                                    : "wrong";
}

int ncclGetUniqueId(Id* id) {
  std::memcpy(id->bytes, "the id of rank 0", 17);
  return fails("ncclGetUniqueId") ? internal_error : success;
}

int ncclCommInitRank(ncclComm** made, int size, Id id, int rank) {
  int own_rank = 0, ranks = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &own_rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  if (fails("ncclCommInitRank")) return internal_error;
  if (size != ranks || rank != own_rank || std::strcmp(id.bytes, "the id of rank 0") != 0)
    return invalid_argument;
  *made = new ncclComm;
  (*made)->rank = rank;
  (*made)->size = size;
  MPI_Comm_dup(MPI_COMM_WORLD, &(*made)->ranks);
  return success;
}

int ncclCommDestroy(ncclComm* comm) {
  for (auto& operation : comm->operations) MPI_Wait(&operation.request, MPI_STATUS_IGNORE);
  MPI_Comm_free(&comm->ranks);
  delete comm;
  return success;
}

/// Other ranks may never start what was started here: its memory stays, as MPI can't end it.
int ncclCommAbort(ncclComm*) {
  ++state.aborted;
  return success;
}

int ncclCommGetAsyncError(ncclComm* comm, int* error) {
  if (fails("ncclCommGetAsyncError")) comm->error = remote_error;
  while (comm->error == success && !comm->operations.empty()) {
    auto& operation = comm->operations.front();
    int done = 0;
    MPI_Test(&operation.request, &done, MPI_STATUS_IGNORE);
    if (done == 0) break;
    auto const& result = operation.gathered.empty() ? operation.values : operation.gathered;
    state.copy(operation.received, result.data(), operation.bytes);
    comm->operations.pop_front();
    ++state.done;
  }
  *error = comm->error != success ? comm->error : comm->operations.empty() ? success : in_progress;
  return success;
}

int ncclAllReduce(void const* sent, void* received, std::size_t count, int type, int sum,
                  ncclComm* comm, void* stream) {
  if (sum != 0) return invalid_argument;
  return begin("ncclAllReduce", state.all_reduces, comm, sent, count, type, stream,
               [&](Operation& o, MPI_Datatype scalar) {
                 o.received = received;
                 return MPI_Iallreduce(MPI_IN_PLACE, o.values.data(), static_cast<int>(count),
                                       scalar, MPI_SUM, comm->ranks, &o.request);
               });
}

int ncclReduceScatter(void const* sent, void* received, std::size_t count, int type, int sum,
                      ncclComm* comm, void* stream) {
  if (sum != 0) return invalid_argument;
  return begin("ncclReduceScatter", state.reduce_scatters, comm, sent,
               count * static_cast<std::size_t>(comm->size), type, stream,
               [&](Operation& o, MPI_Datatype scalar) {
                 o.bytes /= static_cast<std::size_t>(comm->size);
                 o.received = received;
                 return MPI_Ireduce_scatter_block(MPI_IN_PLACE, o.values.data(),
                                                  static_cast<int>(count), scalar, MPI_SUM,
                                                  comm->ranks, &o.request);
               });
}

int ncclAllGather(void const* sent, void* received, std::size_t count, int type, ncclComm* comm,
                  void* stream) {
  return begin("ncclAllGather", state.all_gathers, comm, sent, count, type, stream,
               [&](Operation& o, MPI_Datatype scalar) {
                 o.bytes *= static_cast<std::size_t>(comm->size);
                 o.gathered.resize(o.bytes);
                 o.received = received;
                 int const n = static_cast<int>(count);
                 return MPI_Iallgather(o.values.data(), n, scalar, o.gathered.data(), n, scalar,
                                       comm->ranks, &o.request);
               });
}

}  // extern "C"
