#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/ice/ice_state.hpp"
#include "dataplane/ice/stun_codec.hpp"
#include "shm/types/address.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/result.hpp"
#include "shm/types/time.hpp"

namespace sluice {

struct IceConfig {
  /// Authenticated checks accepted per tuple and second; a browser sends at most 20.
  std::uint32_t checks_per_second_max = 50;
  /// How long we may send without an authenticated check on the selected tuple (RFC 7675 section 5.1).
  Duration consent_lifetime = std::chrono::seconds(30);
  /// How long a tuple that we do not send to stays validated without a check. Browsers check spare paths every 25 s or less.
  Duration spare_lifetime = std::chrono::seconds(60);
};

/// What changed. At most one tuple is added and one nominated per datagram.
struct IceChanges {
  std::optional<Tuple> added;                         // now validated: enter it into the lookup table
  std::array<Tuple, IceState::tuples_max> removed{};  // no longer validated: take them out
  std::size_t removed_count = 0;
  bool selected_changed = false;    // selected() is another tuple than before
  bool connection_changed = false;  // connection() has another value than before
};

/// The ICE agent of one peer's transport: lite and always controlled (RFC 8445 sections 2.5 and 6.1.1). It answers checks,
/// learns the peer's tuples from authenticated ones only, follows the peer's nomination (the latest wins, so a peer that
/// moves takes us along) and lets consent run out. Everything it knows lies in the IceState given to it.
class IceLiteAgent {
 public:
  /// Borrows both; `codec` may be shared by all agents of a thread. Goes on with whatever `state` holds.
  IceLiteAgent(IceState& state, const StunCodec& codec, const IceConfig& config = {}) noexcept;

  /// First credentials, or an ICE restart (RFC 8445 section 9): the old ones stay accepted until the first check with the
  /// new. Giving the same again changes nothing. All three must be non-empty before any check can succeed.
  void set_credentials(const IceCredentials& credentials) noexcept;

  /// A STUN datagram from `from`. On success the reply must be sent to `from` and the changes applied. On an error it is
  /// dropped: nothing is sent and no byte of the state has changed. A check that was here before is answered again if its
  /// tuple is validated (the reply may have been lost), and dropped if not; it has no effect in either case, but on the
  /// tuple's budget. So a recorded check neither moves what we send nor prolongs consent.
  struct Handled {
    StunReply reply;
    IceChanges changes;
  };
  [[nodiscard]] Result<Handled, IceError> handle_datagram(TimePoint now, const Tuple& from, Bytes datagram) noexcept;

  /// Lets consent and spare tuples expire. Call when next_deadline() has come; earlier does nothing.
  [[nodiscard]] IceChanges handle_timeout(TimePoint now) noexcept;
  /// `never` when idle.
  [[nodiscard]] TimePoint next_deadline() const noexcept;

  [[nodiscard]] IceConnection connection() const noexcept { return state_.connection; }
  /// Where to send; nothing unless connected.
  [[nodiscard]] std::optional<Tuple> selected() const noexcept;
  /// Whether an authenticated check proved this tuple.
  [[nodiscard]] bool is_validated(const Tuple& tuple) const noexcept { return find(tuple) != nullptr; }
  /// Calls `visit(const Tuple&)` for each validated tuple: how a successor fills its lookup table.
  template <typename Visit>
  void for_each_tuple(Visit&& visit) const {
    for (const IceTuple& entry : state_.tuples)
      if (entry.used != 0) visit(entry.tuple);
  }
  /// Calls `visit(std::string_view)` for each of our ufrags that a check may name: one, or two during a restart.
  template <typename Visit>
  void for_each_local_ufrag(Visit&& visit) const {
    if (!state_.current.local_ufrag.empty()) visit(state_.current.local_ufrag.view());
    if (!state_.previous.local_ufrag.empty()) visit(state_.previous.local_ufrag.view());
  }

 private:
  [[nodiscard]] const IceTuple* find(const Tuple& tuple) const noexcept;
  [[nodiscard]] IceTuple* find(const Tuple& tuple) noexcept;
  [[nodiscard]] const IceTuple* selected_entry() const noexcept;
  [[nodiscard]] bool within_budget(const IceTuple& entry, TimePoint now) const noexcept;
  IceTuple& add(const Tuple& tuple, IceChanges& changes) noexcept;
  [[nodiscard]] bool seen(std::uint64_t transaction) const noexcept;
  void remember(std::uint64_t transaction) noexcept;
  static void count_check(IceTuple& entry, TimePoint now) noexcept;
  void remove(IceTuple& entry, IceChanges& changes) noexcept;
  void select(const IceTuple& entry, IceChanges& changes) noexcept;
  void set_connection(IceConnection connection, IceChanges& changes) noexcept;
  [[nodiscard]] TimePoint expiry_of(const IceTuple& entry) const noexcept;

  IceState& state_;
  const StunCodec& codec_;
  IceConfig config_;
};

}  // namespace sluice
