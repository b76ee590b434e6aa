#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dataplane/ice/ice_state.hpp"
#include "dataplane/transport/transport_record.hpp"
#include "shm/types/address.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/ids.hpp"

namespace sluice {

/// What one worker tells another over their relay ring (docs/adr/0009). Both trust each other with nothing but the streams
/// that control moved between them.
enum class RelayKind : std::uint8_t {
  datagram = 1,  ///< as received, for a transport that has moved
  publication,   ///< a record of a transport that comes (publication, subscription, spent: before the transport itself)
  subscription,
  spent,      ///< SSRCs that must not be sealed under its keys again, 4 bytes each
  transport,  ///< the last one of its messages
  nothing,    ///< there are no records: the transport begins blank
  settled,    ///< the other way: it is here (or will not come), the records can be forgotten
  paths,      ///< the other way: where its peer sends from and which ufrags it names, RelayPaths
};

/// Before every message; then the bytes. Private to workers of one build.
struct RelayHeader {
  RelayKind kind{};
  std::uint8_t hops = 0;  ///< workers that passed the datagram on before
  std::uint16_t socket = 0;
  std::uint16_t port = 0;
  std::uint16_t reserved = 0;
  std::array<std::uint8_t, 16> ip{};
  std::uint64_t transport = 0;    ///< packed, as the receiver knows it
  std::uint64_t source = 0;       ///< packed, as the sender of records knows it: what `settled` names
  std::uint64_t layout_hash = 0;  ///< of the records' layout
  std::uint32_t count = 0;        ///< messages of this transport's records that go before this one
  std::uint32_t reserved_behind = 0;
};
static_assert(std::is_trivially_copyable_v<RelayHeader> && sizeof(RelayHeader) == 56);

using RelayMessage = std::vector<std::byte>;

/// What the worker that relays must know of a moved transport.
struct RelayPaths {
  std::vector<std::string> ufrags;  ///< ours, at most two
  std::vector<Tuple> tuples;        ///< validated, at most IceState::tuples_max
  friend bool operator==(const RelayPaths&, const RelayPaths&) = default;
};

[[nodiscard]] RelayMessage relay_message(const RelayHeader& header, Bytes body = {});
[[nodiscard]] RelayHeader relay_header(RelayKind kind, TransportId transport);
/// Into `out`, which has room for the header and `datagram`; returns the size.
std::size_t write_relayed(MutableBytes out, const Tuple& from, std::uint8_t hops, Bytes datagram) noexcept;

/// Nothing when it is too short or of no kind.
[[nodiscard]] std::optional<RelayHeader> read_relay_header(Bytes message) noexcept;
[[nodiscard]] inline Tuple tuple_of(const RelayHeader& header) noexcept {
  return {SocketAddress{header.ip, header.port}, header.socket};
}

[[nodiscard]] std::vector<std::byte> encode(const RelayPaths& paths);
[[nodiscard]] std::optional<RelayPaths> decode_paths(Bytes bytes);

}  // namespace sluice
