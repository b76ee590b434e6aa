#include "control/workers/command_codec.hpp"

#include <algorithm>

#include "schemas/commands_generated.h"
#include "shm/channel/message_rules.hpp"

namespace sluice::workers {
namespace {

using flatbuffers::FlatBufferBuilder;

template <typename Body>
EncodedCommand finish(FlatBufferBuilder& builder, flatbuffers::Offset<Body> body) {
  builder.Finish(schema::CreateCommand(builder, schema::CommandBodyTraits<Body>::enum_value, body.Union()));
  const auto* data = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  return {data, data + builder.GetSize()};
}

// The enums of this module and of the schema have the same numbers.
static_assert(static_cast<int>(schema::MediaKind::video) == static_cast<int>(MediaKind::video));
static_assert(static_cast<int>(schema::Codec::av1) == static_cast<int>(Codec::av1));
static_assert(static_cast<int>(schema::DtlsRole::client) == static_cast<int>(DtlsRole::client));

auto codecs(FlatBufferBuilder& builder, const std::vector<CodecSpec>& specs) {
  std::vector<flatbuffers::Offset<schema::CodecMapping>> offsets;
  for (const CodecSpec& spec : specs)
    offsets.push_back(schema::CreateCodecMapping(builder, static_cast<schema::Codec>(spec.codec), spec.payload_type,
                                                 spec.rtx_payload_type, spec.clock_rate, spec.nack, spec.pli,
                                                 spec.transport_cc));
  return builder.CreateVector(offsets);
}

std::vector<CodecSpec> codecs(const flatbuffers::Vector<flatbuffers::Offset<schema::CodecMapping>>* mappings) {
  std::vector<CodecSpec> specs;
  if (mappings == nullptr) return specs;
  for (const schema::CodecMapping* m : *mappings)
    specs.push_back({static_cast<Codec>(m->codec()), m->payload_type(), m->rtx_payload_type(), m->clock_rate(), m->nack(),
                     m->pli(), m->transport_cc()});
  return specs;
}

/// On the wire a worker's number is one more, because 0 is nobody.
std::uint16_t number_of(const std::optional<TransportPlace>& place) {
  return static_cast<std::uint16_t>(place ? place->worker.value + 1 : 0);
}
std::uint64_t id_of(const std::optional<TransportPlace>& place) {
  return place ? place->transport.packed() : 0;
}
std::optional<TransportPlace> place_of(std::uint16_t number, std::uint64_t id) {
  if (number == 0) return std::nullopt;
  return TransportPlace{WorkerId{static_cast<std::uint16_t>(number - 1)}, TransportId::unpack(id)};
}

EncodedCommand remove(schema::EntityKind kind, std::uint64_t id) {
  FlatBufferBuilder builder;
  return finish(builder, schema::CreateRemove(builder, kind, id));
}

/// The verified body of an encoded command. FlatBuffers wants alignment, which the state log does not give.
template <typename Body>
class Decoded {
 public:
  explicit Decoded(Bytes bytes) : words_((bytes.size() + 7) / 8) {
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::byte*>(words_.data()));
    const schema::Command* command =
        verified_command(Bytes(reinterpret_cast<const std::byte*>(words_.data()), bytes.size()));
    if (command != nullptr) body_ = command->body_as<Body>();
  }
  [[nodiscard]] const Body* get() const { return body_; }

 private:
  std::vector<std::uint64_t> words_;
  const Body* body_ = nullptr;
};

}  // namespace

EncodedCommand encode_begin(Generation generation, bool snapshot) {
  FlatBufferBuilder builder;
  return finish(builder, schema::CreateBegin(builder, generation.value, snapshot));
}

EncodedCommand encode_commit(Generation generation) {
  FlatBufferBuilder builder;
  return finish(builder, schema::CreateCommit(builder, generation.value));
}

EncodedCommand encode(TransportId id, const TransportSpec& spec) {
  FlatBufferBuilder builder;
  const auto local_ufrag = builder.CreateString(spec.local_ufrag);
  const auto local_pwd = builder.CreateString(spec.local_pwd);
  const auto remote_ufrag = builder.CreateString(spec.remote_ufrag);
  const auto fingerprint = builder.CreateVector(spec.fingerprint.data(), spec.fingerprint.size());
  const ExtensionIds& e = spec.extensions;
  const auto extensions =
      schema::CreateHeaderExtensions(builder, e.mid, e.rid, e.repaired_rid, e.transport_wide_cc, e.abs_send_time,
                                     e.audio_level, e.video_orientation, e.playout_delay);
  return finish(builder, schema::CreateUpsertTransport(builder, id.packed(), local_ufrag, local_pwd, remote_ufrag,
                                                       static_cast<schema::DtlsRole>(spec.role), fingerprint, extensions,
                                                       spec.max_receive_bitrate, number_of(spec.from), id_of(spec.from),
                                                       number_of(spec.home), id_of(spec.home)));
}

EncodedCommand encode(TransportId id, const DepartureSpec& spec) {
  FlatBufferBuilder builder;
  const auto rows = [&](const auto& moved) {
    std::vector<schema::MovedRow> list;
    for (const auto& [before, after] : moved) list.emplace_back(before.packed(), after.packed());
    return builder.CreateVectorOfStructs(list);
  };
  const auto publications = rows(spec.publications);
  const auto subscriptions = rows(spec.subscriptions);
  return finish(builder, schema::CreateUpsertDeparture(builder, id.packed(), spec.to.worker.value,
                                                       spec.to.transport.packed(), publications, subscriptions));
}

EncodedCommand encode(PublicationId id, const PublicationSpec& spec) {
  FlatBufferBuilder builder;
  const auto mid = builder.CreateString(spec.mid);
  const auto mappings = codecs(builder, spec.codecs);
  const auto rids = builder.CreateVectorOfStrings(spec.rids);
  std::vector<flatbuffers::Offset<schema::DeclaredSsrc>> declared;
  for (const DeclaredSsrcSpec& d : spec.ssrcs)
    declared.push_back(schema::CreateDeclaredSsrc(builder, d.layer, d.ssrc.value, d.rtx_ssrc.value));
  const auto ssrcs = builder.CreateVector(declared);
  return finish(builder, schema::CreateUpsertPublication(builder, id.packed(), spec.transport.packed(),
                                                         static_cast<schema::MediaKind>(spec.kind), mid, mappings, rids,
                                                         ssrcs, spec.forward, spec.policy_epoch));
}

EncodedCommand encode(SubscriptionId id, const SubscriptionSpec& spec) {
  FlatBufferBuilder builder;
  const auto mid = builder.CreateString(spec.mid);
  const auto mappings = codecs(builder, spec.codecs);
  return finish(builder, schema::CreateUpsertSubscription(builder, id.packed(), spec.transport.packed(),
                                                          static_cast<schema::MediaKind>(spec.kind), mid, mappings,
                                                          spec.ssrc.value, spec.rtx_ssrc.value, spec.publication.packed(),
                                                          spec.active, spec.max_layer, spec.policy_epoch));
}

EncodedCommand encode_remove_departure(TransportId id) {
  return remove(schema::EntityKind::departure, id.packed());
}
EncodedCommand encode_remove(TransportId id) {
  return remove(schema::EntityKind::transport, id.packed());
}
EncodedCommand encode_remove(PublicationId id) {
  return remove(schema::EntityKind::publication, id.packed());
}
EncodedCommand encode_remove(SubscriptionId id) {
  return remove(schema::EntityKind::subscription, id.packed());
}

EncodedCommand encode_key_frame_request(PublicationId id) {
  FlatBufferBuilder builder;
  return finish(builder, schema::CreateRequestKeyFrame(builder, id.packed()));
}

std::optional<std::pair<TransportId, TransportSpec>> decode_transport(Bytes bytes) {
  const Decoded<schema::UpsertTransport> decoded(bytes);
  const schema::UpsertTransport* body = decoded.get();
  TransportSpec spec;
  if (body == nullptr || body->fingerprint()->size() != spec.fingerprint.size()) return std::nullopt;
  spec.local_ufrag = body->local_ufrag()->str();
  spec.local_pwd = body->local_pwd()->str();
  if (body->remote_ufrag() != nullptr) spec.remote_ufrag = body->remote_ufrag()->str();
  spec.role = static_cast<DtlsRole>(body->dtls_role());
  std::copy(body->fingerprint()->begin(), body->fingerprint()->end(), spec.fingerprint.begin());
  if (const auto* e = body->extensions())
    spec.extensions = {e->mid(),           e->rid(),         e->repaired_rid(),      e->transport_wide_cc(),
                       e->abs_send_time(), e->audio_level(), e->video_orientation(), e->playout_delay()};
  spec.max_receive_bitrate = body->max_receive_bitrate();
  spec.from = place_of(body->from_worker(), body->from_transport());
  spec.home = place_of(body->home_worker(), body->home_transport());
  return std::pair(TransportId::unpack(body->id()), std::move(spec));
}

std::optional<std::pair<TransportId, DepartureSpec>> decode_departure(Bytes bytes) {
  const Decoded<schema::UpsertDeparture> decoded(bytes);
  const schema::UpsertDeparture* body = decoded.get();
  if (body == nullptr) return std::nullopt;
  DepartureSpec spec;
  spec.to = {WorkerId{body->to_worker()}, TransportId::unpack(body->to_transport())};
  if (body->publications() != nullptr)
    for (const schema::MovedRow* row : *body->publications())
      spec.publications.emplace_back(PublicationId::unpack(row->before()), PublicationId::unpack(row->after()));
  if (body->subscriptions() != nullptr)
    for (const schema::MovedRow* row : *body->subscriptions())
      spec.subscriptions.emplace_back(SubscriptionId::unpack(row->before()), SubscriptionId::unpack(row->after()));
  return std::pair(TransportId::unpack(body->transport()), std::move(spec));
}

std::optional<std::pair<PublicationId, PublicationSpec>> decode_publication(Bytes bytes) {
  const Decoded<schema::UpsertPublication> decoded(bytes);
  const schema::UpsertPublication* body = decoded.get();
  if (body == nullptr) return std::nullopt;
  PublicationSpec spec;
  spec.transport = TransportId::unpack(body->transport());
  spec.kind = static_cast<MediaKind>(body->kind());
  spec.mid = body->mid()->str();
  spec.codecs = codecs(body->codecs());
  if (body->rids() != nullptr)
    for (const flatbuffers::String* rid : *body->rids()) spec.rids.push_back(rid->str());
  if (body->ssrcs() != nullptr)
    for (const schema::DeclaredSsrc* d : *body->ssrcs())
      spec.ssrcs.push_back({d->layer(), Ssrc{d->ssrc()}, Ssrc{d->rtx_ssrc()}});
  spec.forward = body->forward();
  spec.policy_epoch = body->policy_epoch();
  return std::pair(PublicationId::unpack(body->id()), std::move(spec));
}

std::optional<std::pair<SubscriptionId, SubscriptionSpec>> decode_subscription(Bytes bytes) {
  const Decoded<schema::UpsertSubscription> decoded(bytes);
  const schema::UpsertSubscription* body = decoded.get();
  if (body == nullptr) return std::nullopt;
  SubscriptionSpec spec;
  spec.transport = TransportId::unpack(body->transport());
  spec.kind = static_cast<MediaKind>(body->kind());
  spec.mid = body->mid()->str();
  spec.codecs = codecs(body->codecs());
  spec.ssrc = Ssrc{body->ssrc()};
  spec.rtx_ssrc = Ssrc{body->rtx_ssrc()};
  spec.publication = PublicationId::unpack(body->publication());
  spec.active = body->active();
  spec.max_layer = body->max_layer();
  spec.policy_epoch = body->policy_epoch();
  return std::pair(SubscriptionId::unpack(body->id()), std::move(spec));
}

}  // namespace sluice::workers
