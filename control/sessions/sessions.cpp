#include "control/sessions/sessions.hpp"

#include <utility>

#include "control/rooms/random_id.hpp"

namespace sluice {

Sessions::Sessions(Rooms& rooms, Bus& bus, Entropy& entropy, SessionOptions options)
    : rooms_(rooms),
      entropy_(entropy),
      options_(options),
      peer_joined_(bus.subscribe<PeerJoined>([this](const PeerJoined& fact) {
        if (hold_time() > Duration::zero()) set_tokens(fact.peer.id, {random_token(entropy_), {}, {}});
      })),
      peer_left_(bus.subscribe<PeerLeft>([this](const PeerLeft& fact) {
        forget_tokens(fact.peer.id);
        release(fact.peer.id);
      })) {}

void Sessions::set_options(const SessionOptions& options) {
  options_ = options;
  if (hold_time() <= Duration::zero()) return;
  for (const auto& [id, peer] : rooms_.peers()) {
    if (peer->room() && !tokens_.contains(id)) set_tokens(id, {random_token(entropy_), {}, {}});
  }
}

std::optional<std::string> Sessions::token(const PeerId& peer) const {
  const auto found = tokens_.find(peer);
  if (found == tokens_.end() || found->second.reconnect.empty()) return std::nullopt;
  return found->second.reconnect;
}

void Sessions::accept_also(const PeerId& peer, std::string token) {
  const auto found = tokens_.find(peer);
  Tokens tokens = found == tokens_.end() ? Tokens{} : found->second;
  tokens.session = std::move(token);
  set_tokens(peer, std::move(tokens));
}

std::optional<PeerId> Sessions::holder(std::string_view token) const {
  const auto found = holders_.find(std::string(token));
  if (token.empty() || found == holders_.end()) return std::nullopt;
  return found->second;
}

void Sessions::drop(const PeerId& peer, TimePoint now) {
  // Without a token (it was made to expire) nobody could come back.
  if (hold_time() <= Duration::zero() || !tokens_.contains(peer)) return rooms_.leave(peer, LeaveCause::dropped);
  const TimePoint until = now + hold_time();
  hold(peer, until);
  rooms_.suspend(peer, until);
}

std::optional<Sessions::Resumption> Sessions::resume(std::string_view token) {
  const auto peer = holder(token);
  if (!peer) return std::nullopt;
  // Both tokens end with the use of either: the next session token is given by accept_also() after the resume.
  set_tokens(*peer, {hold_time() > Duration::zero() ? random_token(entropy_) : std::string{}, {}, std::string(token)});
  return Resumption{*peer, release(*peer)};
}

void Sessions::confirm(const PeerId& peer) {
  const auto found = tokens_.find(peer);
  if (found == tokens_.end() || found->second.previous.empty()) return;
  Tokens tokens = found->second;
  tokens.previous.clear();
  set_tokens(peer, std::move(tokens));
}

bool Sessions::queue(const PeerId& peer, SharedText text) {
  const auto found = holds_.find(peer);
  if (found == holds_.end() || found->second.queue.size() >= options_.queue_max) return false;
  found->second.queue.push_back(std::move(text));
  if (queue_changed_) queue_changed_(peer, found->second.queue.size() - 1, found->second.queue.back().get());
  return true;
}

bool Sessions::expire(const PeerId& peer) {
  if (!tokens_.contains(peer)) return false;
  forget_tokens(peer);
  if (!holds_.contains(peer)) return true;
  release(peer);
  rooms_.leave(peer, LeaveCause::hold_expired);
  return true;
}

void Sessions::handle_timeout(TimePoint now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const PeerId peer = deadlines_.begin()->second;
    release(peer);
    rooms_.leave(peer, LeaveCause::hold_expired);
  }
}

TimePoint Sessions::next_deadline() const {
  return deadlines_.empty() ? never : deadlines_.begin()->first;
}

void Sessions::restore(const PeerId& peer, Tokens tokens, std::vector<SharedText> queue, TimePoint now) {
  if (!tokens.previous.empty()) holders_[tokens.previous] = peer;
  set_tokens(peer, std::move(tokens));
  hold(peer, now + std::max(hold_time(), options_.restart_hold));
  holds_.at(peer).queue = std::move(queue);
}

void Sessions::set_tokens(const PeerId& peer, Tokens tokens) {
  Tokens& held = tokens_[peer];
  holders_.erase(held.reconnect);
  holders_.erase(held.session);
  holders_.erase(held.previous);
  held = std::move(tokens);
  if (!held.reconnect.empty()) holders_[held.reconnect] = peer;
  if (!held.session.empty()) holders_[held.session] = peer;
  if (tokens_changed_) tokens_changed_(peer, &held);
}

void Sessions::forget_tokens(const PeerId& peer) {
  const auto found = tokens_.find(peer);
  if (found == tokens_.end()) return;
  holders_.erase(found->second.reconnect);
  holders_.erase(found->second.session);
  holders_.erase(found->second.previous);
  tokens_.erase(found);
  if (tokens_changed_) tokens_changed_(peer, nullptr);
}

void Sessions::hold(const PeerId& peer, TimePoint until) {
  release(peer);
  holds_.emplace(peer, Hold{until, {}});
  deadlines_.emplace(until, peer);
}

std::vector<SharedText> Sessions::release(const PeerId& peer) {
  const auto found = holds_.find(peer);
  if (found == holds_.end()) return {};
  std::vector<SharedText> queued = std::move(found->second.queue);
  deadlines_.erase({found->second.until, peer});
  holds_.erase(found);
  if (!queued.empty() && queue_changed_) queue_changed_(peer, queued.size(), nullptr);
  return queued;
}

}  // namespace sluice
