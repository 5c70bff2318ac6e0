// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/communicator.hpp>
#include <kyrtos/core/error.hpp>

#include <algorithm>

namespace kyrtos {

namespace {

bool mpi_is_running() {
  int initialized = 0, finalized = 0;
  MPI_Initialized(&initialized);
  MPI_Finalized(&finalized);
  return initialized != 0 && finalized == 0;
}

MPI_Comm* duplicate(MPI_Comm parent) {
  if (!mpi_is_running())
    throw Error(
        "Communicator: MPI is not running; call MPI_Init_thread before, and keep every "
        "Kyrtos object inside the life of MPI");
  MPI_Comm copy = MPI_COMM_NULL;
  check_mpi(MPI_Comm_dup(parent, &copy), "MPI_Comm_dup");
  // Errors come back as codes, and check_mpi makes exceptions of them.
  MPI_Comm_set_errhandler(copy, MPI_ERRORS_RETURN);
  return std::make_unique<MPI_Comm>(copy).release();
}

void release(MPI_Comm* handle) {
  if (mpi_is_running()) MPI_Comm_free(handle);
  std::default_delete<MPI_Comm>()(handle);
}

/// MPI 3.1 counts are int: what is longer goes in pieces.
template <class T, class Work>
void in_pieces(std::span<T> values, Work const& work) {
  constexpr std::size_t longest = std::size_t{1} << 30;
  for (std::size_t begin = 0; begin < values.size(); begin += longest) {
    auto const piece = values.subspan(begin, std::min(longest, values.size() - begin));
    work(piece.data(), static_cast<int>(piece.size()));
  }
}

template <class T>
void reduce_in_place(std::span<T> values, MPI_Datatype type, MPI_Op operation,
                     Communicator const& communicator) {
  if (communicator.size() == 1) return;
  in_pieces(values, [&](T* data, int count) {
    check_mpi(MPI_Allreduce(MPI_IN_PLACE, data, count, type, operation, communicator.get()),
              "MPI_Allreduce");
  });
}

}  // namespace

void check_mpi(int code, char const* call) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw Error(std::string(call) + ": " + std::string(text, static_cast<std::size_t>(length)));
}

Communicator::Communicator(MPI_Comm parent) : handle_(duplicate(parent), release) {
  check_mpi(MPI_Comm_rank(get(), &rank_), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(get(), &size_), "MPI_Comm_size");
}

void Communicator::sum(std::span<double> values) const {
  reduce_in_place(values, MPI_DOUBLE, MPI_SUM, *this);
}

void Communicator::sum(std::span<float> values) const {
  reduce_in_place(values, MPI_FLOAT, MPI_SUM, *this);
}

void Communicator::sum(std::span<std::uint64_t> values) const {
  reduce_in_place(values, MPI_UINT64_T, MPI_SUM, *this);
}

double Communicator::sum(double value) const {
  sum(std::span(&value, 1));
  return value;
}

double Communicator::max(double value) const {
  max(std::span(&value, 1));
  return value;
}

void Communicator::max(std::span<double> values) const {
  reduce_in_place(values, MPI_DOUBLE, MPI_MAX, *this);
}

bool Communicator::any(bool value) const {
  int flag = value ? 1 : 0;
  check_mpi(MPI_Allreduce(MPI_IN_PLACE, &flag, 1, MPI_INT, MPI_MAX, get()), "MPI_Allreduce");
  return flag != 0;
}

void Communicator::broadcast(std::span<std::byte> bytes, int from) const {
  in_pieces(bytes, [&](std::byte* data, int count) {
    check_mpi(MPI_Bcast(data, count, MPI_BYTE, from, get()), "MPI_Bcast");
  });
}

std::string Communicator::broadcast(std::string text, int from) const {
  std::uint64_t length = text.size();
  broadcast(std::as_writable_bytes(std::span(&length, 1)), from);
  text.resize(length);
  broadcast(std::as_writable_bytes(std::span(text)), from);
  return text;
}

void Communicator::barrier() const {
  check_mpi(MPI_Barrier(get()), "MPI_Barrier");
}

}  // namespace kyrtos
