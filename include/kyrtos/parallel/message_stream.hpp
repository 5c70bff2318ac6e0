// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/error.hpp>
#include <kyrtos/core/kokkos_compat.hpp>

#include <memory>
#include <string>
#include <type_traits>

/// \file
/// \brief The one place where messages and kernels are put in order by streams and events.

namespace kyrtos::parallel {

/// A stream for messages beside the one that kernels run on.
template <class Space, class Runtime = compat::RuntimeOf<Space>>
class MessageStream {
  using Stream = typename Runtime::Stream;
  using Event = typename Runtime::Event;

  static void check(typename Runtime::Code code, char const* what) {
    if (code != Runtime::success)
      throw Error(std::string("MessageStream: ") + what + ": " + Runtime::error_text(code));
  }
  struct DestroyEvent {
    void operator()(Event event) const { (void)Runtime::destroy_event(event); }
  };
  struct DestroyStream {
    void operator()(Stream stream) const { (void)Runtime::destroy_stream(stream); }
  };
  static Stream of(Space const& kernels) {
    if constexpr (requires { kernels.cuda_stream(); })
      return kernels.cuda_stream();
    else
      return kernels.hip_stream();
  }

 public:
  /// A place in the stream. May be set again.
  class Mark {
    friend MessageStream;
    std::unique_ptr<std::remove_pointer_t<Event>, DestroyEvent> event_;
    Event get() {
      if (event_) return event_.get();
      Event made = nullptr;
      check(Runtime::create_event(&made, Runtime::without_timing), "create an event");
      event_.reset(made);
      return made;
    }
  };

  /// Of the highest priority: a message's few blocks do not wait for those of a large kernel.
  MessageStream() {
    int lowest = 0, highest = 0;
    check(Runtime::priorities(&lowest, &highest), "priorities");
    Stream made = nullptr;
    check(Runtime::create_stream(&made, Runtime::beside_others, highest), "create a stream");
    stream_.reset(made);
  }

  /// As a library takes it.
  void* get() const { return stream_.get(); }
  /// Messages from now on wait for the kernels enqueued so far.
  void follow(Space const& kernels) {
    check(Runtime::record(kernels_.get(), of(kernels)), "record an event");
    check(Runtime::wait(stream_.get(), kernels_.get(), 0), "wait");
  }
  void set(Mark& mark) const {
    check(Runtime::record(mark.get(), stream_.get()), "record an event");
  }
  /// Whether the messages before a mark have arrived.
  static bool is_done(Mark const& mark) {
    auto const code = Runtime::query(mark.event_.get());
    if (code != Runtime::not_ready) check(code, "ask for an event");
    return code == Runtime::success;
  }
  /// What tells the device of this process from others of its node.
  static std::string device() {
    char name[64] = {};
    int number = 0;
    check(Runtime::device(&number), "find the device");
    check(Runtime::device_name(name, sizeof name, number), "find the device");
    return name;
  }

 private:
  std::unique_ptr<std::remove_pointer_t<Stream>, DestroyStream> stream_;
  Mark kernels_;
};

/// That of a host, where kernels are done when they return, and which has no streams: whoever
/// carries messages there is asked whether they have arrived.
template <class Space>
class MessageStream<Space, void> {
 public:
  struct Mark {};

  void* get() const { return nullptr; }
  void follow(Space const&) const {}
  void set(Mark&) const {}
  static bool is_done(Mark const&) { return true; }
  static std::string device() { return ""; }
};

}  // namespace kyrtos::parallel
