#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "dataplane/packet/header_extension.hpp"
#include "dataplane/worker/worker_core.hpp"
#include "schemas/commands_generated.h"
#include "schemas/handshake_generated.h"
#include "shm/channel/message_rules.hpp"
#include "shm/types/ids.hpp"

namespace sluice::sim {

/// One command, finished and verified as on the ring.
class CommandMessage {
 public:
  template <typename Body>
  CommandMessage(flatbuffers::FlatBufferBuilder& builder, flatbuffers::Offset<Body> body) {
    builder.Finish(schema::CreateCommand(builder, schema::CommandBodyTraits<Body>::enum_value, body.Union()));
    bytes_.assign(builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize());
    builder.Clear();
  }
  [[nodiscard]] const schema::Command& get() const { return *flatbuffers::GetRoot<schema::Command>(bytes_.data()); }

 private:
  std::vector<std::uint8_t> bytes_;
};

struct TransportWish {
  TransportId id;
  std::string ufrag, pwd, remote_ufrag;
  HeaderExtensionIds extensions;
  std::uint8_t fingerprint = 1;
  std::uint32_t max_receive_bitrate = 0;
};
struct PublicationWish {
  PublicationId id;
  TransportId transport;
  bool video = true;
  std::string mid;
  std::vector<std::string> rids;
  bool forward = true;
  std::uint8_t payload_type = 96;
  std::vector<std::array<std::uint32_t, 3>> ssrcs;  // layer, ssrc, rtx
  std::uint32_t policy_epoch = 0;
};
struct SubscriptionWish {
  SubscriptionId id;
  TransportId transport;
  bool video = true;
  std::string mid;
  std::uint32_t ssrc = 0, rtx_ssrc = 0;
  PublicationId publication;
  bool active = true;
  std::uint8_t max_layer = 255;
  std::uint8_t payload_type = 100;
  std::uint32_t policy_epoch = 0;
};

/// Negotiated numbers: VP8 with RTX and everything, or Opus with transport-cc only.
inline std::vector<flatbuffers::Offset<schema::CodecMapping>> codecs_of(flatbuffers::FlatBufferBuilder& b, bool video,
                                                                        std::uint8_t pt) {
  if (video)
    return {
        schema::CreateCodecMapping(b, schema::Codec::vp8, pt, static_cast<std::uint8_t>(pt + 1), 90'000, true, true, true)};
  return {schema::CreateCodecMapping(b, schema::Codec::opus, static_cast<std::uint8_t>(pt + 15), 255, 48'000, false, false,
                                     true)};
}

inline CommandMessage command(const TransportWish& t) {
  flatbuffers::FlatBufferBuilder b;
  const std::vector<std::uint8_t> fingerprint(32, t.fingerprint);
  const HeaderExtensionIds& e = t.extensions;
  const auto extensions =
      schema::CreateHeaderExtensions(b, e.mid, e.rid, e.repaired_rid, e.transport_wide_cc, e.abs_send_time, e.audio_level,
                                     e.video_orientation, e.playout_delay);
  return {b, schema::CreateUpsertTransportDirect(b, t.id.packed(), t.ufrag.c_str(), t.pwd.c_str(), t.remote_ufrag.c_str(),
                                                 schema::DtlsRole::server, &fingerprint, extensions, t.max_receive_bitrate)};
}
inline CommandMessage command(const PublicationWish& p) {
  flatbuffers::FlatBufferBuilder b;
  const auto codecs = codecs_of(b, p.video, p.payload_type);
  std::vector<flatbuffers::Offset<flatbuffers::String>> rids;
  for (const std::string& rid : p.rids) rids.push_back(b.CreateString(rid));
  std::vector<flatbuffers::Offset<schema::DeclaredSsrc>> ssrcs;
  for (const auto& s : p.ssrcs) ssrcs.push_back(schema::CreateDeclaredSsrc(b, static_cast<std::uint8_t>(s[0]), s[1], s[2]));
  return {b, schema::CreateUpsertPublicationDirect(b, p.id.packed(), p.transport.packed(),
                                                   p.video ? schema::MediaKind::video : schema::MediaKind::audio,
                                                   p.mid.c_str(), &codecs, &rids, &ssrcs, p.forward, p.policy_epoch)};
}
inline CommandMessage command(const SubscriptionWish& s) {
  flatbuffers::FlatBufferBuilder b;
  const auto codecs = codecs_of(b, s.video, s.payload_type);
  return {b, schema::CreateUpsertSubscriptionDirect(
                 b, s.id.packed(), s.transport.packed(), s.video ? schema::MediaKind::video : schema::MediaKind::audio,
                 s.mid.c_str(), &codecs, s.ssrc, s.rtx_ssrc, s.publication.packed(), s.active, s.max_layer, s.policy_epoch)};
}
inline CommandMessage begin(std::uint64_t generation, bool snapshot) {
  flatbuffers::FlatBufferBuilder b;
  return {b, schema::CreateBegin(b, generation, snapshot)};
}
inline CommandMessage commit(std::uint64_t generation) {
  flatbuffers::FlatBufferBuilder b;
  return {b, schema::CreateCommit(b, generation)};
}
inline CommandMessage removal(schema::EntityKind kind, std::uint64_t id) {
  flatbuffers::FlatBufferBuilder b;
  return {b, schema::CreateRemove(b, kind, id)};
}

}  // namespace sluice::sim
