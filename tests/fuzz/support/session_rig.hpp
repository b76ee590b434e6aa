#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "dataplane/srtp/openssl_backend.hpp"
#include "dataplane/srtp/srtp_sender.hpp"
#include "tests/sim/commands.hpp"
#include "tests/sim/sim_surroundings.hpp"
#include "tests/sim/stun_request.hpp"

namespace sluice::sim {

class NullSink final : public DatagramSink {
 public:
  PacketBuffer acquire() noexcept override { return pool.acquire(); }
  void send(const Tuple&, PacketBuffer) noexcept override {}
  PacketPool pool{256};
};

/// A worker with two connected peers who publish and receive, and the keys to speak for both.
class SessionRig {
 public:
  SessionRig() : memory_(1, 4) {
    memory_.messages.keep = false;
    begin_worker();
    const HeaderExtensionIds ids{.mid = 1,
                                 .rid = 2,
                                 .repaired_rid = 3,
                                 .transport_wide_cc = 4,
                                 .abs_send_time = 5,
                                 .audio_level = 6,
                                 .video_orientation = 7,
                                 .playout_delay = 8};
    tell(begin(1, true));
    for (std::uint32_t slot = 0; slot < 2; ++slot) {
      tell(
          command(TransportWish{{slot, 1}, "frag" + std::to_string(slot), std::string(24, 'p'), "peer", ids, 1, 1'000'000}));
    }
    tell(command(PublicationWish{{0, 1}, {0, 1}, true, "v", {"q", "h", "f"}, true, 96, {}}));
    tell(command(PublicationWish{{1, 1}, {0, 1}, false, "a", {}, true, 96, {{0, 7, 0}}}));
    tell(command(PublicationWish{{2, 1}, {1, 1}, true, "v", {}, true, 96, {{0, 9, 10}}}));
    tell(command(SubscriptionWish{{0, 1}, {1, 1}, true, "0", 100, 101, {0, 1}, true, 255, 100}));
    tell(command(SubscriptionWish{{1, 1}, {1, 1}, false, "1", 102, 0, {1, 1}, true, 255, 100}));
    tell(command(SubscriptionWish{{2, 1}, {0, 1}, true, "2", 104, 105, {2, 1}, true, 255, 100}));
    tell(commit(1));
    const std::vector<std::uint8_t> key(28, 1);
    sealer_.set_keys(*SrtpKeys::from_key_salt(SrtpProfile::aead_aes_128_gcm, std::as_bytes(std::span(key))));
    for (std::uint32_t slot = 0; slot < 2; ++slot) {
      auto request = stun_request("frag" + std::to_string(slot) + ":peer", std::string(24, 'p'), slot, true);
      core_->handle_datagram(now_, tuple_of(slot), request);
      flatbuffers::FlatBufferBuilder b;
      const auto local = b.CreateVector(key);
      const auto remote = b.CreateVector(key);
      const auto done = schema::CreateHandshakeDone(
          b, TransportId{slot, 1}.packed(), static_cast<std::uint16_t>(SrtpProfile::aead_aes_128_gcm), local, remote);
      b.Finish(schema::CreateHandshake(b, schema::HandshakeBody::HandshakeDone, done.Union()));
      core_->handle_handshake(now_, *flatbuffers::GetRoot<schema::Handshake>(b.GetBufferPointer()));
    }
  }

  [[nodiscard]] WorkerMemory& memory() noexcept { return memory_; }
  /// The worker is gone and another begins on what lies in memory.
  void begin_worker() {
    core_.reset();
    core_ = std::make_unique<WorkerCore>(memory_.surroundings(sink_));
    (void)core_->adopt(now_);
  }

  /// One datagram of an input: kind (bit 0: RTCP; bit 1: which peer; the rest: milliseconds until then), length in words,
  /// plaintext. False at the end.
  bool take_datagram(ByteReader& reader) {
    if (reader.remaining() <= 2) return false;
    const std::uint8_t kind = reader.u8();
    const Bytes plain = reader.take(std::min<std::size_t>(reader.u8() * std::size_t{4}, reader.remaining()));
    std::array<std::byte, 2048> out{};
    const auto size = (kind & 1U) == 0 ? seal_rtp(plain, out) : seal_rtcp(plain, out);
    if (!size) return true;
    core_->handle_datagram(now_, tuple_of(kind >> 1U & 1U), MutableBytes(out).first(*size));
    core_->flush(now_);
    pass(std::chrono::milliseconds(kind >> 2U));
    return true;
  }
  void pass(Duration time) {
    now_ += time;
    if (core_->next_deadline() <= now_) core_->handle_timeout(now_);
  }

 private:
  static Tuple tuple_of(std::uint32_t slot) {
    return {SocketAddress::from_ipv4({10, 1, 0, 1}, static_cast<std::uint16_t>(2000 + slot)), 0};
  }
  void tell(const CommandMessage& message) { core_->handle_command(now_, message.get()); }

  std::optional<std::size_t> seal_rtp(Bytes plain, MutableBytes out) {
    if (plain.size() < 12) return std::nullopt;
    // The header as its own words claim it, if it holds: else the receiver would not find the same authenticated part.
    std::size_t header = 12 + 4 * (std::to_integer<std::size_t>(plain[0]) & 15U);
    if ((plain[0] & std::byte{0x10}) != std::byte{} && header + 4 <= plain.size())
      header += 4 + 4 * std::size_t{load_u16(plain, header + 2)};
    if (header > plain.size()) return std::nullopt;
    SrtpSenderState state;
    SrtpSender sender(state, sealer_, Ssrc{load_u32(plain, 8)});
    SealJob job;
    job.ticket = std::move(*sender.claim({load_u16(plain, 2)}));
    job.header = plain.first(header);
    job.payload = plain.subspan(header);
    job.out = out;
    return sealed(job);
  }
  std::optional<std::size_t> seal_rtcp(Bytes plain, MutableBytes out) {
    if (plain.size() < 8) return std::nullopt;
    SealJob job = rtcp_seal_job(std::move(*sealer_.claim_rtcp(Ssrc{load_u32(plain, 4)})), plain, out);
    return sealed(job);
  }
  std::optional<std::size_t> sealed(SealJob& job) {
    backend_.seal(std::span(&job, 1));
    if (!job.result) return std::nullopt;
    return *job.result;
  }

  TimePoint now_{std::chrono::seconds(10)};
  NullSink sink_;
  WorkerMemory memory_;
  OpensslSrtpBackend backend_;
  SrtpSealerState sealer_state_;
  SrtpSealer sealer_{sealer_state_, backend_};
  std::unique_ptr<WorkerCore> core_;
};

}  // namespace sluice::sim
