#include "dataplane/worker/command_reader.hpp"

#include <algorithm>
#include <bitset>

namespace sluice {
namespace {

std::string_view text_of(const flatbuffers::String* text) {
  return text == nullptr ? std::string_view{} : text->string_view();
}

template <typename Id>
bool in_table(Id id, std::uint32_t rows) {
  return id.valid() && id.slot < rows;
}

/// 64..95 would be taken for RTCP on a multiplexed port (RFC 5761 section 4).
bool usable(std::uint8_t payload_type) {
  return payload_type < 128 && (payload_type < 64 || payload_type > 95);
}

Result<std::vector<CodecSpec>, CommandError> read_codecs(
    const flatbuffers::Vector<flatbuffers::Offset<schema::CodecMapping>>* list) {
  std::vector<CodecSpec> codecs;
  if (list == nullptr) return codecs;
  if (list->size() > codecs_max) return unexpected(CommandError::bad_codec);
  std::bitset<128> seen;
  const auto take = [&seen](std::uint8_t payload_type) {
    if (!usable(payload_type) || seen.test(payload_type)) return false;
    seen.set(payload_type);
    return true;
  };
  for (const schema::CodecMapping* m : *list) {
    if (m->codec() > schema::Codec::MAX) return unexpected(CommandError::bad_enum);
    CodecSpec spec{.codec = static_cast<Codec>(m->codec()),
                   .payload_type = m->payload_type(),
                   .rtx_payload_type = m->rtx_payload_type(),
                   .clock_rate = m->clock_rate(),
                   .nack = m->nack(),
                   .pli = m->pli(),
                   .transport_cc = m->transport_cc()};
    if (!take(spec.payload_type) || spec.clock_rate < 1000 || spec.clock_rate > 384'000)
      return unexpected(CommandError::bad_codec);
    if (spec.rtx_payload_type != no_payload_type && !take(spec.rtx_payload_type)) return unexpected(CommandError::bad_codec);
    codecs.push_back(spec);
  }
  return codecs;
}

Result<Mid, CommandError> read_mid(const flatbuffers::String* text) {
  const auto mid = Mid::from(text_of(text));
  if (!mid || mid->empty()) return unexpected(CommandError::bad_label);
  return *mid;
}

Result<HeaderExtensionIds, CommandError> read_extensions(const schema::HeaderExtensions* e) {
  HeaderExtensionIds ids;
  if (e == nullptr) return ids;
  ids = {.mid = e->mid(),
         .rid = e->rid(),
         .repaired_rid = e->repaired_rid(),
         .transport_wide_cc = e->transport_wide_cc(),
         .abs_send_time = e->abs_send_time(),
         .audio_level = e->audio_level(),
         .video_orientation = e->video_orientation(),
         .playout_delay = e->playout_delay()};
  std::bitset<256> seen;
  for (const std::uint8_t id : {ids.mid, ids.rid, ids.repaired_rid, ids.transport_wide_cc, ids.abs_send_time,
                                ids.audio_level, ids.video_orientation, ids.playout_delay}) {
    if (id == 0) continue;
    if (id == 15 || seen.test(id)) return unexpected(CommandError::bad_extension);  // 15 is reserved (RFC 8285 section 4.2)
    seen.set(id);
  }
  return ids;
}

}  // namespace

Result<TransportSpec, CommandError> read_transport(const schema::UpsertTransport& message, const TableSizes& sizes) {
  TransportSpec spec;
  spec.id = TransportId::unpack(message.id());
  if (!in_table(spec.id, sizes.transports)) return unexpected(CommandError::bad_id);
  const auto ufrag = Ufrag::from(text_of(message.local_ufrag()));
  const auto pwd = IcePassword::from(text_of(message.local_pwd()));
  const auto remote = Ufrag::from(text_of(message.remote_ufrag()));
  if (!ufrag || !pwd || !remote || ufrag->view().size() < 4 || pwd->view().size() < 22)
    return unexpected(CommandError::bad_credentials);
  spec.local_ufrag = *ufrag;
  spec.local_pwd = *pwd;
  spec.remote_ufrag = *remote;
  if (message.dtls_role() > schema::DtlsRole::MAX) return unexpected(CommandError::bad_enum);
  spec.dtls_role = static_cast<DtlsRole>(message.dtls_role());
  const auto* fingerprint = message.fingerprint();
  if (fingerprint->size() != spec.fingerprint.size()) return unexpected(CommandError::bad_fingerprint);
  std::copy(fingerprint->begin(), fingerprint->end(), spec.fingerprint.begin());
  const auto extensions = read_extensions(message.extensions());
  if (!extensions) return unexpected(extensions.error());
  spec.extensions = *extensions;
  spec.max_receive_bitrate = message.max_receive_bitrate();
  if (message.from_worker() != 0) {
    spec.from = TransportPlace{WorkerId{static_cast<std::uint16_t>(message.from_worker() - 1)},
                               TransportId::unpack(message.from_transport())};
    if (!spec.from->transport.valid()) return unexpected(CommandError::bad_id);
  }
  if (message.home_worker() != 0) {
    spec.home = TransportPlace{WorkerId{static_cast<std::uint16_t>(message.home_worker() - 1)},
                               TransportId::unpack(message.home_transport())};
    if (!spec.home->transport.valid()) return unexpected(CommandError::bad_id);
  }
  return spec;
}

Result<PublicationSpec, CommandError> read_publication(const schema::UpsertPublication& message, const TableSizes& sizes) {
  PublicationSpec spec;
  spec.id = PublicationId::unpack(message.id());
  spec.transport = TransportId::unpack(message.transport());
  if (!in_table(spec.id, sizes.publications) || !in_table(spec.transport, sizes.transports))
    return unexpected(CommandError::bad_id);
  if (message.kind() > schema::MediaKind::MAX) return unexpected(CommandError::bad_enum);
  spec.kind = static_cast<MediaKind>(message.kind());
  const auto mid = read_mid(message.mid());
  if (!mid) return unexpected(mid.error());
  spec.mid = *mid;
  auto codecs = read_codecs(message.codecs());
  if (!codecs) return unexpected(codecs.error());
  spec.codecs = std::move(*codecs);
  if (const auto* rids = message.rids()) {
    if (rids->size() > layers_max) return unexpected(CommandError::bad_label);
    for (const flatbuffers::String* text : *rids) {
      const auto rid = Rid::from(text_of(text));
      if (!rid || rid->empty() || std::find(spec.rids.begin(), spec.rids.end(), *rid) != spec.rids.end())
        return unexpected(CommandError::bad_label);
      spec.rids.push_back(*rid);
    }
  }
  if (const auto* ssrcs = message.ssrcs()) {
    if (ssrcs->size() > incoming_ssrcs_max) return unexpected(CommandError::bad_ssrc);
    for (const schema::DeclaredSsrc* s : *ssrcs) {
      if (s->layer() >= spec.layer_count() || s->ssrc() == 0 || s->ssrc() == s->rtx_ssrc())
        return unexpected(CommandError::bad_ssrc);
      spec.ssrcs.push_back({s->layer(), Ssrc{s->ssrc()}, Ssrc{s->rtx_ssrc()}});
    }
  }
  spec.forward = message.forward();
  spec.policy_epoch = message.policy_epoch();
  return spec;
}

Result<SubscriptionSpec, CommandError> read_subscription(const schema::UpsertSubscription& message,
                                                         const TableSizes& sizes) {
  SubscriptionSpec spec;
  spec.id = SubscriptionId::unpack(message.id());
  spec.transport = TransportId::unpack(message.transport());
  spec.publication = PublicationId::unpack(message.publication());
  if (!in_table(spec.id, sizes.subscriptions) || !in_table(spec.transport, sizes.transports))
    return unexpected(CommandError::bad_id);
  if (spec.publication != PublicationId{} && !in_table(spec.publication, sizes.publications))
    return unexpected(CommandError::bad_id);
  if (message.kind() > schema::MediaKind::MAX) return unexpected(CommandError::bad_enum);
  spec.kind = static_cast<MediaKind>(message.kind());
  const auto mid = read_mid(message.mid());
  if (!mid) return unexpected(mid.error());
  spec.mid = *mid;
  auto codecs = read_codecs(message.codecs());
  if (!codecs) return unexpected(codecs.error());
  spec.codecs = std::move(*codecs);
  spec.ssrc = Ssrc{message.ssrc()};
  spec.rtx_ssrc = Ssrc{message.rtx_ssrc()};
  if (spec.ssrc == Ssrc{} || spec.ssrc == spec.rtx_ssrc) return unexpected(CommandError::bad_ssrc);
  spec.active = message.active();
  spec.max_layer = message.max_layer();
  spec.policy_epoch = message.policy_epoch();
  return spec;
}

Result<DepartureSpec, CommandError> read_departure(const schema::UpsertDeparture& message, const TableSizes& sizes) {
  DepartureSpec spec;
  spec.transport = TransportId::unpack(message.transport());
  spec.to = TransportId::unpack(message.to_transport());
  spec.to_worker = WorkerId{message.to_worker()};
  if (!in_table(spec.transport, sizes.transports) || !in_table(spec.to, sizes.transports))
    return unexpected(CommandError::bad_id);
  if (const auto* rows = message.publications()) {
    if (rows->size() > sizes.publications) return unexpected(CommandError::bad_id);
    for (const schema::MovedRow* row : *rows) {
      spec.publications.emplace_back(PublicationId::unpack(row->before()), PublicationId::unpack(row->after()));
      if (!in_table(spec.publications.back().first, sizes.publications) ||
          !in_table(spec.publications.back().second, sizes.publications)) {
        return unexpected(CommandError::bad_id);
      }
    }
  }
  if (const auto* rows = message.subscriptions()) {
    if (rows->size() > sizes.subscriptions) return unexpected(CommandError::bad_id);
    for (const schema::MovedRow* row : *rows) {
      spec.subscriptions.emplace_back(SubscriptionId::unpack(row->before()), SubscriptionId::unpack(row->after()));
      if (!in_table(spec.subscriptions.back().first, sizes.subscriptions) ||
          !in_table(spec.subscriptions.back().second, sizes.subscriptions)) {
        return unexpected(CommandError::bad_id);
      }
    }
  }
  return spec;
}

}  // namespace sluice
