#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "tests/sim/commands.hpp"
#include "tests/sim/sim_network.hpp"
#include "tests/sim/sim_peer.hpp"
#include "tests/sim/sim_surroundings.hpp"

namespace sluice::sim {

/// One worker core after the other, in the same memory.
class SimWorker {
 public:
  explicit SimWorker(const WorkerSurroundings& surroundings) { replace(surroundings, {}); }
  /// The present one is gone; another begins on what it left.
  WorkerCore::Adopted replace(const WorkerSurroundings& surroundings, TimePoint now) {
    core_ = std::make_unique<WorkerCore>(surroundings);
    return core_->adopt(now);
  }
  void handle_datagram(TimePoint now, const Tuple& from, MutableBytes bytes) { core_->handle_datagram(now, from, bytes); }
  void handle_command(TimePoint now, const schema::Command& command) { core_->handle_command(now, command); }
  void handle_handshake(TimePoint now, const schema::Handshake& message) { core_->handle_handshake(now, message); }
  void handle_timeout(TimePoint now) { core_->handle_timeout(now); }
  [[nodiscard]] TimePoint next_deadline() const { return core_->next_deadline(); }
  void flush(TimePoint now) { core_->flush(now); }
  [[nodiscard]] std::uint64_t committed_generation() const { return core_->committed_generation(); }
  [[nodiscard]] std::string describe() const { return core_->describe(); }

 private:
  std::unique_ptr<WorkerCore> core_;
};

/// One worker core, its peers and the network between them, on a clock that jumps to the next deadline.
class SimWorld final : public DatagramSink {
 public:
  explicit SimWorld(std::uint64_t seed) : network(seed), memory(seed ^ 0x5eedU), core(memory.surroundings(*this)) {
    memory.messages.before_each = memory.entropy.before_each = [this] { step(); };
  }

  PacketBuffer acquire() noexcept override {
    step();
    return pool.acquire();
  }
  void send(const Tuple& to, PacketBuffer packet) noexcept override {
    step();
    if (remains) return;  // dead: what is done from here on, nobody did
    // A sink's own memory is not the core's affair.
    if (around_core) around_core(false);
    const Bytes bytes = packet.bytes();
    if (tap) tap(false, to, bytes);
    if (watching) watch(to, bytes);
    const TimePoint arrival = network.send(now, false, to, bytes);
    if (const auto found = peers.find(to); watching && found != peers.end())
      found->second->look_at(now, bytes, arrival != never);
    if (around_core) around_core(true);
  }

  /// A peer with its transport programmed; not yet started.
  SimPeer& add_peer(std::uint32_t slot, bool gcm = true, bool rtx = true) {
    PeerSetup setup;
    setup.id = TransportId{slot, 1};
    setup.tuple = {
        SocketAddress::from_ipv4({10, 0, 0, static_cast<std::uint8_t>(slot + 1)}, static_cast<std::uint16_t>(5000 + slot)),
        0};
    setup.ufrag = "frag" + std::to_string(slot);
    setup.pwd = "a-password-of-22-chars-" + std::to_string(slot);
    auto& e = setup.extensions;
    const auto shift = static_cast<std::uint8_t>(slot % 3);
    e.mid = static_cast<std::uint8_t>(1 + shift);
    e.rid = static_cast<std::uint8_t>(2 + shift);
    e.repaired_rid = static_cast<std::uint8_t>(3 + shift);
    e.transport_wide_cc = static_cast<std::uint8_t>(4 + shift);
    e.abs_send_time = static_cast<std::uint8_t>(5 + shift);
    e.audio_level = static_cast<std::uint8_t>(6 + shift);
    setup.gcm = gcm;
    setup.rtx = rtx;
    setup.seed = slot + 11;
    const Tuple tuple = setup.tuple;
    peers[tuple] = std::make_unique<SimPeer>(setup, [this, tuple](TimePoint at, Bytes bytes) {
      if (tap) tap(true, tuple, bytes);
      peers[tuple]->last_arrival = network.send(at, true, tuple, bytes);
    });
    return *peers[tuple];
  }
  [[nodiscard]] TransportWish transport_of(const SimPeer& peer) const {
    return {peer.setup.id, peer.setup.ufrag, peer.setup.pwd, "peer", peer.setup.extensions};
  }

  // --- death and adoption
  /// The worker dies at its n-th step from now: whenever it turns to the world outside (a buffer, a send, an event, a
  /// message, randomness). With the end of the call that it is in, a successor takes over.
  void die_in(std::uint64_t steps) { steps_to_live_ = steps; }
  /// The successor of a worker that died now, or at the step where it did.
  WorkerCore::Adopted succeed(PredecessorFate fate = PredecessorFate::ended) {
    memory.put_back(remains ? *remains : memory.remains());
    remains.reset();
    steps_to_live_ = 0;
    ++deaths;
    memory.fate = fate;
    return core.replace(memory.surroundings(*this), now);
  }
  std::optional<WorkerMemory::Remains> remains;
  std::uint64_t deaths = 0;

  /// One generation of increments.
  template <typename... Wishes>
  void program(const Wishes&... wishes) {
    ++generation;
    core.handle_command(now, begin(generation, false).get());
    (core.handle_command(now, command(wishes).get()), ...);
    core.handle_command(now, commit(generation).get());
    ASSERT_EQ(core.committed_generation(), generation);
  }
  void remove(schema::EntityKind kind, std::uint64_t id) {
    ++generation;
    core.handle_command(now, begin(generation, false).get());
    core.handle_command(now, removal(kind, id).get());
    core.handle_command(now, commit(generation).get());
  }

  /// What the handshaker would tell when DTLS is done.
  void finish_handshake(SimPeer& peer) {
    flatbuffers::FlatBufferBuilder b;
    const auto local = b.CreateVector(peer.key_of(false));
    const auto remote = b.CreateVector(peer.key_of(true));
    const auto profile =
        static_cast<std::uint16_t>(peer.setup.gcm ? SrtpProfile::aead_aes_128_gcm : SrtpProfile::aes128_cm_sha1_80);
    const auto done = schema::CreateHandshakeDone(b, peer.setup.id.packed(), profile, local, remote);
    b.Finish(schema::CreateHandshake(b, schema::HandshakeBody::HandshakeDone, done.Union()));
    core.handle_handshake(now, *flatbuffers::GetRoot<schema::Handshake>(b.GetBufferPointer()));
    peer.set_keys();
  }

  void run_for(Duration duration) { run_until(now + duration); }
  void run_until(TimePoint end) {
    for (;;) {
      TimePoint next = std::min(network.next(), core.next_deadline());
      for (auto& [tuple, peer] : peers) next = std::min(next, peer->next_deadline());
      if (next > end) break;
      now = std::max(now, next);
      while (network.next() <= now) {
        auto delivery = network.pop();
        if (delivery.to_worker) {
          if (around_core) around_core(true);
          core.handle_datagram(now, delivery.peer, delivery.bytes);
          if (around_core) around_core(false);
          if (remains) succeed();
        } else if (const auto found = peers.find(delivery.peer); found != peers.end()) {
          found->second->on_datagram(now, std::move(delivery.bytes));
        }
      }
      if (around_core) around_core(true);
      core.flush(now);
      if (core.next_deadline() <= now) core.handle_timeout(now);
      if (around_core) around_core(false);
      if (remains) succeed();
      for (auto& [tuple, peer] : peers) {
        if (peer->next_deadline() <= now) peer->on_timeout(now);
      }
    }
    now = end;
  }
  /// Everyone checks in and gets keys.
  void connect_all() {
    for (auto& [tuple, peer] : peers) peer->start(now);
    run_for(std::chrono::milliseconds(300));
    for (auto& [tuple, peer] : peers) finish_handshake(*peer);
  }
  [[nodiscard]] std::uint64_t counter(Counter c) const { return memory.counters->get(c); }

  std::map<std::uint32_t, std::uint64_t> sent_by_ssrc;  ///< RTP packets that left the worker
  std::uint64_t repeated_indices = 0;
  std::uint64_t sent_datagrams = 0;

  TimePoint now{std::chrono::seconds(1000)};
  PacketPool pool{4096};
  SimNetwork network;
  WorkerMemory memory;
  std::map<Tuple, std::unique_ptr<SimPeer>> peers;
  std::uint64_t generation = 0;
  bool watching = true;
  std::function<void(bool to_worker, const Tuple& peer, Bytes)> tap;  ///< sees every datagram as it is sent
  std::function<void(bool before)> around_core;                       ///< for counting what the core does and nothing else

 private:
  /// (SSRC, sequence) never twice with different bytes under one key; likewise the SRTCP index.
  void watch(const Tuple& to, Bytes bytes) {
    ++sent_datagrams;
    if (std::to_integer<unsigned>(bytes[0]) < 128) return;
    const auto second = std::to_integer<unsigned>(bytes[1]);
    if (second >= 192 && second <= 223) {
      const auto& peer = *peers.at(to);
      const std::uint32_t index = load_u32(bytes, bytes.size() - (peer.setup.gcm ? 4 : 14));
      if (!srtcp_indices_[to].insert(index).second) ++repeated_indices;
      return;
    }
    const std::uint32_t ssrc = load_u32(bytes, 8);
    ++sent_by_ssrc[ssrc];
    // A call here is shorter than 2^16 packets per stream, so the number on the wire is the index.
    if (!srtp_indices_[{to, ssrc}].insert(load_u16(bytes, 2)).second) ++repeated_indices;
  }
  void step() noexcept {
    if (steps_to_live_ != 0 && --steps_to_live_ == 0) remains.emplace(memory.remains());
  }
  std::uint64_t steps_to_live_ = 0;
  std::map<std::pair<Tuple, std::uint32_t>, std::set<std::uint16_t>> srtp_indices_;
  std::map<Tuple, std::set<std::uint32_t>> srtcp_indices_;

 public:
  SimWorker core;  // last, because it works on all of the above
};

}  // namespace sluice::sim
