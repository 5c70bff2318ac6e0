// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/partition.hpp>
#include <kyrtos/parallel/transfer.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace kyrtos::parallel {

/// Three buffers in which whole parts of a split vector are while they are in use or on their way:
/// one is made for the first and the last part (a model's ends), two for those between.
template <class Scalar, class Space>
class PartBuffers {
 public:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  struct Buffer {
    Vector<Scalar, Space> values;
    MpiMemory<Scalar, Space> memory;
    std::size_t part = none;  ///< What it holds.
    bool is_in_use = false;   ///< Not to be given to another part.
    Transfer<Scalar, Space> transfer;
    Index sum = 0;      ///< Where this rank's sum is, once it has arrived.
    unsigned used = 0;  ///< When it was taken last.
  };

  PartBuffers(Context<Space> const& context, Partition const& partition, std::string const& name,
              MpiWork work) {
    auto const& parts = partition.parts();
    auto const padded = [&](Partition::Part const& part) {
      Index const size = part.slice * partition.ranks();
      require<ConfigError>(size <= std::numeric_limits<int>::max(),
                           "PartBuffers: a part of more than 2^31 elements; MPI 3.1 counts in int");
      return size;
    };
    Index const ends = std::max(padded(parts.front()), padded(parts.back()));
    Index between = 0;
    for (std::size_t i = 1; i + 1 < parts.size(); ++i)
      between = std::max(between, padded(parts[i]));
    for (std::size_t i = 0; i < buffers_.size(); ++i) {
      Index const size = i == 0 ? ends : between;
      buffers_[i].values = allocate<Scalar>(context, name, size);
      buffers_[i].memory = MpiMemory<Scalar, Space>(name, size, transfers_in_place(context, work));
      buffers_[i].memory.attach(buffers_[i].values);
    }
  }

  auto begin() { return buffers_.begin(); }
  auto end() { return buffers_.end(); }

  /// The buffer that holds a part, or null.
  Buffer* find(std::size_t part) {
    for (auto& buffer : buffers_)
      if (buffer.part == part) return &buffer;
    return nullptr;
  }

  /// A buffer to be filled with `size` elements: of those that are free the smallest, of equals the
  /// one not used for longest. Its transfer may not have ended.
  Buffer& take(Index size) {
    Buffer* best = nullptr;
    for (auto& buffer : buffers_) {
      if (buffer.is_in_use || static_cast<Index>(buffer.values.size()) < size) continue;
      if (best == nullptr ||
          std::pair(buffer.values.size(), buffer.used) < std::pair(best->values.size(), best->used))
        best = &buffer;
    }
    require(best != nullptr, "PartBuffers: more parts at once than there is memory for");
    best->used = ++clock_;
    return *best;
  }

 private:
  std::array<Buffer, 3> buffers_;
  unsigned clock_ = 0;
};

}  // namespace kyrtos::parallel
