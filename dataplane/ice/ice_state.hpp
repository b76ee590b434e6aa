#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "shm/types/address.hpp"
#include "shm/types/fixed_text.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// Where one peer's connectivity stands. A lite agent sends no checks, so there is no "checking"; it keeps waiting for the
/// peer and never gives up by itself, so there is no "failed": who removes the transport decides that.
enum class IceConnection : std::uint8_t {
  fresh,         // no tuple was nominated yet
  connected,     // the selected tuple is nominated and has consent: we may send to it
  disconnected,  // consent expired: nothing is sent until the peer nominates again
};

/// What both sides of a check must know (RFC 8445 section 5.3). Empty local_ufrag: none.
struct IceCredentials {
  Ufrag local_ufrag;
  IcePassword local_pwd;
  Ufrag remote_ufrag;
};

/// An address of the peer proven by an authenticated check.
struct IceTuple {
  Tuple tuple;
  TimePoint last_check;     // authenticated
  TimePoint budget_second;  // start of the second that checks_in_second counts
  std::uint32_t checks_in_second;
  std::uint32_t used;  // 0: free place
};

/// Everything an IceLiteAgent knows, for the recovery segment: standard layout, no pointers, all-zero is "nothing yet". An
/// agent built on a filled state goes on where another stopped.
struct IceState {
  static constexpr std::size_t tuples_max = 16;
  static constexpr std::uint32_t no_tuple = 0;

  IceCredentials current;
  IceCredentials previous;  // accepted as well until the first check with `current` (ICE restart)
  std::array<IceTuple, tuples_max> tuples;
  std::uint32_t selected;  // 1 + index into tuples; no_tuple before the first nomination
  IceConnection connection;
  std::array<std::uint8_t, 3> reserved;
  /// The last transactions that had an effect, for the life of the credentials: a recorded check that is sent again, from
  /// wherever, has none. A browser checks every 2.5 s, so this is ten minutes. Older ones can still be replayed by whoever
  /// saw them on the path (RFC 8489 section 9.1 has nothing against that), until the peer's own next nomination.
  static constexpr std::size_t transactions_max = 256;
  std::array<std::uint64_t, transactions_max> transactions;
  std::uint32_t transaction_count;  // since the beginning; the next one goes to its place modulo transactions_max
  std::uint32_t reserved_behind;
};
static_assert(std::is_standard_layout_v<IceState> && std::is_trivially_copyable_v<IceState>);

}  // namespace sluice
