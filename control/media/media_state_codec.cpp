#include "control/media/media_state_codec.hpp"

#include <algorithm>

#include "schemas/media_state_generated.h"

namespace sluice::media {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;
template <typename T>
using VectorOf = flatbuffers::Vector<T>;

std::vector<std::byte> finish(FlatBufferBuilder& builder, Offset<schema::MediaRecord> record) {
  builder.Finish(record);
  const auto* data = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  return {data, data + builder.GetSize()};
}

/// A verified copy at an aligned place.
class Record {
 public:
  explicit Record(Bytes bytes) : words_((bytes.size() + 7) / 8) {
    auto* copy = reinterpret_cast<std::uint8_t*>(words_.data());
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::byte*>(copy));
    flatbuffers::Verifier verifier(copy, bytes.size());
    if (verifier.VerifyBuffer<schema::MediaRecord>(nullptr)) record_ = flatbuffers::GetRoot<schema::MediaRecord>(copy);
  }
  [[nodiscard]] const schema::MediaPeer* peer() const { return record_ == nullptr ? nullptr : record_->peer(); }
  [[nodiscard]] const schema::MediaProducer* producer() const { return record_ == nullptr ? nullptr : record_->producer(); }
  [[nodiscard]] const schema::MediaConsumer* consumer() const { return record_ == nullptr ? nullptr : record_->consumer(); }

 private:
  std::vector<std::uint64_t> words_;
  const schema::MediaRecord* record_ = nullptr;
};

std::string text(const flatbuffers::String* string) {
  return string == nullptr ? std::string() : string->str();
}

std::vector<std::string> texts(const VectorOf<Offset<flatbuffers::String>>* strings) {
  std::vector<std::string> result;
  if (strings != nullptr)
    for (const flatbuffers::String* string : *strings) result.push_back(string->str());
  return result;
}

std::vector<std::uint32_t> numbers(const VectorOf<std::uint32_t>* values) {
  return values == nullptr ? std::vector<std::uint32_t>() : std::vector<std::uint32_t>(values->begin(), values->end());
}

MediaKind kind_of(schema::MediaKind kind) {
  return kind == schema::MediaKind::video ? MediaKind::video : MediaKind::audio;
}
schema::MediaKind kind_of(MediaKind kind) {
  return kind == MediaKind::video ? schema::MediaKind::video : schema::MediaKind::audio;
}

Offset<schema::MediaLine> encode_line(FlatBufferBuilder& builder, const Line& line) {
  std::vector<Offset<schema::CodecMapping>> codecs;
  for (const workers::CodecSpec& c : line.codecs)
    codecs.push_back(schema::CreateCodecMapping(builder, static_cast<schema::Codec>(c.codec), c.payload_type,
                                                c.rtx_payload_type, c.clock_rate, c.nack, c.pli, c.transport_cc));
  std::vector<Offset<schema::DeclaredSsrc>> ssrcs;
  for (const workers::DeclaredSsrcSpec& s : line.ssrcs)
    ssrcs.push_back(schema::CreateDeclaredSsrc(builder, s.layer, s.ssrc.value, s.rtx_ssrc.value));
  const auto mid = builder.CreateString(line.mid);
  const auto codec_vector = builder.CreateVector(codecs);
  const auto rids = builder.CreateVectorOfStrings(line.rids);
  const auto ssrc_vector = builder.CreateVector(ssrcs);
  const auto producer = builder.CreateString(line.producer.value);
  const auto consumer = builder.CreateString(line.consumer.value);
  return schema::CreateMediaLine(builder, mid, kind_of(line.kind), line.receives, line.sends, codec_vector, rids,
                                 ssrc_vector, line.ssrc.value, line.rtx_ssrc.value, line.publication.packed(),
                                 line.subscription.packed(), producer, consumer);
}

Line decode_line(const schema::MediaLine& stored) {
  Line line;
  line.mid = text(stored.mid());
  line.kind = kind_of(stored.kind());
  line.receives = stored.receives();
  line.sends = stored.sends();
  if (stored.codecs() != nullptr) {
    for (const schema::CodecMapping* c : *stored.codecs())
      line.codecs.push_back({static_cast<Codec>(c->codec()), c->payload_type(), c->rtx_payload_type(), c->clock_rate(),
                             c->nack(), c->pli(), c->transport_cc()});
  }
  line.rids = texts(stored.rids());
  if (stored.ssrcs() != nullptr)
    for (const schema::DeclaredSsrc* s : *stored.ssrcs())
      line.ssrcs.push_back({s->layer(), Ssrc{s->ssrc()}, Ssrc{s->rtx_ssrc()}});
  line.ssrc = Ssrc{stored.ssrc()};
  line.rtx_ssrc = Ssrc{stored.rtx_ssrc()};
  line.publication = PublicationId::unpack(stored.publication());
  line.subscription = SubscriptionId::unpack(stored.subscription());
  line.producer = ProducerId(text(stored.producer()));
  line.consumer = ConsumerId(text(stored.consumer()));
  return line;
}

}  // namespace

std::vector<std::byte> encode(const PeerMedia& peer) {
  FlatBufferBuilder builder;
  std::vector<Offset<schema::MediaLine>> lines;
  for (const Line& line : peer.lines) lines.push_back(encode_line(builder, line));
  const auto room = builder.CreateString(peer.room.value);
  const auto ufrag = builder.CreateString(peer.remote_ufrag);
  const auto pwd = builder.CreateString(peer.remote_pwd);
  const auto fingerprint = builder.CreateVector(peer.fingerprint.data(), peer.fingerprint.size());
  const auto tls_id = builder.CreateString(peer.tls_id);
  const auto origin = builder.CreateString(peer.origin);
  const auto remote_ssrcs = builder.CreateVector(peer.remote_ssrcs);
  const auto used_ssrcs = builder.CreateVector(peer.used_ssrcs);
  const auto line_vector = builder.CreateVector(lines);
  const auto stored = schema::CreateMediaPeer(
      builder, room, peer.worker.value, peer.transport.packed(), ufrag, pwd, fingerprint, tls_id, origin, remote_ssrcs,
      peer.session_id, peer.session_version, used_ssrcs, line_vector, !peer.may_send, !peer.may_receive, peer.policy_epoch);
  return finish(builder, schema::CreateMediaRecord(builder, stored));
}

std::vector<std::byte> encode(const Producer& producer) {
  FlatBufferBuilder builder;
  const auto room = builder.CreateString(producer.room.value);
  const auto peer = builder.CreateString(producer.peer.value);
  const auto layers = builder.CreateVectorOfStrings(producer.layers);
  const auto mid = builder.CreateString(producer.mid);
  const auto hint = builder.CreateString(producer.mid_hint);
  const auto ssrcs = builder.CreateVector(producer.ssrcs);
  const auto stored = schema::CreateMediaProducer(builder, room, peer, kind_of(producer.kind), layers, mid, hint, ssrcs,
                                                  producer.paused, producer.order);
  return finish(builder, schema::CreateMediaRecord(builder, 0, stored));
}

std::vector<std::byte> encode(const Consumer& consumer) {
  FlatBufferBuilder builder;
  const auto room = builder.CreateString(consumer.room.value);
  const auto peer = builder.CreateString(consumer.peer.value);
  const auto producer = builder.CreateString(consumer.producer.value);
  const auto hint = builder.CreateString(consumer.mid_hint);
  const auto stored = schema::CreateMediaConsumer(builder, room, peer, producer, kind_of(consumer.kind), consumer.paused,
                                                  consumer.layer, hint, consumer.order);
  return finish(builder, schema::CreateMediaRecord(builder, 0, 0, stored));
}

std::optional<PeerMedia> decode_peer(Bytes bytes) {
  const Record record(bytes);
  const schema::MediaPeer* stored = record.peer();
  PeerMedia peer;
  if (stored == nullptr || stored->fingerprint() == nullptr || stored->fingerprint()->size() != peer.fingerprint.size())
    return std::nullopt;
  peer.room = RoomId(text(stored->room()));
  peer.worker = WorkerId{stored->worker()};
  peer.transport = TransportId::unpack(stored->transport());
  peer.remote_ufrag = text(stored->remote_ufrag());
  peer.remote_pwd = text(stored->remote_pwd());
  std::copy(stored->fingerprint()->begin(), stored->fingerprint()->end(), peer.fingerprint.begin());
  peer.tls_id = text(stored->tls_id());
  peer.origin = text(stored->origin());
  peer.remote_ssrcs = numbers(stored->remote_ssrcs());
  peer.session_id = stored->session_id();
  peer.session_version = stored->session_version();
  peer.used_ssrcs = numbers(stored->used_ssrcs());
  if (stored->lines() != nullptr)
    for (const schema::MediaLine* line : *stored->lines()) peer.lines.push_back(decode_line(*line));
  peer.may_send = !stored->send_denied();
  peer.may_receive = !stored->receive_denied();
  peer.policy_epoch = stored->policy_epoch();
  return peer;
}

std::optional<Producer> decode_producer(Bytes bytes) {
  const Record record(bytes);
  const schema::MediaProducer* stored = record.producer();
  if (stored == nullptr) return std::nullopt;
  return Producer{RoomId(text(stored->room())),
                  PeerId(text(stored->peer())),
                  kind_of(stored->kind()),
                  texts(stored->layers()),
                  text(stored->mid()),
                  text(stored->mid_hint()),
                  numbers(stored->ssrcs()),
                  stored->paused(),
                  stored->order()};
}

std::optional<Consumer> decode_consumer(Bytes bytes) {
  const Record record(bytes);
  const schema::MediaConsumer* stored = record.consumer();
  if (stored == nullptr) return std::nullopt;
  return Consumer{RoomId(text(stored->room())),
                  PeerId(text(stored->peer())),
                  ProducerId(text(stored->producer())),
                  kind_of(stored->kind()),
                  stored->paused(),
                  stored->layer(),
                  text(stored->mid_hint()),
                  stored->order()};
}

}  // namespace sluice::media
