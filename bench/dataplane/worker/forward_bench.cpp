// uses: dataplane_worker sluice::srtp2 sluice::openssl sluice::jemalloc
// One publisher, N subscribers, no kernel: what a forwarded packet costs in rewriting, extension writing, bookkeeping and
// AES-128-GCM, with OpenSSL and with the backend that the worker would take. Bounds on the machine of the measurements
// (rewrite and GCM alone, no bookkeeping): 373 to 409 ns by OpenSSL, 92 to 108 by ipsec-mb.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <span>

#include "dataplane/packet/rtp_header_writer.hpp"
#include "dataplane/srtp/backend_choice.hpp"
#include "dataplane/srtp/openssl_backend.hpp"
#include "dataplane/srtp/srtp_sender.hpp"
#include "tests/sim/commands.hpp"
#include "tests/sim/sim_surroundings.hpp"
#include "tests/sim/stun_request.hpp"

extern "C" {
const char* malloc_conf = "thp:always";  // as in the worker
}

namespace sluice::sim {
namespace {

class CountingSink final : public DatagramSink {
 public:
  PacketBuffer acquire() noexcept override { return pool.acquire(); }
  void send(const Tuple&, PacketBuffer) noexcept override { ++sent; }
  PacketPool pool{1024};
  std::uint64_t sent = 0;
};

Tuple tuple_of(std::uint32_t slot) {
  return {SocketAddress::from_ipv4({10, 1, 0, 1}, static_cast<std::uint16_t>(2000 + slot)), 0};
}

std::vector<std::uint8_t> key_of(std::uint32_t slot, bool ours) {
  std::vector<std::uint8_t> key(28, static_cast<std::uint8_t>(ours ? 1 : 2));
  key[0] = static_cast<std::uint8_t>(slot);
  key[1] = static_cast<std::uint8_t>(slot >> 8U);
  return key;
}

void connect(WorkerCore& core, TimePoint now, std::uint32_t slot) {
  auto request = stun_request("frag" + std::to_string(slot) + ":peer", std::string(24, 'p'), slot, true);
  core.handle_datagram(now, tuple_of(slot), request);
  flatbuffers::FlatBufferBuilder b;
  const auto local = b.CreateVector(key_of(slot, false));
  const auto remote = b.CreateVector(key_of(slot, true));
  const auto done = schema::CreateHandshakeDone(b, TransportId{slot, 1}.packed(),
                                                static_cast<std::uint16_t>(SrtpProfile::aead_aes_128_gcm), local, remote);
  b.Finish(schema::CreateHandshake(b, schema::HandshakeBody::HandshakeDone, done.Union()));
  core.handle_handshake(now, *flatbuffers::GetRoot<schema::Handshake>(b.GetBufferPointer()));
}

void forward(benchmark::State& state, SrtpBackendChoice choice) {
  const auto subscribers = static_cast<std::uint32_t>(state.range(0));
  TimePoint now{std::chrono::seconds(10)};
  CountingSink sink;
  WorkerMemory memory(1, 600);
  memory.messages.keep = false;
  // The records where they lie in a worker: in a memory file, on pages of 4 KiB.
  auto segment = RecoverySegment::create("records", 1);
  if (!segment) return state.SkipWithError("no segment");
  WorkerSurroundings surroundings = memory.surroundings(sink);
  const RecoveryView whole = RecoveryView::of(**segment);
  surroundings.recovery = {whole.transports.first(600), whole.publications.first(600), whole.subscriptions.first(2400)};
  const auto srtp = open_srtp_backend(choice);
  surroundings.backend = srtp.get();
  WorkerCore core(surroundings);
  core.handle_command(now, begin(1, true).get());
  const HeaderExtensionIds ids{.mid = 1, .rid = 2, .repaired_rid = 3, .transport_wide_cc = 4, .abs_send_time = 5};
  for (std::uint32_t slot = 0; slot <= subscribers; ++slot) {
    core.handle_command(
        now,
        command(TransportWish{{slot, 1}, "frag" + std::to_string(slot), std::string(24, 'p'), "peer", ids, 1, 0}).get());
  }
  core.handle_command(now, command(PublicationWish{{0, 1}, {0, 1}, true, "v", {}, true, 96, {{0, 777, 778}}}).get());
  for (std::uint32_t slot = 1; slot <= subscribers; ++slot) {
    core.handle_command(
        now, command(SubscriptionWish{
                         {slot, 1}, {slot, 1}, true, "0", 100'000 + 2 * slot, 100'001 + 2 * slot, {0, 1}, true, 255, 100})
                 .get());
  }
  core.handle_command(now, commit(1).get());
  for (std::uint32_t slot = 0; slot <= subscribers; ++slot) connect(core, now, slot);

  // The publisher, by our own SRTP.
  OpensslSrtpBackend backend;
  SrtpSealerState sealer_state;
  SrtpSealer sealer(sealer_state, backend);
  const auto key = key_of(0, true);
  sealer.set_keys(*SrtpKeys::from_key_salt(SrtpProfile::aead_aes_128_gcm, std::as_bytes(std::span(key))));
  SrtpSenderState sender_state;
  SrtpSender sender(sender_state, sealer, Ssrc{777});
  std::vector<std::byte> payload(1080, std::byte{0x33});
  std::array<std::byte, 100> header{};
  std::array<std::byte, 2048> datagram{};
  std::int64_t number = 100;
  const auto packet = [&] {
    ByteWriter w{MutableBytes(payload)};
    const auto frame = static_cast<std::uint16_t>(number);
    w.u8(0x90);
    w.u8(0xe0);
    w.u16(static_cast<std::uint16_t>(0x8000U | (frame & 0x7fffU)));
    w.u8(static_cast<std::uint8_t>(frame));
    w.u8(0);
    w.u8(number == 100 ? 0x10 : 0x11);
    w.u16(0);
    w.u24(0x9d012a);
    w.u32(0x40013401);
    RtpHeaderWriter writer({.payload_type = PayloadType{96},
                            .sequence_number = SequenceNumber{static_cast<std::uint16_t>(number)},
                            .timestamp = static_cast<std::uint32_t>(number * 3000),
                            .ssrc = Ssrc{777},
                            .marker = true});
    writer.reserve_transport_sequence_number(ids.transport_wide_cc);
    const auto layout = writer.write(header);
    layout->patch_transport_sequence_number(header, static_cast<std::uint16_t>(number));
    SealJob job;
    job.ticket = std::move(*sender.claim({number++}));
    job.header = Bytes(header).first(layout->header_size);
    job.payload = payload;
    job.out = datagram;
    backend.seal(std::span(&job, 1));
    return MutableBytes(datagram).first(*job.result);
  };
  std::uint64_t forwarded = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const MutableBytes bytes = packet();
    now += std::chrono::milliseconds(4);
    if (number % 256 == 0) {  // keeps consent and reports going, untimed: the path of one packet is what counts here
      for (std::uint32_t slot = 0; slot <= subscribers; ++slot) {
        const auto id = static_cast<std::uint32_t>(number / 256 + 1) * 4096 + slot;  // a repeated one would have no effect
        auto request = stun_request("frag" + std::to_string(slot) + ":peer", std::string(24, 'p'), id, true);
        core.handle_datagram(now, tuple_of(slot), request);
      }
    }
    core.handle_timeout(now);
    const auto before = sink.sent;
    state.ResumeTiming();
    core.handle_datagram(now, tuple_of(0), bytes);
    core.flush(now);
    forwarded += sink.sent - before;
  }
  if (forwarded == 0) state.SkipWithError("nothing was forwarded");
  state.counters["ns_per_forwarded"] =
      benchmark::Counter(static_cast<double>(forwarded) / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.SetLabel(std::string(srtp->name()) +
                 (choice == SrtpBackendChoice::openssl ? ", limit 373-409 ns" : ", limit 92-108 ns"));
}
BENCHMARK_CAPTURE(forward, openssl, SrtpBackendChoice::openssl)->Arg(1)->Arg(50)->Arg(500);
BENCHMARK_CAPTURE(forward, best, SrtpBackendChoice::automatic)->Arg(1)->Arg(50)->Arg(500);

}  // namespace
}  // namespace sluice::sim

BENCHMARK_MAIN();
