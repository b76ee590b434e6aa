// uses: dataplane_packet
// CPU time of what every forwarded packet pays in this module: one parse on arrival, and per subscriber one header written
// and patched. Budget: a small part of the 100 ns per forwarded packet that docs/performance.md leaves beside send and seal.
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "dataplane/packet/header_extension.hpp"
#include "dataplane/packet/packet_class.hpp"
#include "dataplane/packet/rtcp_compound.hpp"
#include "dataplane/packet/rtcp_writer.hpp"
#include "dataplane/packet/rtp_header_writer.hpp"
#include "dataplane/packet/rtp_packet.hpp"
#include "dataplane/packet/vp8_descriptor.hpp"

namespace {

using namespace sluice;

/// A video packet as a browser sends it: mid, rid, transport-wide sequence number, abs-send-time; 1100 bytes of payload.
std::vector<std::byte> video_packet() {
  std::array<std::byte, 200> header;
  const auto layout =
      RtpHeaderWriter(RtpHeader{.payload_type = {96}, .sequence_number = {7}, .timestamp = 90000, .ssrc = {1}})
          .reserve_abs_send_time(2)
          .reserve_transport_sequence_number(3)
          .add(4, as_bytes("1"))
          .add(10, as_bytes("q"))
          .write(header);
  std::vector<std::byte> packet(header.begin(), header.begin() + layout->header_size);
  for (const unsigned b : {0x90U, 0x80U, 0x81U, 0x23U}) packet.push_back(static_cast<std::byte>(b));
  packet.resize(packet.size() + 1096, std::byte{0x5a});
  return packet;
}

void classify_datagram(benchmark::State& state) {
  const auto packet = video_packet();
  for (auto _ : state) benchmark::DoNotOptimize(classify(packet));
}
BENCHMARK(classify_datagram);

void parse_rtp(benchmark::State& state) {
  auto bytes = video_packet();
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes.data());
    auto packet = RtpPacket::parse(bytes);
    benchmark::DoNotOptimize(packet);
  }
}
BENCHMARK(parse_rtp);

void parse_rtp_and_read(benchmark::State& state) {
  auto bytes = video_packet();
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes.data());
    const auto packet = RtpPacket::parse(bytes);
    benchmark::DoNotOptimize(packet->ssrc());
    benchmark::DoNotOptimize(packet->sequence_number());
    benchmark::DoNotOptimize(packet->timestamp());
    benchmark::DoNotOptimize(parse_transport_sequence_number(packet->extension(3)));
    benchmark::DoNotOptimize(parse_abs_send_time(packet->extension(2)));
    benchmark::DoNotOptimize(parse_sdes_text(packet->extension(4)));
    benchmark::DoNotOptimize(Vp8Descriptor::parse(packet->payload()));
  }
}
BENCHMARK(parse_rtp_and_read);

void write_header(benchmark::State& state) {
  std::array<std::byte, 64> out;
  std::uint16_t number = 0;
  for (auto _ : state) {
    const auto layout =
        RtpHeaderWriter(RtpHeader{.payload_type = {96}, .sequence_number = {number}, .timestamp = 90000, .ssrc = {1}})
            .reserve_abs_send_time(2)
            .reserve_transport_sequence_number(3)
            .add(4, as_bytes("1"))
            .write(out);
    layout->patch_transport_sequence_number(out, number++);
    layout->patch_abs_send_time(out, TimePoint(Duration(number)));
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(write_header);

void transport_feedback_of_100(benchmark::State& state) {
  std::array<std::byte, 1400> out;
  for (auto _ : state) {
    TransportFeedbackWriter feedback;
    TimePoint now(std::chrono::seconds(1));
    feedback.begin({0}, now, 0);
    for (std::uint16_t i = 0; i < 100; ++i) {
      now += std::chrono::microseconds(500);
      if (i % 20 != 0) (void)feedback.add({i}, now);
    }
    RtcpWriter writer(out);
    (void)writer.transport_feedback({1}, {2}, feedback);
    std::size_t received = 0;
    RtcpCompound::parse(writer.written())->for_each([&](const RtcpPacket& packet) {
      std::get<TransportFeedback>(packet).for_each([&](const PacketStatus& status) { received += status.received ? 1 : 0; });
    });
    benchmark::DoNotOptimize(received);
  }
}
BENCHMARK(transport_feedback_of_100);

}  // namespace

BENCHMARK_MAIN();
