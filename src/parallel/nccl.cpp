// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/parallel/agreement.hpp>
#include <kyrtos/parallel/nccl.hpp>

#include "nccl_ranks.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <span>
#include <string_view>

namespace kyrtos::parallel {

template <class Space>
NcclRanks<Space>::NcclRanks(Communicator const& ranks, std::shared_ptr<NcclLibrary const> library)
    : library_(std::move(library)), news_(ranks.get()), rank_(ranks.rank()) {
  NcclId id{};
  on_root<Error>(ranks, [&] { library_->check(library_->get_unique_id(&id), "ncclGetUniqueId"); });
  ranks.broadcast(std::as_writable_bytes(std::span(id.bytes)));
  in_agreement<Error>(ranks, [&] {
    library_->check(library_->init_rank(&communicator_, ranks.size(), id, rank_),
                    "ncclCommInitRank");
  });
}

template <class Space>
NcclRanks<Space>::~NcclRanks() {
  if (communicator_ != nullptr) library_->destroy(communicator_);
}

template <class Space>
void NcclRanks<Space>::give_up() noexcept {
  if (communicator_ != nullptr) library_->abort(communicator_);
  communicator_ = nullptr;
  has_failed_ = true;
}

template <class Space>
void NcclRanks<Space>::check(NcclResult result, char const* call) {
  try {
    library_->check(result, call);
  } catch (Error const& error) {
    fail(error.what());
  }
}

/// News are empty messages, which MPI takes at once; the words follow by agreement.
template <class Space>
void NcclRanks<Space>::fail(std::string const& words) {
  give_up();
  for (int other = 0; other < news_.size(); ++other)
    if (other != rank_) MPI_Send(nullptr, 0, MPI_BYTE, other, 0, news_.get());
  in_agreement<Error>(news_, [&] { throw Error(words); });
}

template <class Space>
void NcclRanks<Space>::listen() {
  live();
  int has_news = 0;
  check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, 0, news_.get(), &has_news, MPI_STATUS_IGNORE), "MPI_Iprobe");
  if (has_news != 0) agree();
}

template <class Space>
void NcclRanks<Space>::agree() {
  live();
  try {
    in_agreement<Error>(news_, [] {});
  } catch (Error const&) {
    give_up();
    throw;
  }
}

template <class Space>
bool NcclRanks<Space>::is_done(Mark const& mark) {
  listen();
  auto state = NcclResult::success;
  check(library_->get_async_error(live(), &state), "ncclCommGetAsyncError");
  if (state != NcclResult::in_progress) check(state, "NCCL, behind the program's work");
  return compat::runs_on_host<Space> ? state == NcclResult::success
                                     : MessageStream<Space>::is_done(mark);
}

template <class Space>
void NcclRanks<Space>::settle(Mark const& mark) noexcept {
  try {
    if (!has_failed_) wait(mark);
  } catch (Error const&) {
    return;
  }
}

namespace {

/// What a Context keeps.
template <class Space>
struct Carrier {
  std::unique_ptr<NcclRanks<Space>> nccl;
  std::string words;
};

/// As NVIDIA's and AMD's packages name them.
std::vector<std::string> usual_names() {
  std::vector<std::string> names;
  if (!compat::backend_is_hip) names.push_back("libnccl.so.2");
  if (!compat::backend_is_cuda) names.push_back("librccl.so.1");
  return names;
}

/// Whether no two ranks share a device. Collective.
bool have_devices_of_their_own(Communicator const& ranks, std::string const& device) {
  std::array<char, MPI_MAX_PROCESSOR_NAME + 64> own{};
  int length = 0;
  check_mpi(MPI_Get_processor_name(own.data(), &length), "MPI_Get_processor_name");
  device.copy(own.data() + length + 1, own.size() - static_cast<std::size_t>(length) - 2);
  std::vector<char> all(own.size() * static_cast<std::size_t>(ranks.size()));
  int const size = static_cast<int>(own.size());
  check_mpi(MPI_Allgather(own.data(), size, MPI_CHAR, all.data(), size, MPI_CHAR, ranks.get()),
            "MPI_Allgather");
  std::set<std::string_view> different;
  for (std::size_t at = 0; at < all.size(); at += own.size())
    different.emplace(all.data() + at, own.size());
  return different.size() == static_cast<std::size_t>(ranks.size());
}

/// Why vectors go through MPI where nobody said so; empty where they need not.
template <class Space>
std::string reason_for_mpi(Context<Space> const& context) {
  auto const& ranks = context.communicator();
  if (context.options().transport == Transport::mpi) return "as parallel.transport says";
  if (ranks.size() == 1) return "there is one rank";
  if (context.options().counts_memory) return "memory is only counted";
  if (context.options().transport == Transport::nccl) return "";
  if (compat::runs_on_host<Space>) return "kernels run on the host";
  if (!have_devices_of_their_own(ranks, MessageStream<Space>::device()))
    return "several ranks share a device";
  return "";
}

template <class Space>
std::shared_ptr<NcclLibrary const> load(ContextOptions const& options) {
  if (!options.nccl_library.empty()) return NcclLibrary::first_of({options.nccl_library});
  require<ConfigError>(!compat::runs_on_host<Space>,
                       "kernels run on the host here, whose memory NCCL does not read");
  return NcclLibrary::first_of(usual_names());
}

template <class Space>
Carrier<Space> choose(Context<Space> const& context) {
  auto const& ranks = context.communicator();
  if (auto const reason = reason_for_mpi(context); !reason.empty())
    return {nullptr, "mpi: " + reason};
  std::shared_ptr<NcclLibrary const> library;
  try {
    in_agreement<ConfigError>(ranks, [&] { library = load<Space>(context.options()); });
  } catch (ConfigError const& error) {
    if (context.options().transport == Transport::automatic)
      return {nullptr, std::string("mpi: ") + error.what()};
    throw ConfigError("parallel.transport = \"nccl\": " + std::string(error.what()) +
                      ". Name the library of NCCL or RCCL by parallel.nccl_library, add its folder "
                      "to LD_LIBRARY_PATH, or take parallel.transport = \"mpi\" or \"auto\"");
  }
  return {std::make_unique<NcclRanks<Space>>(ranks, library),
          "nccl: " + library->name() + " " + library->version()};
}

template <class Space>
Carrier<Space>& carrier(Context<Space> const& context) {
  auto& kept = context.transport_library();
  if (!kept) kept = std::make_shared<Carrier<Space>>(choose(context));
  return *static_cast<Carrier<Space>*>(kept.get());
}

}  // namespace

template <class Space>
NcclRanks<Space>* nccl_ranks(Context<Space> const& context) {
  return carrier(context).nccl.get();
}

template <class Space>
std::string carrier_of_vectors(Context<Space> const& context) {
  return carrier(context).words;
}

std::string found_nccl() {
  try {
    auto const library = NcclLibrary::first_of(usual_names());
    return library->name() + " " + library->version();
  } catch (Error const& error) {
    return std::string("not found: ") + error.what();
  }
}

#define KYRTOS_NCCL(SPACE)                                              \
  template class NcclRanks<SPACE>;                                      \
  template NcclRanks<SPACE>* nccl_ranks(Context<SPACE> const& context); \
  template std::string carrier_of_vectors(Context<SPACE> const& context);
KYRTOS_FOR_EACH_SPACE(KYRTOS_NCCL)

}  // namespace kyrtos::parallel
