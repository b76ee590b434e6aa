#include "dataplane/rtp/key_frame_requester.hpp"

namespace sluice {

void KeyFrameRequester::want(TimePoint now) noexcept {
  if (state_->wanted || (state_->asked && now - state_->last_request < interval)) ++state_->merged;
  state_->wanted = true;
}

void KeyFrameRequester::on_key_frame(TimePoint now) noexcept {
  state_->wanted = false;
  state_->last_key_frame = now;
}

void KeyFrameRequester::cancel() noexcept {
  state_->wanted = false;
}

bool KeyFrameRequester::poll(TimePoint now) noexcept {
  if (now < next_deadline()) return false;
  state_->last_request = now;
  state_->asked = true;
  ++state_->requests;
  return true;
}

TimePoint KeyFrameRequester::next_deadline() const noexcept {
  if (!state_->wanted) return never;
  return state_->asked ? state_->last_request + interval : TimePoint::min();
}

bool KeyFrameLimiter::accept(TimePoint now) noexcept {
  if (state_->accepted_any && now - state_->last_accepted < interval) {
    ++state_->refused;
    return false;
  }
  state_->accepted_any = true;
  state_->last_accepted = now;
  return true;
}

}  // namespace sluice
