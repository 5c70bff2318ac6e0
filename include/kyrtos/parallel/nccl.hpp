// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

#include <string>

/// \file
/// \brief NCCL or RCCL, which sum and gather on devices, in order with kernels by streams: found
/// when a program runs, and linked with nothing.

namespace kyrtos::parallel {

template <class Space>
class NcclRanks;  // src/parallel/nccl_ranks.hpp

/// NCCL's ranks of a Context and its copies, or null where MPI carries everything. The first call
/// decides by ContextOptions::transport and is collective. \throws ConfigError where NCCL is wanted
/// and can't be had, Error with the words of NCCL.
///
/// Several of them in one process, of several Contexts, must not be busy at once (NCCL's rule).
template <class Space>
NcclRanks<Space>* nccl_ranks(Context<Space> const& context);

/// Who carries vectors, and why: `nccl: libnccl.so.2 2.19.3`, `mpi: kernels run on the host`. As
/// nccl_ranks().
template <class Space>
std::string carrier_of_vectors(Context<Space> const& context);

/// Whether transfers (parallel/transfer.hpp) read and write memory of kernels itself. As
/// nccl_ranks().
template <class Space>
bool transfers_in_place(Context<Space> const& context, MpiWork work) {
  return (work != MpiWork::ordered_sums && nccl_ranks(context) != nullptr) ||
         context.mpi_reads_memory(work);
}

/// The library that the loader finds for this build, with its version, or why there is none.
std::string found_nccl();

}  // namespace kyrtos::parallel
