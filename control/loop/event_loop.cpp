#include "control/loop/event_loop.hpp"

#include <uv.h>

#include <ctime>
#include <stdexcept>
#include <string>
#include <utility>

#include "control/loop/clock.hpp"

namespace sluice::loop {

TimePoint now() noexcept {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return TimePoint(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

std::int64_t unix_ms() noexcept {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return std::int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1000000;
}

struct EventLoop::Impl {
  uv_loop_t loop{};
};

namespace {

/// What libuv holds on to until its close callback: the handle and the handler, apart from the watch that owns them.
template <typename Handle>
struct Held {
  Handle handle{};
  std::function<void()> handler;
};

template <typename Handle>
void call(Handle* handle) {
  // A copy keeps the handler alive while it destroys its own watch.
  const auto handler = static_cast<Held<Handle>*>(handle->data)->handler;
  handler();
}

template <typename Handle, typename Interface>
class HandleWatch : public Interface {
 public:
  explicit HandleWatch(std::function<void()> handler) : held_(new Held<Handle>{{}, std::move(handler)}) {
    held_->handle.data = held_;
  }
  HandleWatch(const HandleWatch&) = delete;
  HandleWatch& operator=(const HandleWatch&) = delete;
  ~HandleWatch() override {
    uv_close(reinterpret_cast<uv_handle_t*>(&held_->handle),
             [](uv_handle_t* handle) { delete static_cast<Held<Handle>*>(reinterpret_cast<Handle*>(handle)->data); });
  }
  Handle* handle() noexcept { return &held_->handle; }

 private:
  Held<Handle>* held_;
};

class UvTimer final : public HandleWatch<uv_timer_t, EventLoop::Timer> {
 public:
  using HandleWatch::HandleWatch;
  void arm(TimePoint deadline) noexcept override {
    if (deadline == never) {
      uv_timer_stop(handle());
      return;
    }
    // libuv counts whole milliseconds from its cached time; rounding up keeps the timer from firing before the deadline.
    uv_update_time(handle()->loop);
    const Duration wait = deadline - now();
    const auto ms = wait <= Duration::zero() ? 0 : std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    uv_timer_start(
        handle(), [](uv_timer_t* timer) { call(timer); }, static_cast<std::uint64_t>(ms), 0);
  }
};

void check(int result, const char* what) {
  if (result < 0) throw std::runtime_error(std::string(what) + ": " + uv_strerror(result));
}

}  // namespace

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {
  check(uv_loop_init(&impl_->loop), "uv_loop_init");
}

EventLoop::~EventLoop() {
  // Closed handles are released by a last turn.
  while (uv_run(&impl_->loop, UV_RUN_NOWAIT) != 0 && uv_loop_close(&impl_->loop) == UV_EBUSY) {
    uv_walk(
        &impl_->loop,
        [](uv_handle_t* handle, void*) {
          if (uv_is_closing(handle) == 0) uv_close(handle, nullptr);
        },
        nullptr);
  }
  uv_loop_close(&impl_->loop);
}

void EventLoop::run() {
  uv_run(&impl_->loop, UV_RUN_DEFAULT);
}
void EventLoop::stop() noexcept {
  uv_stop(&impl_->loop);
}
void* EventLoop::native() noexcept {
  return &impl_->loop;
}

std::unique_ptr<EventLoop::Timer> EventLoop::timer(std::function<void()> handler) {
  auto watch = std::make_unique<UvTimer>(std::move(handler));
  uv_timer_init(&impl_->loop, watch->handle());
  return watch;
}

std::unique_ptr<EventLoop::Watch> EventLoop::every(Duration period, std::function<void()> handler) {
  auto watch = std::make_unique<HandleWatch<uv_timer_t, Watch>>(std::move(handler));
  uv_timer_init(&impl_->loop, watch->handle());
  const auto ms = static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(period).count());
  uv_timer_start(
      watch->handle(), [](uv_timer_t* timer) { call(timer); }, ms, ms);
  return watch;
}

std::unique_ptr<EventLoop::Watch> EventLoop::readable(int fd, std::function<void()> handler) {
  auto watch = std::make_unique<HandleWatch<uv_poll_t, Watch>>(std::move(handler));
  check(uv_poll_init(&impl_->loop, watch->handle(), fd), "uv_poll_init");
  check(uv_poll_start(watch->handle(), UV_READABLE, [](uv_poll_t* poll, int, int) { call(poll); }), "uv_poll_start");
  return watch;
}

std::unique_ptr<EventLoop::Watch> EventLoop::signal(int number, std::function<void()> handler) {
  auto watch = std::make_unique<HandleWatch<uv_signal_t, Watch>>(std::move(handler));
  check(uv_signal_init(&impl_->loop, watch->handle()), "uv_signal_init");
  check(uv_signal_start(
            watch->handle(), [](uv_signal_t* signal, int) { call(signal); }, number),
        "uv_signal_start");
  return watch;
}

std::unique_ptr<EventLoop::Watch> EventLoop::after_io(std::function<void()> handler) {
  auto watch = std::make_unique<HandleWatch<uv_check_t, Watch>>(std::move(handler));
  uv_check_init(&impl_->loop, watch->handle());
  uv_check_start(watch->handle(), [](uv_check_t* handle) { call(handle); });
  return watch;
}

}  // namespace sluice::loop
