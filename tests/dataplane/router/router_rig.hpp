#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/packet/rtcp_writer.hpp"
#include "dataplane/packet/rtp_header_writer.hpp"
#include "dataplane/packet/rtp_packet.hpp"
#include "dataplane/packet/vp8_descriptor.hpp"
#include "dataplane/router/router.hpp"
#include "tests/dataplane/transport/transport_rig.hpp"

namespace sluice::router_test {

using transport_test::transport_spec;
using transport_test::TransportRig;

/// A packet as a publisher makes it.
struct Outline {
  std::uint32_t ssrc = 1000;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::string rid;
  bool key_frame = false;
  bool begins_frame = true;
  bool marker = true;
  std::uint16_t picture_id = 0;
  bool wide = true;      ///< picture id of 15 bits
  bool padding = false;  ///< nothing but padding
  std::uint8_t layer = 0;
  std::uint8_t content = 0x5a;
};

/// A packet as the subscriber got it.
struct Got {
  Ssrc ssrc;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  bool marker = false;
  std::size_t payload_size = 0;
  std::optional<Vp8Descriptor> vp8;
  std::optional<std::uint16_t> original;  ///< of an RTX packet
  std::uint8_t content = 0;               ///< the last byte
};

/// A publisher and a subscriber on one router, without ciphers: the publication has layers q, h, f.
class RouterRig : public testing::Test {
 protected:
  RouterRig() {
    rig.connect(publisher, 1);
    rig.connect(subscriber, 3);
    publication.id = {1, 1};
    publication.transport = publisher.id();
    publication.kind = MediaKind::video;
    publication.mid = *Mid::from("v");
    publication.codecs = {{Codec::vp8, 96, 97, 90'000, true, true, true}};
    for (const char* rid : {"q", "h", "f"}) publication.rids.push_back(*Rid::from(rid));
    publication.forward = true;
    subscription.id = {2, 1};
    subscription.transport = subscriber.id();
    subscription.kind = MediaKind::video;
    subscription.mid = *Mid::from("r");
    subscription.codecs = {{Codec::vp8, 100, 101, 90'000, true, true, true}};
    subscription.ssrc = Ssrc{50};
    subscription.rtx_ssrc = Ssrc{51};
    subscription.publication = publication.id;
    subscription.active = true;
  }
  void program() {
    router.set_publication(rig.now, publication, &publisher);
    router.set_subscription(rig.now, subscription, &subscriber);
  }
  [[nodiscard]] Subscription& row() { return *router.subscription(subscription.id.slot); }

  /// Sends it up and gives what came down to the subscriber because of it.
  std::vector<Got> send(const Outline& o) {
    rig.sink.sent.clear();
    std::array<std::byte, 200> bytes{};
    RtpHeaderWriter writer({.payload_type = PayloadType{96},
                            .sequence_number = SequenceNumber{o.sequence},
                            .timestamp = o.timestamp,
                            .ssrc = Ssrc{o.ssrc},
                            .marker = o.marker});
    writer.add(1, as_bytes(publication.mid.view()));
    if (!o.rid.empty()) writer.add(2, as_bytes(std::string_view(o.rid)));
    const auto layout = writer.write(bytes);
    std::size_t size = layout->header_size;
    if (o.padding) {
      bytes[0] |= std::byte{0x20};
      bytes[size + 9] = std::byte{10};
      size += 10;
    } else {
      size += payload(o, MutableBytes(bytes).subspan(size));
    }
    router.handle_rtp(rig.now, publisher, MutableBytes(bytes).first(size));
    rig.batch.flush();
    return take();
  }
  std::vector<Got> nack(std::uint16_t sequence) {
    rig.sink.sent.clear();
    std::array<std::byte, 100> bytes{};
    RtcpWriter w{MutableBytes(bytes)};
    const std::array<SequenceNumber, 1> lost{SequenceNumber{sequence}};
    w.receiver_report(Ssrc{77});
    w.nack(Ssrc{77}, subscription.ssrc, lost);
    router.handle_rtcp(rig.now, subscriber, w.written());
    rig.batch.flush();
    return take();
  }
  void pass(Duration duration) { rig.now += duration; }

  TransportRig rig;
  std::vector<TransportRecord> transports = std::vector<TransportRecord>(4);
  std::vector<PublicationRecord> publications = std::vector<PublicationRecord>(4);
  std::vector<SubscriptionRecord> subscriptions = std::vector<SubscriptionRecord>(4);
  Transport publisher{rig.now, transport_spec(0), transports[0], rig.surroundings};
  Transport subscriber{rig.now, transport_spec(1), transports[1], rig.surroundings};
  Router router{publications, subscriptions, 4, *rig.counters, rig.entropy};
  PublicationSpec publication;
  SubscriptionSpec subscription;

 private:
  static std::size_t payload(const Outline& o, MutableBytes out) {
    ByteWriter w{out};
    w.u8(o.begins_frame ? 0x90 : 0x80);
    w.u8(0x80);
    if (o.wide) {
      w.u16(static_cast<std::uint16_t>(0x8000U | o.picture_id));
    } else {
      w.u8(static_cast<std::uint8_t>(o.picture_id & 0x7fU));
    }
    w.u8(o.key_frame ? 0x10 : 0x11);
    if (o.key_frame && o.begins_frame) {
      w.u16(0);
      w.u24(0x9d012a);
      const auto swapped = [](unsigned v) { return static_cast<std::uint16_t>((v & 0xffU) << 8U | v >> 8U); };
      w.u16(swapped(320U << o.layer));
      w.u16(swapped(180U << o.layer));
    }
    for (int i = 0; i < 20; ++i) w.u8(o.content);
    return w.size();
  }
  std::vector<Got> take() {
    std::vector<Got> got;
    for (auto& datagram : rig.sink.sent) {
      const auto second = std::to_integer<unsigned>(datagram.bytes[1]);
      if (!(datagram.to == transport_test::tuple_of(1)) || (second >= 192 && second <= 223)) continue;  // RTCP
      const auto packet = RtpPacket::parse(datagram.bytes);
      if (!packet) {
        ADD_FAILURE() << "not RTP";
        continue;
      }
      Got g{packet->ssrc(),         packet->sequence_number().value,
            packet->timestamp(),    packet->marker(),
            packet->payload_size(), std::nullopt,
            std::nullopt,           0};
      Bytes body = packet->payload();
      if (g.ssrc == subscription.rtx_ssrc && body.size() >= 2) {
        g.original = load_u16(body, 0);
        body = body.subspan(2);
      }
      g.vp8 = Vp8Descriptor::parse(body);
      if (!body.empty()) g.content = std::to_integer<std::uint8_t>(body.back());
      got.push_back(g);
    }
    return got;
  }
};

}  // namespace sluice::router_test
