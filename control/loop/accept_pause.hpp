#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "control/loop/event_loop.hpp"

namespace sluice::loop {

/// Keeps the loop from spinning when nothing can be accepted. A listener whose accept() fails for want of a descriptor or of
/// memory stays readable, and libwebsockets goes on polling it: a whole core, for as long as it lasts. So the listeners are
/// taken out of the loop for a moment and asked again after it; who connects waits in the kernel's queue. libwebsockets
/// tells of such a failure in its error log only, so that is where this listens; one at a time per thread.
class AcceptPause {
 public:
  explicit AcceptPause(EventLoop& loop);
  ~AcceptPause();
  AcceptPause(const AcceptPause&) = delete;
  AcceptPause& operator=(const AcceptPause&) = delete;

  [[nodiscard]] std::uint64_t pauses() const noexcept { return pauses_; }

 private:
  static void on_log(int level, const char* line);
  void pause();
  void resume();

  EventLoop& loop_;
  std::unique_ptr<EventLoop::Timer> timer_;
  std::vector<const void*> paused_;  // poll handles; compared, never followed
  std::uint64_t pauses_ = 0;
};

}  // namespace sluice::loop
