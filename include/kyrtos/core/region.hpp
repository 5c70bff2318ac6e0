// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

#include <string>

namespace kyrtos {

/// What a region has to do at least. It is told where it is done (matrix products tell theirs) and
/// counts for the regions around that too; zeros: nothing to tell.
struct RegionWork {
  double flops = 0;  ///< Floating-point operations.
  double bytes = 0;  ///< To and from memory.
};

/// Hears of the regions of a Context, which are nested: Context::observe(). Work on the instance is
/// done when it is called. Must not throw.
class RegionObserver {
 public:
  virtual ~RegionObserver() = default;
  virtual void begin(std::string const& name, RegionWork const& work) = 0;
  virtual void end() = 0;
};

/// A named span of time, such as `kyrtos::linear::forward`, closed when the object goes out of
/// scope: for tools, through Kokkos, and for the Context's observer. Waits for the instance only
/// where there is one.
template <class Space>
class Region {
 public:
  Region(Context<Space> const& context, std::string const& name, RegionWork const& work = {})
      : context_(&context), observer_(context.observer()), kokkos_(name) {
    if (observer_ == nullptr) return;
    context.fence("kyrtos::Region");
    observer_->begin(name, work);
  }
  ~Region() {
    if (observer_ == nullptr) return;
    context_->fence("kyrtos::Region");
    observer_->end();
  }
  Region(Region const&) = delete;
  Region& operator=(Region const&) = delete;

 private:
  Context<Space> const* context_;
  RegionObserver* observer_;
  compat::ScopedRegion kokkos_;
};

}  // namespace kyrtos
