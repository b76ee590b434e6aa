#pragma once

#include <functional>
#include <memory>

#include "shm/types/time.hpp"

namespace sluice::loop {

/// The one libuv loop of a process, with what the control plane needs of it. Handlers run on the loop's thread, one at a
/// time. Every watch lives as long as the object returned; destroying that inside its own handler is allowed.
class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Runs until stop(). Whatever was stopped for good is released before it returns.
  void run();
  void stop() noexcept;

  /// Something being watched; the destructor ends the watch.
  class Watch {
   public:
    virtual ~Watch() = default;
  };

  /// A timer that is armed for a point in time and fires once for each arming.
  class Timer : public Watch {
   public:
    /// Fires at `deadline` (at once when it has passed); `never` disarms.
    virtual void arm(TimePoint deadline) noexcept = 0;
  };

  [[nodiscard]] std::unique_ptr<Timer> timer(std::function<void()> handler);
  /// Calls the handler every `period`, first after one period.
  [[nodiscard]] std::unique_ptr<Watch> every(Duration period, std::function<void()> handler);
  /// Calls the handler while `fd` is readable (level-triggered). The descriptor stays the caller's.
  [[nodiscard]] std::unique_ptr<Watch> readable(int fd, std::function<void()> handler);
  [[nodiscard]] std::unique_ptr<Watch> signal(int number, std::function<void()> handler);
  /// Calls the handler once in each turn of the loop, after its I/O was handled: the place to flush what that I/O caused.
  [[nodiscard]] std::unique_ptr<Watch> after_io(std::function<void()> handler);

  /// The uv_loop_t, for libraries that run on it.
  [[nodiscard]] void* native() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::loop
