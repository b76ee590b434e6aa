// uses: dataplane_worker sluice::srtp2 sluice::openssl
// An authenticated peer that says anything: RTP and RTCP are mutated in the clear and then protected, so they pass SRTP and
// reach the parsers and machines behind it. Each input is a list of datagrams: kind, length, bytes.
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/srtp/openssl_backend.hpp"
#include "dataplane/srtp/srtp_sender.hpp"
#include "tests/sim/commands.hpp"
#include "tests/sim/sim_surroundings.hpp"
#include "tests/sim/stun_request.hpp"

namespace {

using namespace sluice;
using namespace sluice::sim;

class NullSink final : public DatagramSink {
 public:
  PacketBuffer acquire() noexcept override { return pool.acquire(); }
  void send(const Tuple&, PacketBuffer) noexcept override {}
  PacketPool pool{256};
};

Tuple tuple_of(std::uint32_t slot) {
  return {SocketAddress::from_ipv4({10, 1, 0, 1}, static_cast<std::uint16_t>(2000 + slot)), 0};
}

void run(Bytes input) {
  TimePoint now{std::chrono::seconds(10)};
  NullSink sink;
  WorkerMemory memory(1, 4);
  memory.messages.keep = false;
  WorkerCore core(memory.surroundings(sink));
  const HeaderExtensionIds ids{.mid = 1,
                               .rid = 2,
                               .repaired_rid = 3,
                               .transport_wide_cc = 4,
                               .abs_send_time = 5,
                               .audio_level = 6,
                               .video_orientation = 7,
                               .playout_delay = 8};
  core.handle_command(now, begin(1, true).get());
  for (std::uint32_t slot = 0; slot < 2; ++slot) {
    core.handle_command(
        now,
        command(TransportWish{{slot, 1}, "frag" + std::to_string(slot), std::string(24, 'p'), "peer", ids, 1, 1'000'000})
            .get());
  }
  core.handle_command(now, command(PublicationWish{{0, 1}, {0, 1}, true, "v", {"q", "h", "f"}, true, 96, {}}).get());
  core.handle_command(now, command(PublicationWish{{1, 1}, {0, 1}, false, "a", {}, true, 96, {{0, 7, 0}}}).get());
  core.handle_command(now, command(PublicationWish{{2, 1}, {1, 1}, true, "v", {}, true, 96, {{0, 9, 10}}}).get());
  core.handle_command(now, command(SubscriptionWish{{0, 1}, {1, 1}, true, "0", 100, 101, {0, 1}, true, 255, 100}).get());
  core.handle_command(now, command(SubscriptionWish{{1, 1}, {1, 1}, false, "1", 102, 0, {1, 1}, true, 255, 100}).get());
  core.handle_command(now, command(SubscriptionWish{{2, 1}, {0, 1}, true, "2", 104, 105, {2, 1}, true, 255, 100}).get());
  core.handle_command(now, commit(1).get());
  OpensslSrtpBackend backend;
  const std::vector<std::uint8_t> key(28, 1);
  SrtpSealerState sealer_state;
  SrtpSealer sealer(sealer_state, backend);
  sealer.set_keys(*SrtpKeys::from_key_salt(SrtpProfile::aead_aes_128_gcm, std::as_bytes(std::span(key))));
  for (std::uint32_t slot = 0; slot < 2; ++slot) {
    auto request = stun_request("frag" + std::to_string(slot) + ":peer", std::string(24, 'p'), slot, true);
    core.handle_datagram(now, tuple_of(slot), request);
    flatbuffers::FlatBufferBuilder b;
    const auto local = b.CreateVector(key);
    const auto remote = b.CreateVector(key);
    const auto done = schema::CreateHandshakeDone(b, TransportId{slot, 1}.packed(),
                                                  static_cast<std::uint16_t>(SrtpProfile::aead_aes_128_gcm), local, remote);
    b.Finish(schema::CreateHandshake(b, schema::HandshakeBody::HandshakeDone, done.Union()));
    core.handle_handshake(now, *flatbuffers::GetRoot<schema::Handshake>(b.GetBufferPointer()));
  }
  ByteReader reader(input);
  for (int i = 0; i < 64 && reader.remaining() > 2; ++i) {
    const std::uint8_t kind = reader.u8();
    const Bytes plain = reader.take(std::min<std::size_t>(reader.u8() * std::size_t{4}, reader.remaining()));
    std::array<std::byte, 2048> out{};
    Result<std::size_t, SrtpError> size = unexpected(SrtpError::no_room);
    if ((kind & 1U) == 0 && plain.size() >= 12) {
      SrtpSenderState state;
      SrtpSender sender(state, sealer, Ssrc{load_u32(plain, 8)});
      SealJob job;
      job.ticket = std::move(*sender.claim({load_u16(plain, 2)}));
      // The header as its own words claim it, if it holds: else the receiver would not find the same authenticated part.
      std::size_t header = 12 + 4 * (std::to_integer<std::size_t>(plain[0]) & 15U);
      if ((plain[0] & std::byte{0x10}) != std::byte{} && header + 4 <= plain.size())
        header += 4 + 4 * std::size_t{load_u16(plain, header + 2)};
      if (header > plain.size()) continue;
      job.header = plain.first(header);
      job.payload = plain.subspan(header);
      job.out = out;
      backend.seal(std::span(&job, 1));
      size = job.result;
    } else if ((kind & 1U) == 1 && plain.size() >= 8) {
      SealJob job = rtcp_seal_job(std::move(*sealer.claim_rtcp(Ssrc{load_u32(plain, 4)})), plain, out);
      backend.seal(std::span(&job, 1));
      size = job.result;
    }
    if (!size) continue;
    core.handle_datagram(now, tuple_of(kind >> 1U & 1U), MutableBytes(out).first(*size));
    core.flush(now);
    now += std::chrono::milliseconds(kind >> 2U);
    if (core.next_deadline() <= now) core.handle_timeout(now);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run(std::as_bytes(std::span(data, size)));
  return 0;
}
