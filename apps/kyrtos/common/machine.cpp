// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "machine.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <sched.h>

namespace kyrtos::program {

// ---- Cores -------------------------------------------------------------------------------------

CoreSet CoreSet::of_process() {
  CoreSet all;
  std::error_code error;
  for (auto const& task : std::filesystem::directory_iterator("/proc/self/task", error)) {
    auto const name = task.path().filename().string();
    pid_t thread = 0;
    std::from_chars(name.data(), name.data() + name.size(), thread);
    all |= of_thread(thread);
  }
  return all;
}

CoreSet CoreSet::of_thread(int thread) {
  CoreSet cores;
  void* const words = cores.words_.data();
  if (sched_getaffinity(thread, sizeof(cores.words_), static_cast<cpu_set_t*>(words)) != 0)
    return {};
  return cores;
}

void CoreSet::adopt() const {
  void const* const words = words_.data();
  sched_setaffinity(0, sizeof(words_), static_cast<cpu_set_t const*>(words));
}

CoreSet& CoreSet::operator|=(CoreSet const& other) {
  for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
  return *this;
}

int CoreSet::count() const {
  int count = 0;
  for (unsigned long const word : words_) count += std::popcount(word);
  return count;
}

bool CoreSet::has(std::size_t core) const {
  return core < most && (words_[core / bits] >> (core % bits) & 1) != 0;
}

std::string CoreSet::text() const {
  std::string text;
  for (std::size_t core = 0; core < most; ++core) {
    if (!has(core)) continue;
    std::size_t const first = core;
    while (has(core + 1)) ++core;
    if (!text.empty()) text += ',';
    text += core > first ? fmt::format("{}-{}", first, core) : fmt::format("{}", first);
  }
  return text;
}

// ---- Nodes -------------------------------------------------------------------------------------

namespace {

/// The ranks that share a node's memory, as a communicator of their own.
class NodeRanks {
 public:
  explicit NodeRanks(MPI_Comm ranks) {
    MPI_Comm_split_type(ranks, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &handle_);
  }
  ~NodeRanks() { MPI_Comm_free(&handle_); }
  NodeRanks(NodeRanks const&) = delete;
  NodeRanks& operator=(NodeRanks const&) = delete;

  MPI_Comm get() const { return handle_; }

 private:
  MPI_Comm handle_ = MPI_COMM_NULL;
};

/// What a rank tells rank 0; sent as bytes.
struct Place {
  int node = 0;  // the first rank on it
  int threads = 0;
  CoreSet cores;
  char name[MPI_MAX_PROCESSOR_NAME] = {};
};

Place place_of(MPI_Comm ranks, int threads) {
  Place place;
  place.threads = threads;
  place.cores = CoreSet::of_process();
  int length = 0;
  MPI_Get_processor_name(place.name, &length);
  MPI_Comm_rank(ranks, &place.node);
  NodeRanks const node(ranks);
  MPI_Bcast(&place.node, 1, MPI_INT, 0, node.get());
  return place;
}

}  // namespace

std::vector<Node> find_nodes(MPI_Comm ranks, int threads) {
  int rank = 0, size = 1;
  MPI_Comm_rank(ranks, &rank);
  MPI_Comm_size(ranks, &size);
  auto const place = place_of(ranks, threads);
  std::vector<Place> places(rank == 0 ? static_cast<std::size_t>(size) : 0);
  MPI_Gather(&place, sizeof(Place), MPI_BYTE, places.data(), sizeof(Place), MPI_BYTE, 0, ranks);
  std::map<int, Node> nodes;
  for (auto const& p : places) {
    auto& node = nodes[p.node];
    node.name = p.name;
    node.ranks += 1;
    node.threads += p.threads;
    node.cores |= p.cores;
  }
  std::vector<Node> list;
  for (auto const& [first, node] : nodes) list.push_back(node);
  return list;
}

int ranks_on_node(MPI_Comm ranks) {
  NodeRanks const node(ranks);
  int size = 1;
  MPI_Comm_size(node.get(), &size);
  return size;
}

double share_of_cores(MPI_Comm ranks) {
  auto const mine = CoreSet::of_process();
  NodeRanks const node(ranks);
  int size = 1;
  MPI_Comm_size(node.get(), &size);
  std::vector<CoreSet> all(static_cast<std::size_t>(size));
  MPI_Allgather(&mine, sizeof(CoreSet), MPI_BYTE, all.data(), sizeof(CoreSet), MPI_BYTE,
                node.get());
  double share = 0;
  for (std::size_t core = 0; core < CoreSet::most; ++core)
    if (mine.has(core))
      share += 1 / static_cast<double>(std::count_if(
                       all.begin(), all.end(), [&](CoreSet const& set) { return set.has(core); }));
  return share;
}

// ---- /proc -------------------------------------------------------------------------------------

namespace {

/// What follows the colon in the first line of a file that starts with `key`.
std::string value_in(char const* path, std::string const& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key)) {
      auto const begin = line.find_first_not_of(" \t", line.find(':') + 1);
      return begin == std::string::npos ? "" : line.substr(begin);
    }
  return {};
}

}  // namespace

double available_memory() {
  auto const text = value_in("/proc/meminfo", "MemAvailable:");  // in kB
  return text.empty() ? 0 : std::strtod(text.c_str(), nullptr) * 1024;
}

std::string processor_name() {
  return value_in("/proc/cpuinfo", "model name");
}

}  // namespace kyrtos::program
