#include "dataplane/worker/wish_codec.hpp"

#include <string>

#include "schemas/commands_generated.h"

namespace sluice {
namespace {

using flatbuffers::FlatBufferBuilder;

template <typename Body>
std::vector<std::byte> finish(FlatBufferBuilder& builder, flatbuffers::Offset<Body> body) {
  builder.Finish(schema::CreateCommand(builder, schema::CommandBodyTraits<Body>::enum_value, body.Union()));
  const auto* data = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  return {data, data + builder.GetSize()};
}

template <typename Text>
auto text(FlatBufferBuilder& builder, const Text& value) {
  return builder.CreateString(value.view().data(), value.view().size());
}

auto codecs(FlatBufferBuilder& builder, const std::vector<CodecSpec>& specs) {
  std::vector<flatbuffers::Offset<schema::CodecMapping>> offsets;
  for (const CodecSpec& c : specs) {
    offsets.push_back(schema::CreateCodecMapping(builder, static_cast<schema::Codec>(c.codec), c.payload_type,
                                                 c.rtx_payload_type, c.clock_rate, c.nack, c.pli, c.transport_cc));
  }
  return builder.CreateVector(offsets);
}

std::uint16_t number_of(const std::optional<TransportPlace>& place) {
  return static_cast<std::uint16_t>(place ? place->worker.value + 1 : 0);
}
std::uint64_t id_of(const std::optional<TransportPlace>& place) {
  return place ? place->transport.packed() : 0;
}

}  // namespace

std::vector<std::byte> encode_wish(const TransportSpec& spec) {
  FlatBufferBuilder builder;
  const auto local_ufrag = text(builder, spec.local_ufrag);
  const auto local_pwd = text(builder, spec.local_pwd);
  const auto remote_ufrag = text(builder, spec.remote_ufrag);
  const auto fingerprint = builder.CreateVector(spec.fingerprint.data(), spec.fingerprint.size());
  const HeaderExtensionIds& e = spec.extensions;
  const auto extensions =
      schema::CreateHeaderExtensions(builder, e.mid, e.rid, e.repaired_rid, e.transport_wide_cc, e.abs_send_time,
                                     e.audio_level, e.video_orientation, e.playout_delay);
  return finish(builder, schema::CreateUpsertTransport(builder, spec.id.packed(), local_ufrag, local_pwd, remote_ufrag,
                                                       static_cast<schema::DtlsRole>(spec.dtls_role), fingerprint,
                                                       extensions, spec.max_receive_bitrate, number_of(spec.from),
                                                       id_of(spec.from), number_of(spec.home), id_of(spec.home)));
}

std::vector<std::byte> encode_wish(const PublicationSpec& spec) {
  FlatBufferBuilder builder;
  const auto mid = text(builder, spec.mid);
  const auto mappings = codecs(builder, spec.codecs);
  std::vector<std::string> names;
  for (const Rid& rid : spec.rids) names.emplace_back(rid.view());
  const auto rids = builder.CreateVectorOfStrings(names);
  std::vector<flatbuffers::Offset<schema::DeclaredSsrc>> declared;
  for (const DeclaredSsrc& d : spec.ssrcs)
    declared.push_back(schema::CreateDeclaredSsrc(builder, d.layer, d.ssrc.value, d.rtx_ssrc.value));
  const auto ssrcs = builder.CreateVector(declared);
  return finish(builder, schema::CreateUpsertPublication(builder, spec.id.packed(), spec.transport.packed(),
                                                         static_cast<schema::MediaKind>(spec.kind), mid, mappings, rids,
                                                         ssrcs, spec.forward, spec.policy_epoch));
}

std::vector<std::byte> encode_wish(const SubscriptionSpec& spec) {
  FlatBufferBuilder builder;
  const auto mid = text(builder, spec.mid);
  const auto mappings = codecs(builder, spec.codecs);
  return finish(builder, schema::CreateUpsertSubscription(builder, spec.id.packed(), spec.transport.packed(),
                                                          static_cast<schema::MediaKind>(spec.kind), mid, mappings,
                                                          spec.ssrc.value, spec.rtx_ssrc.value, spec.publication.packed(),
                                                          spec.active, spec.max_layer, spec.policy_epoch));
}

std::vector<std::byte> encode_wish(const DepartureSpec& spec) {
  FlatBufferBuilder builder;
  const auto rows = [&](const auto& moved) {
    std::vector<schema::MovedRow> list;
    for (const auto& [before, after] : moved) list.emplace_back(before.packed(), after.packed());
    return builder.CreateVectorOfStructs(list);
  };
  const auto publications = rows(spec.publications);
  const auto subscriptions = rows(spec.subscriptions);
  return finish(builder, schema::CreateUpsertDeparture(builder, spec.transport.packed(), spec.to_worker.value,
                                                       spec.to.packed(), publications, subscriptions));
}

}  // namespace sluice
