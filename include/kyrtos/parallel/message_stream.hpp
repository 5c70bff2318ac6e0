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
///
/// This is the one of a host, where kernels are done when they return, and which has no streams:
/// whoever carries messages there is asked whether they have arrived.
template <class Space>
class MessageStream {
 public:
  /// A place in the stream. May be set again.
  struct Mark {};

  /// As a library takes it.
  void* get() const { return nullptr; }
  /// Messages from now on wait for the kernels enqueued so far.
  void follow(Space const&) const {}
  void set(Mark&) const {}
  /// Whether the messages before a mark have arrived. (Here their library knows.)
  static bool is_done(Mark const&) { return true; }
  /// What tells the device of this process from others of its node.
  static std::string device() { return ""; }
};

#ifdef KYRTOS_DEVICE_NAME
/// By CUDA or HIP.
template <>
class MessageStream<Kokkos::DefaultExecutionSpace> {
  using Space = Kokkos::DefaultExecutionSpace;
  using Code = KYRTOS_DEVICE_NAME(Error_t);
  using Stream = KYRTOS_DEVICE_NAME(Stream_t);
  using Event = KYRTOS_DEVICE_NAME(Event_t);

  static void check(Code code, char const* what) {
    if (code != KYRTOS_DEVICE_NAME(Success))
      throw Error(std::string("MessageStream: ") + what + ": " +
                  KYRTOS_DEVICE_NAME(GetErrorString)(code));
  }
  struct DestroyEvent {
    void operator()(Event event) const { (void)KYRTOS_DEVICE_NAME(EventDestroy)(event); }
  };
  struct DestroyStream {
    void operator()(Stream stream) const { (void)KYRTOS_DEVICE_NAME(StreamDestroy)(stream); }
  };
  template <class S>  // so that only one branch has to exist
  static Stream of(S const& kernels) {
    if constexpr (requires { kernels.cuda_stream(); })
      return kernels.cuda_stream();
    else
      return kernels.hip_stream();
  }

 public:
  class Mark {
    friend MessageStream;
    std::unique_ptr<std::remove_pointer_t<Event>, DestroyEvent> event_;
    Event get() {
      if (event_) return event_.get();
      Event made = nullptr;
      check(KYRTOS_DEVICE_NAME(EventCreateWithFlags)(&made, KYRTOS_DEVICE_NAME(EventDisableTiming)),
            "create an event");
      event_.reset(made);
      return made;
    }
  };

  /// Of the highest priority: a message's few blocks do not wait for those of a large kernel.
  MessageStream() {
    int lowest = 0, highest = 0;
    check(KYRTOS_DEVICE_NAME(DeviceGetStreamPriorityRange)(&lowest, &highest), "priorities");
    Stream made = nullptr;
    check(KYRTOS_DEVICE_NAME(StreamCreateWithPriority)(&made, KYRTOS_DEVICE_NAME(StreamNonBlocking),
                                                       highest),
          "create a stream");
    stream_.reset(made);
  }

  void* get() const { return stream_.get(); }
  void follow(Space const& kernels) {
    check(KYRTOS_DEVICE_NAME(EventRecord)(kernels_.get(), of(kernels)), "record an event");
    check(KYRTOS_DEVICE_NAME(StreamWaitEvent)(stream_.get(), kernels_.get(), 0), "wait");
  }
  void set(Mark& mark) const {
    check(KYRTOS_DEVICE_NAME(EventRecord)(mark.get(), stream_.get()), "record an event");
  }
  static bool is_done(Mark const& mark) {
    Code const code = KYRTOS_DEVICE_NAME(EventQuery)(mark.event_.get());
    if (code != KYRTOS_DEVICE_NAME(ErrorNotReady)) check(code, "ask for an event");
    return code == KYRTOS_DEVICE_NAME(Success);
  }
  static std::string device() {
    char name[64] = {};
    int number = 0;
    check(KYRTOS_DEVICE_NAME(GetDevice)(&number), "find the device");
    check(KYRTOS_DEVICE_NAME(DeviceGetPCIBusId)(name, sizeof name, number), "find the device");
    return name;
  }

 private:
  std::unique_ptr<std::remove_pointer_t<Stream>, DestroyStream> stream_;
  Mark kernels_;
};
#endif

}  // namespace kyrtos::parallel
