#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sluice/event.hpp>

namespace sluice::rooms {

/// One participant (contract section 1). A handle: cheap to copy, good for as long as you like; what it shows is what the
/// server said last, and of a peer that has gone what it was. May be used on any thread.
class SLUICE_API Peer {
 public:
  /// The states, as they stand on the wire.
  static constexpr std::string_view CONNECTING = "connecting";
  static constexpr std::string_view JOINED = "joined";
  static constexpr std::string_view RECONNECTING = "reconnecting";
  static constexpr std::string_view CLOSED = "closed";

  [[nodiscard]] std::string id() const;
  [[nodiscard]] std::string state() const;
  [[nodiscard]] Json metadata() const;
  /// Nothing outside a room.
  [[nodiscard]] std::optional<std::string> roomId() const;
  /// Its connection is up: connecting or joined.
  [[nodiscard]] bool isActive() const;
  /// Unix milliseconds; asks the server once. Error: not_found of a peer that has gone.
  [[nodiscard]] std::int64_t connectedAt() const;
  /// What resumes it now; nothing when no hold time applies. Asks the server. Error: not_found.
  [[nodiscard]] std::optional<std::string> reconnectToken() const;

  /// Merges; null removes a key. The others of its room get `peer:updated`. The complete metadata. Error: not_found,
  /// invalid_params (nested, too large).
  Json setMetadata(const Json& patch) const;
  /// Any message, an object with its `type`. Error: not_found.
  void send(const Json& message) const;
  /// Closes its connection; it leaves its room, without hold time. Error: not_found, invalid_params (no code that a close
  /// frame may carry).
  void close(std::uint16_t code = 1000, const std::string& reason = "") const;
  /// {id, roomId, state, metadata}: no token, no address.
  [[nodiscard]] Json toJSON() const;

  /// `signal` (it sent an offer, answer, candidate or data; const Event& with `type`, `to`, `body`), `disconnect` (its
  /// connection was lost or closed), `reconnected`, `error` (a join refused, a message blocked; const Event&).
  template <typename Function>
  Listener on(const std::string& event, Function function) const {
    return listen(event, detail::handler_of(std::move(function)));
  }

  friend bool operator==(const Peer& a, const Peer& b) { return a.record_ == b.record_; }

 private:
  friend class detail::ServerState;
  Peer(std::shared_ptr<detail::ServerState> server, std::shared_ptr<detail::PeerRecord> record);
  Listener listen(const std::string& event, detail::Handler handler) const;

  std::shared_ptr<detail::ServerState> server_;
  std::shared_ptr<detail::PeerRecord> record_;
};

}  // namespace sluice::rooms
