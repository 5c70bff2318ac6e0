// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <mpi.h>

#include <array>
#include <cstddef>
#include <string>
#include <vector>

/// \file
/// \brief What the machine gives to the ranks of a program.

namespace kyrtos::program {

/// Cores by number, a bit each, as Linux counts them; up to 8192.
class CoreSet {
 public:
  static constexpr std::size_t most = 8192;

  /// Those that any thread of this process may run on. A thread that a library has bound sees only
  /// its own core.
  static CoreSet of_process();
  /// Those of one thread; 0: the calling one.
  static CoreSet of_thread(int thread);

  /// Lets the calling thread run on these.
  void adopt() const;

  CoreSet& operator|=(CoreSet const& other);
  int count() const;
  bool has(std::size_t core) const;
  /// For instance `0-3,8`.
  std::string text() const;

 private:
  static constexpr std::size_t bits = 8 * sizeof(unsigned long);

  std::array<unsigned long, most / bits> words_{};
};

/// What is known of the ranks of one node.
struct Node {
  std::string name;
  int ranks = 0, threads = 0;  ///< Threads of all ranks together.
  CoreSet cores;               ///< That any of the ranks may use.

  bool is_oversubscribed() const { return threads > cores.count(); }
};

/// On rank 0, the nodes of a communicator; `threads` is this rank's. Collective.
std::vector<Node> find_nodes(MPI_Comm ranks, int threads);

/// Ranks that share this node's memory. Collective.
int ranks_on_node(MPI_Comm ranks);

/// Cores for this rank alone, if all ranks of the node shared theirs evenly: the sum, over the
/// cores that it may use, of 1/(ranks that may use it). Collective.
double share_of_cores(MPI_Comm ranks);

/// Bytes of memory that this node could still give, all ranks together; 0: not known.
double available_memory();

/// As /proc/cpuinfo has it, or empty.
std::string processor_name();

}  // namespace kyrtos::program
