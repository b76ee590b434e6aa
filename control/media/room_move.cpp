#include "control/media/room_move.hpp"

#include "shm/types/byte_order.hpp"

namespace sluice::media {
namespace {

template <typename Rows>
std::size_t size_of(const Rows& rows) {
  return 4 + rows.size() * 16;
}

template <typename Rows>
void write_rows(ByteWriter& writer, const Rows& rows) {
  writer.u32(static_cast<std::uint32_t>(rows.size()));
  for (const auto& [before, after] : rows) {
    writer.u64(before.packed());
    writer.u64(after.packed());
  }
}

template <typename IdType>
bool read_rows(ByteReader& reader, std::vector<std::pair<IdType, IdType>>& rows) {
  const std::size_t count = reader.u32();
  if (!reader.ok() || count > reader.remaining() / 16) return false;
  for (std::size_t i = 0; i < count; ++i) {
    const IdType before = IdType::unpack(reader.u64());
    rows.emplace_back(before, IdType::unpack(reader.u64()));
  }
  return reader.ok();
}

template <typename IdType>
IdType renamed(const std::vector<std::pair<IdType, IdType>>& rows, IdType id) {
  for (const auto& [before, after] : rows)
    if (before == id) return after;
  return {};
}

}  // namespace

std::vector<std::byte> encode(const RoomMove& move) {
  std::size_t size = 2 + 2 + 1 + 4;
  for (const MovedPeer& peer : move.peers) size += 16 + size_of(peer.publications) + size_of(peer.subscriptions) + 2 + 8;
  std::vector<std::byte> bytes(size);
  ByteWriter writer(bytes);
  writer.u16(move.from.value);
  writer.u16(move.to.value);
  writer.u8(static_cast<std::uint8_t>(move.stage));
  writer.u32(static_cast<std::uint32_t>(move.peers.size()));
  for (const MovedPeer& peer : move.peers) {
    writer.u64(peer.before.packed());
    writer.u64(peer.after.packed());
    write_rows(writer, peer.publications);
    write_rows(writer, peer.subscriptions);
    writer.u16(static_cast<std::uint16_t>(peer.home ? peer.home->worker.value + 1 : 0));
    writer.u64(peer.home ? peer.home->transport.packed() : 0);
  }
  return bytes;
}

std::optional<RoomMove> decode_move(Bytes bytes) {
  ByteReader reader(bytes);
  RoomMove move;
  move.from = WorkerId{reader.u16()};
  move.to = WorkerId{reader.u16()};
  const std::uint8_t stage = reader.u8();
  if (stage > static_cast<std::uint8_t>(RoomMove::Stage::closing)) return std::nullopt;
  move.stage = static_cast<RoomMove::Stage>(stage);
  const std::size_t count = reader.u32();
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    MovedPeer peer;
    peer.before = TransportId::unpack(reader.u64());
    peer.after = TransportId::unpack(reader.u64());
    if (!read_rows(reader, peer.publications) || !read_rows(reader, peer.subscriptions)) return std::nullopt;
    const std::uint16_t home = reader.u16();
    const TransportId transport = TransportId::unpack(reader.u64());
    if (home != 0) peer.home = workers::TransportPlace{WorkerId{static_cast<std::uint16_t>(home - 1)}, transport};
    move.peers.push_back(std::move(peer));
  }
  if (!reader.ok() || reader.remaining() != 0) return std::nullopt;
  return move;
}

bool rename(PeerMedia& peer, const RoomMove& move) {
  if (peer.worker != move.from || !peer.transport.valid()) return false;
  for (const MovedPeer& moved : move.peers) {
    if (moved.before != peer.transport) continue;
    peer.worker = move.to;
    peer.transport = moved.after;
    for (Line& line : peer.lines) {
      line.publication = renamed(moved.publications, line.publication);
      line.subscription = renamed(moved.subscriptions, line.subscription);
    }
    return true;
  }
  return false;
}

}  // namespace sluice::media
