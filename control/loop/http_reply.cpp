#include "control/loop/http_reply.hpp"

#include <utility>

namespace sluice::loop {

struct HttpReplyState {
  explicit HttpReplyState(HttpReply::Answer to) : answer(std::move(to)) {}
  HttpReplyState(const HttpReplyState&) = delete;
  HttpReplyState& operator=(const HttpReplyState&) = delete;
  ~HttpReplyState() {
    if (answer) answer(HttpResponse{500, "application/json", R"({"error":"Internal error"})"});
  }
  HttpReply::Answer answer;  // empty: answered, or the client is gone
  std::function<void()> on_abort;
};

HttpReply::HttpReply(Answer answer) : state_(std::make_shared<HttpReplyState>(std::move(answer))) {}

void HttpReply::operator()(HttpResponse response) const {
  const Answer answer = std::exchange(state_->answer, nullptr);
  state_->on_abort = nullptr;
  if (answer) answer(std::move(response));
}

void HttpReply::on_abort(std::function<void()> handler) const {
  if (state_->answer) state_->on_abort = std::move(handler);
}

bool HttpReply::is_open() const noexcept {
  return state_->answer != nullptr;
}

HttpReply::Aborter HttpReply::aborter() const {
  Aborter aborter;
  aborter.state_ = state_;
  return aborter;
}

void HttpReply::Aborter::operator()() const {
  const std::shared_ptr<HttpReplyState> state = state_.lock();
  if (!state || !state->answer) return;
  state->answer = nullptr;
  if (const auto handler = std::exchange(state->on_abort, nullptr)) handler();
}

}  // namespace sluice::loop
