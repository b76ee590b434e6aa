#include "control/loop/accept_pause.hpp"

#include <libwebsockets.h>
#include <sys/socket.h>
#include <uv.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "control/loop/clock.hpp"

namespace sluice::loop {
namespace {

/// Ten attempts a second cost nothing, and nobody waits long once there is room.
constexpr Duration pause_length = std::chrono::milliseconds(100);

thread_local AcceptPause* listening = nullptr;

/// Calls `visit(uv_poll_t*)` for each poll handle of the loop whose descriptor listens.
template <typename Visit>
void for_each_listener(EventLoop& loop, Visit visit) {
  uv_walk(
      static_cast<uv_loop_t*>(loop.native()),
      [](uv_handle_t* handle, void* context) {
        uv_os_fd_t fd = -1;
        int listens = 0;
        socklen_t size = sizeof listens;
        if (handle->type != UV_POLL || uv_is_closing(handle) != 0 || uv_fileno(handle, &fd) != 0 ||
            getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) {
          return;
        }
        (*static_cast<Visit*>(context))(reinterpret_cast<uv_poll_t*>(handle));
      },
      &visit);
}

}  // namespace

AcceptPause::AcceptPause(EventLoop& loop) : loop_(loop), timer_(loop.timer([this] { resume(); })) {
  listening = this;
  lws_set_log_level(LLL_ERR, &AcceptPause::on_log);
}

AcceptPause::~AcceptPause() {
  lws_set_log_level(0, nullptr);
  listening = nullptr;
}

void AcceptPause::on_log(int, const char* line) {
  if (listening != nullptr && std::strstr(line, "accept: errno") != nullptr) listening->pause();
}

void AcceptPause::pause() {
  if (!paused_.empty()) return;
  ++pauses_;
  for_each_listener(loop_, [this](uv_poll_t* poll) {
    if (uv_is_active(reinterpret_cast<uv_handle_t*>(poll)) == 0) return;  // stopped by libwebsockets, who knows why
    uv_poll_stop(poll);
    paused_.push_back(poll);
  });
  timer_->arm(now() + pause_length);
}

void AcceptPause::resume() {
  const std::vector<const void*> paused = std::exchange(paused_, {});
  for_each_listener(loop_, [&](uv_poll_t* poll) {
    if (std::find(paused.begin(), paused.end(), poll) == paused.end()) return;
    uv_poll_start(poll, UV_READABLE, poll->poll_cb);
  });
}

}  // namespace sluice::loop
