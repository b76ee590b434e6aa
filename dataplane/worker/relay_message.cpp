#include "dataplane/worker/relay_message.hpp"

#include <algorithm>
#include <cstring>

#include "shm/types/byte_order.hpp"

namespace sluice {
namespace {

constexpr std::size_t ufrags_max = 2;
constexpr std::size_t path_bytes = 16 + 2 + 2;

}  // namespace

RelayMessage relay_message(const RelayHeader& header, Bytes body) {
  RelayMessage message(sizeof(header) + body.size());
  std::memcpy(message.data(), &header, sizeof(header));
  std::copy(body.begin(), body.end(), message.begin() + sizeof(header));
  return message;
}

RelayHeader relay_header(RelayKind kind, TransportId transport) {
  RelayHeader header;
  header.kind = kind;
  header.transport = transport.packed();
  return header;
}

std::size_t write_relayed(MutableBytes out, const Tuple& from, std::uint8_t hops, Bytes datagram) noexcept {
  RelayHeader header;
  header.kind = RelayKind::datagram;
  header.hops = hops;
  header.socket = from.socket;
  header.port = from.remote.port;
  header.ip = from.remote.ip;
  std::memcpy(out.data(), &header, sizeof(header));
  std::copy(datagram.begin(), datagram.end(), out.begin() + sizeof(header));
  return sizeof(header) + datagram.size();
}

std::optional<RelayHeader> read_relay_header(Bytes message) noexcept {
  if (message.size() < sizeof(RelayHeader)) return std::nullopt;
  const auto kind = std::to_integer<std::uint8_t>(message[offsetof(RelayHeader, kind)]);
  if (kind < static_cast<std::uint8_t>(RelayKind::datagram) || kind > static_cast<std::uint8_t>(RelayKind::paths))
    return std::nullopt;
  RelayHeader header;
  std::memcpy(&header, message.data(), sizeof(header));
  return header;
}

std::vector<std::byte> encode(const RelayPaths& paths) {
  std::size_t size = 2 + paths.tuples.size() * path_bytes;
  for (const std::string& ufrag : paths.ufrags) size += 1 + ufrag.size();
  std::vector<std::byte> bytes(size);
  ByteWriter writer(bytes);
  writer.u8(static_cast<std::uint8_t>(paths.ufrags.size()));
  for (const std::string& ufrag : paths.ufrags) {
    writer.u8(static_cast<std::uint8_t>(ufrag.size()));
    writer.bytes(as_bytes(ufrag));
  }
  writer.u8(static_cast<std::uint8_t>(paths.tuples.size()));
  for (const Tuple& tuple : paths.tuples) {
    writer.bytes(std::as_bytes(std::span(tuple.remote.ip)));
    writer.u16(tuple.remote.port);
    writer.u16(tuple.socket);
  }
  return bytes;
}

std::optional<RelayPaths> decode_paths(Bytes bytes) {
  ByteReader reader(bytes);
  RelayPaths paths;
  const std::size_t ufrags = reader.u8();
  if (ufrags > ufrags_max) return std::nullopt;
  for (std::size_t i = 0; i < ufrags; ++i) paths.ufrags.emplace_back(as_text(reader.take(reader.u8())));
  const std::size_t tuples = reader.u8();
  if (!reader.ok() || tuples > IceState::tuples_max) return std::nullopt;
  for (std::size_t i = 0; i < tuples; ++i) {
    Tuple tuple;
    const Bytes ip = reader.take(tuple.remote.ip.size());
    if (!reader.ok()) return std::nullopt;
    std::memcpy(tuple.remote.ip.data(), ip.data(), ip.size());
    tuple.remote.port = reader.u16();
    tuple.socket = reader.u16();
    paths.tuples.push_back(tuple);
  }
  if (!reader.ok() || reader.remaining() != 0) return std::nullopt;
  return paths;
}

}  // namespace sluice
