#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "control/rooms/ids.hpp"
#include "control/rooms/metadata.hpp"
#include "control/rooms/peer_state.hpp"
#include "control/rooms/publications.hpp"
#include "control/rooms/restrictions.hpp"
#include "control/sessions/sessions.hpp"
#include "shm/types/bytes.hpp"

/// The values of ControlState's keys: compact binary, big-endian, texts with a 32-bit length before them. The first byte is
/// the version of the record; fields are added at the end only. Decoding checks every bound and gives nothing when a record
/// is damaged or of an unknown version.
namespace sluice {

struct RoomRecord {
  RoomId id;
  Metadata metadata;
  std::uint64_t capacity = 0;
  std::int64_t created_at = 0;  // Unix milliseconds
  bool visited = false;         // somebody has been in it
  friend bool operator==(const RoomRecord&, const RoomRecord&) = default;
};

struct MemberRecord {
  PeerId id;
  RoomId room;
  Metadata metadata;
  std::string dialect;
  std::string ip;
  std::uint64_t join_number = 0;
  Restrictions restrictions = {};
  friend bool operator==(const MemberRecord&, const MemberRecord&) = default;
};

/// What a session needs to be resumed in another life of the whole server: the value of the store's table `sessions`.
struct SessionRow {
  MemberRecord member;
  Sessions::Tokens tokens;
  std::int64_t created_at = 0;    // Unix milliseconds
  std::int64_t suspended_at = 0;  // 0: its connection was up
  std::int64_t ttl = 0;           // milliseconds
  std::string region;
  friend bool operator==(const SessionRow&, const SessionRow&) = default;
};

[[nodiscard]] std::string encode(const RoomRecord& record);
[[nodiscard]] std::string encode(const MemberRecord& record);
[[nodiscard]] std::string encode(const Publication& record);
[[nodiscard]] std::string encode(const Subscription& record);
[[nodiscard]] std::string encode(const Sessions::Tokens& record);

[[nodiscard]] std::string encode(const SessionRow& record);

[[nodiscard]] std::optional<RoomRecord> decode_room(Bytes bytes);
[[nodiscard]] std::optional<MemberRecord> decode_member(Bytes bytes);
[[nodiscard]] std::optional<Publication> decode_publication(Bytes bytes);
[[nodiscard]] std::optional<Subscription> decode_subscription(Bytes bytes);
[[nodiscard]] std::optional<Sessions::Tokens> decode_tokens(Bytes bytes);
[[nodiscard]] std::optional<SessionRow> decode_session(Bytes bytes);

}  // namespace sluice
