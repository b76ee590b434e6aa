#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/rooms.hpp"
#include "shm/types/entropy.hpp"
#include "shm/types/shared_text.hpp"
#include "shm/types/time.hpp"

namespace sluice {

struct SessionOptions {
  Duration reconnect_ttl{0};   // signaling.reconnectTtl; zero: a lost connection is a departure
  Duration session_ttl{0};     // that of the SessionManager, when attached; the larger one counts
  std::size_t queue_max = 32;  // messages kept for a held peer, the first ones; 64 with SessionManager
  /// Least hold time after a restart of the control process: clients notice the lost socket and come back.
  Duration restart_hold = std::chrono::seconds(15);
};

/// Holds peers whose connection was lost, and lets them resume by token (contract section 9). Tokens are 256 random bits
/// from admission on, good for one resume, renewed by it, and die with the membership. Works for peers of any dialect.
///
/// Construct it before the dialects: it issues the token on PeerJoined, which they then tell.
class Sessions {
 public:
  Sessions(Rooms& rooms, Bus& bus, Entropy& entropy, SessionOptions options);

  /// For what happens from now on. Members without a token get one, if a hold time applies now.
  void set_options(const SessionOptions& options);
  [[nodiscard]] const SessionOptions& options() const noexcept { return options_; }
  /// Zero: peers are not held.
  [[nodiscard]] Duration hold_time() const noexcept { return std::max(options_.reconnect_ttl, options_.session_ttl); }
  /// The token that resumes this member now; nothing while no hold time applies.
  [[nodiscard]] std::optional<std::string> token(const PeerId& peer) const;
  /// A second token (a session token) that resumes the member until either has been used; replaces the one given before.
  void accept_also(const PeerId& peer, std::string token);

  /// The member lost its connection, by no doing of ours: held, or gone at once without hold time.
  void drop(const PeerId& peer, TimePoint now);
  /// The member whom the token would resume.
  [[nodiscard]] std::optional<PeerId> holder(std::string_view token) const;
  /// Uses up the token: the holder is no longer due to leave, has a fresh token, and gets back what was queued, in order.
  /// The caller then calls Rooms::resume().
  struct Resumption {
    PeerId peer;
    std::vector<SharedText> queued;
  };
  std::optional<Resumption> resume(std::string_view token);
  /// The dialect has the member back by other means than a token: it is no longer due to leave. What was queued is
  /// forgotten. The caller then calls Rooms::resume().
  void reclaim(const PeerId& peer) { release(peer); }
  /// The member said something after its resume, so it knows its fresh token: the one used up is forgotten for good.
  void confirm(const PeerId& peer);

  /// Its tokens die at once: a held member leaves, one that is connected stays until it loses its connection. False when it
  /// is no member with a token.
  bool expire(const PeerId& peer);

  /// Keeps a message for a held peer. False when it is not held or its queue is full (the message is dropped).
  bool queue(const PeerId& peer, SharedText text);
  /// How many messages are kept for it.
  [[nodiscard]] std::size_t queued(const PeerId& peer) const {
    const auto found = holds_.find(peer);
    return found == holds_.end() ? 0 : found->second.queue.size();
  }

  /// Ends the membership of those whose hold time is over.
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const;

  // --- persistence
  struct Tokens {
    std::string reconnect;  // empty: none
    std::string session;
    /// What the last resume used up, until the client has shown that it got the answer. Good only after a restart: the
    /// process may have died between storing the fresh token and sending it.
    std::string previous;
    friend bool operator==(const Tokens&, const Tokens&) = default;
  };
  /// Called whenever the tokens of a peer changed or (with nullptr) ended; before the client learns of it.
  void on_tokens_changed(std::function<void(const PeerId&, const Tokens*)> listener) {
    tokens_changed_ = std::move(listener);
  }
  [[nodiscard]] const std::unordered_map<PeerId, Tokens>& tokens() const noexcept { return tokens_; }
  /// Called when a message was queued for a held peer as number `index`, and with nullptr when its queue of `index` messages
  /// is no more.
  void on_queue_changed(std::function<void(const PeerId&, std::size_t index, const std::string* text)> listener) {
    queue_changed_ = std::move(listener);
  }
  /// A restored member: held for the longer of hold time and restart_hold, with what was queued for it.
  void restore(const PeerId& peer, Tokens tokens, std::vector<SharedText> queue, TimePoint now);

 private:
  struct Hold {
    TimePoint until;
    std::vector<SharedText> queue;
  };
  void set_tokens(const PeerId& peer, Tokens tokens);
  void forget_tokens(const PeerId& peer);
  void hold(const PeerId& peer, TimePoint until);
  std::vector<SharedText> release(const PeerId& peer);

  Rooms& rooms_;
  Entropy& entropy_;
  SessionOptions options_;
  std::unordered_map<PeerId, Tokens> tokens_;
  std::unordered_map<std::string, PeerId> holders_;  // by token
  std::unordered_map<PeerId, Hold> holds_;
  std::set<std::pair<TimePoint, PeerId>> deadlines_;
  std::function<void(const PeerId&, const Tokens*)> tokens_changed_;
  std::function<void(const PeerId&, std::size_t, const std::string*)> queue_changed_;
  Bus::Subscription peer_joined_;
  Bus::Subscription peer_left_;
};

}  // namespace sluice
