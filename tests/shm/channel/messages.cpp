#include "tests/shm/channel/messages.hpp"

namespace sluice::test {
namespace {

using flatbuffers::FlatBufferBuilder;

template <typename Family, typename Body>
flatbuffers::DetachedBuffer finished(FlatBufferBuilder& builder, flatbuffers::Offset<Body> body) {
  builder.Finish(Family::create(builder, Family::template body_type<Body>, body.Union()));
  return builder.Release();
}

std::vector<std::uint8_t> counting(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i);
  return bytes;
}

flatbuffers::DetachedBuffer upsert_transport() {
  FlatBufferBuilder builder;
  const auto fingerprint = counting(32);
  return finished<CommandFamily>(
      builder,
      schema::CreateUpsertTransport(builder, 0x1'0000'0002, builder.CreateString("ufrag123"),
                                    builder.CreateString("a password of 24 chars.."), builder.CreateString("remote"),
                                    schema::DtlsRole::client, builder.CreateVector(fingerprint),
                                    schema::CreateHeaderExtensions(builder, 1, 2, 3, 4, 5, 6, 7, 8), 2'500'000));
}

flatbuffers::DetachedBuffer upsert_publication() {
  FlatBufferBuilder builder;
  const std::vector codecs{schema::CreateCodecMapping(builder, schema::Codec::vp8, 96, 97, 90'000, true, true, true)};
  const std::vector<std::string> rids{"q", "h", "f"};
  const std::vector ssrcs{schema::CreateDeclaredSsrc(builder, 2, 0x11223344, 0x55667788)};
  return finished<CommandFamily>(
      builder, schema::CreateUpsertPublication(builder, 0x3'0000'0004, 0x1'0000'0002, schema::MediaKind::video,
                                               builder.CreateString("0"), builder.CreateVector(codecs),
                                               builder.CreateVectorOfStrings(rids), builder.CreateVector(ssrcs), true));
}

flatbuffers::DetachedBuffer upsert_subscription() {
  FlatBufferBuilder builder;
  const std::vector codecs{schema::CreateCodecMapping(builder, schema::Codec::opus, 111, 255, 48'000, false, false, true)};
  return finished<CommandFamily>(
      builder, schema::CreateUpsertSubscription(builder, 0x5'0000'0006, 0x1'0000'0002, schema::MediaKind::audio,
                                                builder.CreateString("7"), builder.CreateVector(codecs), 0xcafe, 0xbabe,
                                                0x3'0000'0004, true, 1));
}

template <typename Family, typename Create, typename... Fields>
flatbuffers::DetachedBuffer simple(Create create, Fields... fields) {
  FlatBufferBuilder builder;
  return finished<Family>(builder, create(builder, fields...));
}

template <typename Create, typename... Fields>
flatbuffers::DetachedBuffer with_bytes(std::size_t size, Create create, Fields... fields) {
  FlatBufferBuilder builder;
  const auto bytes = builder.CreateVector(counting(size));
  return finished<HandshakeFamily>(builder, create(builder, fields..., bytes));
}

flatbuffers::DetachedBuffer handshake_done() {
  FlatBufferBuilder builder;
  const auto local = builder.CreateVector(counting(28));
  const auto remote = builder.CreateVector(counting(28));
  return finished<HandshakeFamily>(builder, schema::CreateHandshakeDone(builder, 0x1'0000'0002, 7, local, remote));
}

}  // namespace

std::vector<std::pair<std::string, flatbuffers::DetachedBuffer>> sample_messages() {
  std::vector<std::pair<std::string, flatbuffers::DetachedBuffer>> all;
  const auto add = [&](const char* name, flatbuffers::DetachedBuffer buffer) { all.emplace_back(name, std::move(buffer)); };
  add("command_begin", simple<CommandFamily>(&schema::CreateBegin, std::uint64_t{17}, true));
  add("command_upsert_transport", upsert_transport());
  add("command_upsert_publication", upsert_publication());
  add("command_upsert_subscription", upsert_subscription());
  add("command_remove", simple<CommandFamily>(&schema::CreateRemove, schema::EntityKind::subscription, std::uint64_t{9}));
  add("command_request_key_frame", simple<CommandFamily>(&schema::CreateRequestKeyFrame, std::uint64_t{0x3'0000'0004}));
  add("command_commit", simple<CommandFamily>(&schema::CreateCommit, std::uint64_t{17}));
  add("event_transport_changed", simple<EventFamily>(&schema::CreateTransportChanged, std::uint64_t{0x1'0000'0002},
                                                     schema::TransportState::failed, schema::FailureReason::dtls_failed));
  add("event_publication_changed",
      simple<EventFamily>(&schema::CreatePublicationChanged, std::uint64_t{0x3'0000'0004}, std::uint8_t{5}));
  add("event_subscription_changed",
      simple<EventFamily>(&schema::CreateSubscriptionChanged, std::uint64_t{0x5'0000'0006}, std::uint8_t{2}));
  add("event_generation_applied", simple<EventFamily>(&schema::CreateGenerationApplied, std::uint64_t{17}));
  add("event_snapshot_wanted", simple<EventFamily>(&schema::CreateSnapshotWanted, std::uint64_t{3}, std::uint64_t{18}));
  add("handshake_open", with_bytes(32, &schema::CreateHandshakeOpen, std::uint64_t{0x1'0000'0002}, std::uint8_t{1}));
  add("handshake_datagram", with_bytes(1200, &schema::CreateHandshakeDatagram, std::uint64_t{0x1'0000'0002}));
  add("handshake_close", simple<HandshakeFamily>(&schema::CreateHandshakeClose, std::uint64_t{0x1'0000'0002}));
  add("handshake_send", with_bytes(1200, &schema::CreateHandshakeSend, std::uint64_t{0x1'0000'0002}));
  add("handshake_done", handshake_done());
  add("handshake_failed",
      simple<HandshakeFamily>(&schema::CreateHandshakeFailed, std::uint64_t{0x1'0000'0002}, std::uint8_t{3}));
  add("handshake_started", simple<HandshakeFamily>(&schema::CreateHandshakerStarted, std::uint64_t{4}));
  return all;
}

}  // namespace sluice::test
