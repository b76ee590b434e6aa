#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/memory/packet_pool.hpp"
#include "dataplane/transport/transport.hpp"
#include "tests/sim/stun_request.hpp"
#include "tests/support/seeded_entropy.hpp"

namespace sluice::transport_test {

/// Seals by copying and opens by cutting nothing off, so that a test can read what goes out. The order of the jobs is kept.
class PlainBackend final : public SrtpBackend {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "plain"; }
  [[nodiscard]] std::unique_ptr<SealingContext> make_sealing_context(const SessionKeys&) override {
    return std::make_unique<SealingContext>();
  }
  [[nodiscard]] std::unique_ptr<OpeningContext> make_opening_context(const SessionKeys&) override {
    return std::make_unique<OpeningContext>();
  }
  void seal(std::span<SealJob> jobs) noexcept override {
    calls.push_back(jobs.size());
    for (SealJob& job : jobs) {
      if (job.ticket.spend() == nullptr || fail_next > 0) {
        fail_next = std::max(0, fail_next - 1);
        job.result = unexpected(SrtpError::index_used);
        continue;
      }
      auto at = job.out.begin();
      for (const Bytes part : {job.header, job.prefix, job.payload}) at = std::copy(part.begin(), part.end(), at);
      job.result = static_cast<std::size_t>(at - job.out.begin());
    }
  }
  void open(std::span<OpenJob> jobs) noexcept override {
    for (OpenJob& job : jobs) job.result = job.packet.size();
  }
  std::vector<std::size_t> calls;  ///< jobs of each seal()
  int fail_next = 0;
};

class KeptDatagrams final : public DatagramSink {
 public:
  struct Datagram {
    Tuple to;
    std::vector<std::byte> bytes;
  };
  PacketBuffer acquire() noexcept override { return dry ? PacketBuffer{} : pool.acquire(); }
  void send(const Tuple& to, PacketBuffer packet) noexcept override {
    sent.push_back({to, {packet.bytes().begin(), packet.bytes().end()}});
  }
  bool dry = false;
  PacketPool pool{256};
  std::vector<Datagram> sent;
};

inline Tuple tuple_of(std::uint32_t slot) {
  return {SocketAddress::from_ipv4({10, 0, 0, 1}, static_cast<std::uint16_t>(3000 + slot)), 0};
}

inline TransportSpec transport_spec(std::uint32_t slot) {
  TransportSpec spec;
  spec.id = {slot, 1};
  spec.local_ufrag = *Ufrag::from("frag" + std::to_string(slot));
  spec.local_pwd = *IcePassword::from(std::string(24, 'p'));
  spec.remote_ufrag = *Ufrag::from("peer");
  spec.extensions = {.mid = 1, .rid = 2, .repaired_rid = 3, .transport_wide_cc = 4, .abs_send_time = 5, .audio_level = 6};
  return spec;
}

inline std::vector<std::byte> key_salt(unsigned seed, std::size_t size = 28) {
  return std::vector<std::byte>(size, static_cast<std::byte>(seed));
}

/// Transports without ciphers on a sink that keeps everything.
struct TransportRig {
  KeptDatagrams sink;
  PlainBackend backend;
  test::SeededEntropy entropy;
  StunCodec stun;
  AtOncePolicy pacing;
  std::unique_ptr<CounterBlock> counters = std::make_unique<CounterBlock>();
  SealBatch batch{backend, sink, *counters};
  TransportSurroundings surroundings{backend, stun, sink, batch, pacing, *counters, entropy};
  TimePoint now{std::chrono::seconds(100)};

  /// ICE nominates the slot's tuple.
  void nominate(Transport& transport) {
    const auto request =
        sim::stun_request(std::string(transport.spec().local_ufrag.view()) + ":peer", std::string(24, 'p'), ++checks, true);
    ASSERT_TRUE(transport.handle_stun(now, tuple_of(transport.id().slot), request));
    sink.sent.clear();
  }
  /// Nominated, keyed, connected.
  void connect(Transport& transport, unsigned seed = 1) {
    nominate(transport);
    ASSERT_NE(transport.set_keys(SrtpProfile::aead_aes_128_gcm, key_salt(seed), key_salt(seed + 100)),
              Transport::KeyChange::refused);
    transport.enter(now, TransportPhase::connected, TransportReason::none);
  }
  [[nodiscard]] std::uint64_t counter(Counter c) const { return counters->get(c); }
  std::uint32_t checks = 0;
};

}  // namespace sluice::transport_test
