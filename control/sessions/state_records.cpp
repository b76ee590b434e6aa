#include "control/sessions/state_records.hpp"

#include <string_view>
#include <utility>

#include "shm/types/byte_order.hpp"

namespace sluice {
namespace {

constexpr std::uint8_t record_version = 1;

/// Grows a record; the counterpart of Reader, field by field.
class Writer {
 public:
  Writer() { u8(record_version); }
  Writer& u8(std::uint8_t value) { return number(value, 1); }
  Writer& flag(bool value) { return u8(value ? 1 : 0); }
  Writer& u32(std::uint32_t value) { return number(value, 4); }
  Writer& u64(std::uint64_t value) { return number(value, 8); }
  Writer& i64(std::int64_t value) { return u64(static_cast<std::uint64_t>(value)); }
  Writer& text(std::string_view value) {
    u32(static_cast<std::uint32_t>(value.size()));
    bytes_ += value;
    return *this;
  }
  Writer& metadata(const Metadata& value) {
    u32(static_cast<std::uint32_t>(value.size()));
    for (const auto& [key, json] : value.entries()) text(key).text(json);
    return *this;
  }
  [[nodiscard]] std::string finish() { return std::move(bytes_); }

 private:
  Writer& number(std::uint64_t value, unsigned size) {
    while (size > 0) bytes_ += static_cast<char>(value >> (8U * --size) & 0xFFU);
    return *this;
  }
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(Bytes bytes) : in_(bytes) { good_ = in_.u8() == record_version; }
  [[nodiscard]] bool ok() const { return good_ && in_.ok(); }
  /// Whether a field that older records lack is there.
  [[nodiscard]] bool more() const { return in_.remaining() > 0; }
  std::uint8_t u8() { return in_.u8(); }
  bool flag() { return u8() != 0; }
  std::uint32_t u32() { return in_.u32(); }
  std::uint64_t u64() { return in_.u64(); }
  std::int64_t i64() { return static_cast<std::int64_t>(in_.u64()); }
  std::string text() {
    const std::uint32_t size = u32();
    return std::string(as_text(in_.take(size)));
  }
  /// A number of entries that take at least `entry_bytes` each: never more than the rest of the record can hold.
  std::uint32_t count(std::size_t entry_bytes) {
    const std::uint32_t entries = u32();
    if (entries > in_.remaining() / entry_bytes) good_ = false;
    return good_ ? entries : 0;
  }
  Metadata metadata() {
    Metadata result;
    for (std::uint32_t left = count(8); left > 0; --left) {
      std::string key = text();
      result.append(std::move(key), text());
    }
    return result;
  }
  PublicationKind kind() {
    const std::uint8_t value = u8();
    if (value > static_cast<std::uint8_t>(PublicationKind::data)) good_ = false;
    return static_cast<PublicationKind>(value);
  }

 private:
  ByteReader in_;
  bool good_ = true;
};

template <typename Record>
std::optional<Record> checked(const Reader& in, Record record) {
  if (!in.ok()) return std::nullopt;
  return record;
}

}  // namespace

std::string encode(const RoomRecord& record) {
  Writer out;
  out.text(record.id.value).metadata(record.metadata).u64(record.capacity).i64(record.created_at).flag(record.visited);
  return out.finish();
}

std::optional<RoomRecord> decode_room(Bytes bytes) {
  Reader in(bytes);
  RoomRecord record;
  record.id = RoomId(in.text());
  record.metadata = in.metadata();
  record.capacity = in.u64();
  record.created_at = in.i64();
  record.visited = in.flag();
  return checked(in, std::move(record));
}

std::string encode(const MemberRecord& record) {
  Writer out;
  out.text(record.id.value).text(record.room.value).metadata(record.metadata);
  out.text(record.dialect).text(record.ip).u64(record.join_number);
  out.u32(record.restrictions.send).u32(record.restrictions.receive).u64(record.restrictions.epoch);
  return out.finish();
}

std::optional<MemberRecord> decode_member(Bytes bytes) {
  Reader in(bytes);
  MemberRecord record;
  record.id = PeerId(in.text());
  record.room = RoomId(in.text());
  record.metadata = in.metadata();
  record.dialect = in.text();
  record.ip = in.text();
  record.join_number = in.u64();
  if (in.more()) {  // older records end here
    record.restrictions.send = in.u32();
    record.restrictions.receive = in.u32();
    record.restrictions.epoch = in.u64();
  }
  return checked(in, std::move(record));
}

std::string encode(const Publication& record) {
  Writer out;
  out.text(record.id.value).text(record.peer.value).text(record.room.value).u8(static_cast<std::uint8_t>(record.kind));
  out.text(record.track_id).u32(static_cast<std::uint32_t>(record.layers.size()));
  for (const std::string& layer : record.layers) out.text(layer);
  out.flag(record.mid.has_value()).text(record.mid.value_or("")).u32(static_cast<std::uint32_t>(record.ssrcs.size()));
  for (const std::uint32_t ssrc : record.ssrcs) out.u32(ssrc);
  out.flag(record.paused).i64(record.created_at).u64(record.number);
  return out.finish();
}

std::optional<Publication> decode_publication(Bytes bytes) {
  Reader in(bytes);
  Publication record;
  record.id = ProducerId(in.text());
  record.peer = PeerId(in.text());
  record.room = RoomId(in.text());
  record.kind = in.kind();
  record.track_id = in.text();
  for (std::uint32_t left = in.count(4); left > 0; --left) record.layers.push_back(in.text());
  const bool has_mid = in.flag();
  if (std::string mid = in.text(); has_mid) record.mid = std::move(mid);
  for (std::uint32_t left = in.count(4); left > 0; --left) record.ssrcs.push_back(in.u32());
  record.paused = in.flag();
  record.created_at = in.i64();
  record.number = in.u64();
  return checked(in, std::move(record));
}

std::string encode(const Subscription& record) {
  Writer out;
  out.text(record.id.value).text(record.producer.value).text(record.subscriber.value).text(record.room.value);
  out.flag(record.paused).text(record.active_layer).flag(record.layer.has_value()).u8(record.layer.value_or(0));
  out.i64(record.created_at).u64(record.number);
  return out.finish();
}

std::optional<Subscription> decode_subscription(Bytes bytes) {
  Reader in(bytes);
  Subscription record;
  record.id = ConsumerId(in.text());
  record.producer = ProducerId(in.text());
  record.subscriber = PeerId(in.text());
  record.room = RoomId(in.text());
  record.paused = in.flag();
  record.active_layer = in.text();
  const bool has_layer = in.flag();
  if (const std::uint8_t layer = in.u8(); has_layer) record.layer = layer;
  record.created_at = in.i64();
  record.number = in.u64();
  return checked(in, std::move(record));
}

std::string encode(const Sessions::Tokens& record) {
  Writer out;
  out.text(record.reconnect).text(record.session).text(record.previous);
  return out.finish();
}

std::optional<Sessions::Tokens> decode_tokens(Bytes bytes) {
  Reader in(bytes);
  Sessions::Tokens record;
  record.reconnect = in.text();
  record.session = in.text();
  if (in.more()) record.previous = in.text();  // older records end here
  return checked(in, std::move(record));
}

std::string encode(const SessionRow& record) {
  Writer out;
  out.text(encode(record.member)).text(encode(record.tokens));
  out.i64(record.created_at).i64(record.suspended_at).i64(record.ttl).text(record.region);
  return out.finish();
}

std::optional<SessionRow> decode_session(Bytes bytes) {
  Reader in(bytes);
  const std::string member = in.text();
  const std::string tokens = in.text();
  SessionRow record;
  record.created_at = in.i64();
  record.suspended_at = in.i64();
  record.ttl = in.i64();
  record.region = in.text();
  auto decoded_member = decode_member(as_bytes(member));
  auto decoded_tokens = decode_tokens(as_bytes(tokens));
  if (!decoded_member || !decoded_tokens) return std::nullopt;
  record.member = std::move(*decoded_member);
  record.tokens = std::move(*decoded_tokens);
  return checked(in, std::move(record));
}

}  // namespace sluice
