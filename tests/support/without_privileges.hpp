// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <unistd.h>

namespace kyrtos::testing {

/// While it lives, permissions hold for this process even if root started it.
class WithoutPrivileges {
 public:
  WithoutPrivileges() : before_(geteuid()) {
    constexpr uid_t nobody = 65534;
    if (before_ == 0) works_ = seteuid(nobody) == 0;
  }
  ~WithoutPrivileges() {
    if (before_ == 0 && works_ && seteuid(before_) != 0) _exit(1);
  }
  WithoutPrivileges(WithoutPrivileges const&) = delete;
  WithoutPrivileges& operator=(WithoutPrivileges const&) = delete;

  bool works() const { return works_; }

 private:
  uid_t before_;
  bool works_ = true;
};

}  // namespace kyrtos::testing
