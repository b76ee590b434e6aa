#pragma once

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "dataplane/worker/relay_message.hpp"
#include "tests/sim/call.hpp"

namespace sluice::sim {

/// Some worker cores with relay rings between them, peers that know one or the other, and the network, on one clock. Every
/// datagram that any of them sends is held against all that any of them sent before: a room that moves must not repeat an
/// index under the keys that move with it.
class SimPair {
 public:
  static constexpr std::size_t count = 3;

  struct Side final : public DatagramSink, public RelaySink {
    Side(SimPair& owner, std::uint16_t side_index, std::uint64_t seed)
        : pair(owner), index(side_index), memory(seed ^ (0x5eedU + side_index)) {
      memory.messages.before_each = memory.entropy.before_each = [this] { step(); };
      core = std::make_unique<WorkerCore>(surroundings());
      core->adopt(owner.now);
    }
    PacketBuffer acquire() noexcept override {
      step();
      return pair.pool.acquire();
    }
    void send(const Tuple& to, PacketBuffer packet) noexcept override {
      step();
      if (!remains) pair.sent(*this, to, packet.bytes());
    }
    bool push(WorkerId to, Bytes message) noexcept override {
      step();
      if (remains) return true;
      if (to.value >= count || to.value == index) return false;
      auto& ring = pair.rings[{index, to.value}];
      if (ring.size() >= pair.ring_places) return false;
      ring.emplace_back(message.begin(), message.end());
      return true;
    }
    WorkerSurroundings surroundings() {
      WorkerSurroundings s = memory.surroundings(*this);
      s.relays = this;
      s.self = WorkerId{index};
      s.workers = count;
      return s;
    }
    /// Dies at its n-th step to the outside from now.
    void die_in(std::uint64_t steps) { steps_to_live = steps; }
    void step() noexcept {
      if (steps_to_live != 0 && --steps_to_live == 0) remains.emplace(memory.remains());
    }
    WorkerCore::Adopted succeed() {
      memory.put_back(remains ? *remains : memory.remains());
      remains.reset();
      steps_to_live = 0;
      ++deaths;
      memory.fate = PredecessorFate::ended;
      core = std::make_unique<WorkerCore>(surroundings());
      return core->adopt(pair.now);
    }
    void settle() {
      if (remains) succeed();
    }

    template <typename... Commands>
    void program(const Commands&... commands) {
      ++generation;
      core->handle_command(pair.now, begin(generation, false).get());
      (core->handle_command(pair.now, commands.get()), ...);
      core->handle_command(pair.now, commit(generation).get());
      if (remains) {
        succeed();
        if (core->committed_generation() != generation) {  // control, asked, tells it again
          core->handle_command(pair.now, begin(generation, false).get());
          (core->handle_command(pair.now, commands.get()), ...);
          core->handle_command(pair.now, commit(generation).get());
        }
      }
    }
    [[nodiscard]] std::uint64_t counter(Counter c) const { return memory.counters->get(c); }

    SimPair& pair;
    std::uint16_t index;
    WorkerMemory memory;
    std::unique_ptr<WorkerCore> core;
    std::uint64_t generation = 0;
    std::uint64_t steps_to_live = 0, deaths = 0;
    std::optional<WorkerMemory::Remains> remains;
  };

  explicit SimPair(std::uint64_t seed) : network(seed) {
    for (std::uint16_t i = 0; i < count; ++i) sides.push_back(std::make_unique<Side>(*this, i, seed));
  }

  void sent(Side& side, const Tuple& to, Bytes bytes) {
    watch(side, to, bytes);
    const TimePoint arrival = network.send(now, false, to, bytes);
    if (const auto found = peers.find(to); found != peers.end()) found->second->look_at(now, bytes, arrival != never);
  }

  void run_for(Duration duration) {
    const TimePoint end = now + duration;
    for (;;) {
      bool relayed = false;
      for (const auto& [way, ring] : rings) relayed = relayed || !ring.empty();
      TimePoint next = relayed ? now : network.next();
      for (const auto& side : sides) next = std::min(next, side->core->next_deadline());
      for (auto& [tuple, peer] : peers) next = std::min(next, peer->next_deadline());
      if (next > end) break;
      now = std::max(now, next);
      while (network.next() <= now) {
        auto delivery = network.pop();
        if (delivery.to_worker) {
          // Into the socket of the worker that the tuple names.
          Side& side = *sides[delivery.peer.socket / 2U];
          side.core->handle_datagram(now, delivery.peer, delivery.bytes);
          side.settle();
        } else if (const auto found = peers.find(delivery.peer); found != peers.end()) {
          found->second->on_datagram(now, std::move(delivery.bytes));
        }
      }
      turn();
      for (auto& [tuple, peer] : peers) {
        if (peer->next_deadline() <= now) peer->on_timeout(now);
      }
    }
    now = end;
  }
  void turn() {
    for (const auto& side : sides) {
      for (std::uint16_t other = 0; other < count; ++other) {
        auto& ring = rings[{other, side->index}];
        while (!ring.empty()) {
          std::vector<std::byte> message = std::move(ring.front());
          ring.pop_front();
          if (spoil) spoil(message);
          side->core->handle_relay(now, WorkerId{other}, message);
          side->settle();
        }
      }
      side->core->flush(now);
      side->settle();
      if (side->core->next_deadline() <= now) side->core->handle_timeout(now);
      side->settle();
    }
  }

  TimePoint now{std::chrono::seconds(1000)};
  PacketPool pool{4096};
  SimNetwork network;
  std::map<Tuple, std::unique_ptr<SimPeer>> peers;
  std::map<std::pair<std::uint16_t, std::uint16_t>, std::deque<std::vector<std::byte>>> rings;
  std::size_t ring_places = 4096;
  std::function<void(std::vector<std::byte>&)> spoil;
  std::uint64_t repeated_indices = 0;
  std::map<std::uint16_t, std::uint64_t> sent_by_worker;
  std::vector<std::unique_ptr<Side>> sides;  // last: they work on all of the above

 private:
  void watch(Side& side, const Tuple& to, Bytes bytes) {
    if (std::to_integer<unsigned>(bytes[0]) < 128) return;
    const auto second = std::to_integer<unsigned>(bytes[1]);
    if (second >= 192 && second <= 223) {
      const auto peer = peers.find(to);
      if (peer == peers.end()) return;  // to where a peer was before
      const std::uint32_t index = load_u32(bytes, bytes.size() - (peer->second->setup.gcm ? 4 : 14));
      if (!srtcp_indices_[to].insert(index).second) ++repeated_indices;
      return;
    }
    ++sent_by_worker[side.index];
    const std::uint32_t ssrc = load_u32(bytes, 8);
    if (!srtp_indices_[{to, ssrc}].insert(load_u16(bytes, 2)).second) ++repeated_indices;
  }
  std::map<std::pair<Tuple, std::uint32_t>, std::set<std::uint16_t>> srtp_indices_;
  std::map<Tuple, std::set<std::uint32_t>> srtcp_indices_;
};

/// `n` peers whose room is on worker 0 at first, all of whom publish audio and three layers of video and receive each other.
/// Moves as control does it: rows on the new worker first, then the departures on the old one.
class MovingCall {
 public:
  MovingCall(std::uint64_t seed, std::uint32_t n, bool gcm = true) : pattern(seed, n, gcm), pair(seed), n_(n) {
    // The pattern's own world is never run: it only says who sends and wants what.
    for (std::uint32_t i = 0; i < n; ++i) {
      SimPeer& like = *pattern.members[i];
      const Tuple tuple = like.setup.tuple;
      pair.peers[tuple] = std::make_unique<SimPeer>(like.setup, [this, i](TimePoint when, Bytes bytes) {
        members[i]->last_arrival = pair.network.send(when, true, members[i]->setup.tuple, bytes);
      });
      SimPeer& peer = *pair.peers[tuple];
      peer.sending = like.sending;
      peer.receiving = like.receiving;
      members.push_back(&peer);
      transports.push_back(like.setup.id);
    }
    homes = transports;
    for (std::uint32_t i = 0; i < n; ++i) {
      side().program(command(transport(i)));
      side().program(command(video(i)), command(audio(i)));
    }
    for (const auto& [who, wish] : pattern.wishes) side().program(command(subscription(who)));
  }

  SimPair::Side& side() { return *pair.sides[at]; }
  TransportWish transport(std::uint32_t i) const {
    TransportWish wish = pattern.world.transport_of(*members[i]);
    wish.id = transports[i];
    return wish;
  }
  /// Ids of the present stay: incarnation and an offset of the slot.
  template <typename Id>
  Id here(Id id) const {
    return {(id.slot + stay * 3) % 60, stay + 1};
  }
  SubscriptionId here_s(SubscriptionId id) const { return {(id.slot + stay * 7) % 250, stay + 1}; }
  PublicationWish video(std::uint32_t i) const {
    PublicationWish wish = pattern.video_of(i);
    wish.id = here(wish.id);
    wish.transport = transports[i];
    return wish;
  }
  PublicationWish audio(std::uint32_t i) const {
    PublicationWish wish = pattern.audio_of(i);
    wish.id = here(wish.id);
    wish.transport = transports[i];
    return wish;
  }
  SubscriptionWish subscription(const std::tuple<std::uint32_t, std::uint32_t, bool>& who) const {
    SubscriptionWish wish = pattern.wishes.at(who);
    wish.id = here_s(wish.id);
    wish.publication = here(wish.publication);
    wish.transport = transports[std::get<0>(who)];
    return wish;
  }

  void connect() {
    for (SimPeer* peer : members) peer->start(pair.now);
    pair.run_for(std::chrono::milliseconds(300));
    for (std::uint32_t i = 0; i < n_; ++i) finish_handshake(i);
  }
  /// The peer's address changes, as behind a NAT that forgot it.
  void rebind(std::uint32_t i) {
    auto node = pair.peers.extract(members[i]->setup.tuple);
    node.key().remote.port = static_cast<std::uint16_t>(node.key().remote.port + 1000);
    members[i]->setup.tuple = node.key();
    pair.peers.insert(std::move(node));
  }
  void finish_handshake(std::uint32_t i) {
    SimPeer& peer = *members[i];
    flatbuffers::FlatBufferBuilder b;
    const auto local = b.CreateVector(peer.key_of(false));
    const auto remote = b.CreateVector(peer.key_of(true));
    const auto profile =
        static_cast<std::uint16_t>(peer.setup.gcm ? SrtpProfile::aead_aes_128_gcm : SrtpProfile::aes128_cm_sha1_80);
    const auto done = schema::CreateHandshakeDone(b, transports[i].packed(), profile, local, remote);
    b.Finish(schema::CreateHandshake(b, schema::HandshakeBody::HandshakeDone, done.Union()));
    side().core->handle_handshake(pair.now, *flatbuffers::GetRoot<schema::Handshake>(b.GetBufferPointer()));
    peer.set_keys();
  }

  /// All rows on the new worker, waiting for their records.
  void prepare(std::uint16_t to) {
    left_at_ = at;
    left_transports_ = transports;
    left_.clear();
    for (std::uint32_t i = 0; i < n_; ++i) left_.push_back(departure_of(i));
    at = to;
    ++stay;
    for (std::uint32_t i = 0; i < n_; ++i) transports[i] = here(pattern.members[i]->setup.id);
    for (std::uint32_t i = 0; i < n_; ++i) {
      Departure& d = left_[i];
      d.after = transports[i];
      for (auto& [before, after] : d.publications) after = here(after);
      for (auto& [before, after] : d.subscriptions) after = here_s(after);
    }
    ++side().generation;
    for (int again = 0; again < 2; ++again) {
      WorkerCore& core = *side().core;
      if (core.committed_generation() == side().generation) break;
      core.handle_command(pair.now, begin(side().generation, false).get());
      for (std::uint32_t i = 0; i < n_; ++i) core.handle_command(pair.now, arriving(i).get());
      for (std::uint32_t i = 0; i < n_; ++i) {
        core.handle_command(pair.now, command(video(i)).get());
        core.handle_command(pair.now, command(audio(i)).get());
      }
      for (const auto& [who, wish] : pattern.wishes) core.handle_command(pair.now, command(subscription(who)).get());
      core.handle_command(pair.now, commit(side().generation).get());
      side().settle();
    }
    ASSERT_EQ(side().core->committed_generation(), side().generation);
  }
  /// They leave the old worker.
  void depart() {
    SimPair::Side& old = *pair.sides[left_at_];
    ++old.generation;
    for (int again = 0; again < 2; ++again) {
      WorkerCore& core = *old.core;
      if (core.committed_generation() == old.generation) break;
      core.handle_command(pair.now, begin(old.generation, false).get());
      for (const Departure& d : left_) {
        for (const auto& [before, after] : d.subscriptions)
          core.handle_command(pair.now, removal(schema::EntityKind::subscription, before.packed()).get());
        for (const auto& [before, after] : d.publications)
          core.handle_command(pair.now, removal(schema::EntityKind::publication, before.packed()).get());
        core.handle_command(pair.now, removal(schema::EntityKind::transport, d.before.packed()).get());
      }
      for (const Departure& d : left_) core.handle_command(pair.now, departing(d).get());
      core.handle_command(pair.now, commit(old.generation).get());
      old.settle();
    }
    ASSERT_EQ(old.core->committed_generation(), old.generation);
  }
  /// The home relays to the present worker without detour; who was in between forgets it.
  void close() {
    if (at != 0) {
      SimPair::Side& home = *pair.sides[0];
      std::vector<CommandMessage> commands;
      for (std::uint32_t i = 0; i < n_; ++i) {
        Departure d = left_[i];
        d.before = homes[i];
        d.publications.clear();
        d.subscriptions.clear();
        commands.push_back(departing(d));
      }
      send(home, commands);
    } else {
      std::vector<CommandMessage> commands;
      for (std::uint32_t i = 0; i < n_; ++i) commands.push_back(removal(schema::EntityKind::departure, homes[i].packed()));
      send(*pair.sides[0], commands);
      homes = transports;
    }
    if (left_at_ == 0) return;
    pair.run_for(std::chrono::milliseconds(100));
    std::vector<CommandMessage> commands;
    for (const Departure& d : left_) commands.push_back(removal(schema::EntityKind::departure, d.before.packed()));
    send(*pair.sides[left_at_], commands);
  }
  void move(std::uint16_t to, Duration between = Duration{}) {
    prepare(to);
    pair.run_for(between);
    depart();
    pair.run_for(std::chrono::milliseconds(300));
    close();
  }

  Call pattern;
  SimPair pair;
  std::vector<SimPeer*> members;
  std::vector<TransportId> transports, homes;
  std::uint16_t at = 0;
  std::uint32_t stay = 0;

 private:
  struct Departure {
    TransportId before, after;
    std::vector<std::pair<PublicationId, PublicationId>> publications;
    std::vector<std::pair<SubscriptionId, SubscriptionId>> subscriptions;
  };
  /// `after` of rows: still the pattern's ids.
  Departure departure_of(std::uint32_t i) const {
    Departure d;
    d.before = transports[i];
    d.publications = {{video(i).id, pattern.video_of(i).id}, {audio(i).id, pattern.audio_of(i).id}};
    for (const auto& [who, wish] : pattern.wishes) {
      if (std::get<0>(who) == i) d.subscriptions.emplace_back(subscription(who).id, wish.id);
    }
    return d;
  }
  CommandMessage arriving(std::uint32_t i) const {
    const TransportWish t = transport(i);
    flatbuffers::FlatBufferBuilder b;
    const std::vector<std::uint8_t> fingerprint(32, t.fingerprint);
    const HeaderExtensionIds& e = t.extensions;
    const auto extensions =
        schema::CreateHeaderExtensions(b, e.mid, e.rid, e.repaired_rid, e.transport_wide_cc, e.abs_send_time, e.audio_level,
                                       e.video_orientation, e.playout_delay);
    const std::uint16_t home = at == 0 ? 0 : 1;
    return {b, schema::CreateUpsertTransportDirect(b, t.id.packed(), t.ufrag.c_str(), t.pwd.c_str(), t.remote_ufrag.c_str(),
                                                   schema::DtlsRole::server, &fingerprint, extensions, t.max_receive_bitrate,
                                                   static_cast<std::uint16_t>(left_at_ + 1), left_transports_[i].packed(),
                                                   home, home == 0 ? 0 : homes[i].packed())};
  }
  CommandMessage departing(const Departure& d) const {
    flatbuffers::FlatBufferBuilder b;
    std::vector<schema::MovedRow> publications, subscriptions;
    for (const auto& [before, after] : d.publications) publications.emplace_back(before.packed(), after.packed());
    for (const auto& [before, after] : d.subscriptions) subscriptions.emplace_back(before.packed(), after.packed());
    return {b,
            schema::CreateUpsertDepartureDirect(b, d.before.packed(), at, d.after.packed(), &publications, &subscriptions)};
  }
  void send(SimPair::Side& to, const std::vector<CommandMessage>& commands) {
    ++to.generation;
    for (int again = 0; again < 2; ++again) {
      WorkerCore& core = *to.core;
      if (core.committed_generation() == to.generation) break;
      core.handle_command(pair.now, begin(to.generation, false).get());
      for (const CommandMessage& one : commands) core.handle_command(pair.now, one.get());
      core.handle_command(pair.now, commit(to.generation).get());
      to.settle();
    }
  }

  std::uint32_t n_;
  std::uint16_t left_at_ = 0;
  std::vector<TransportId> left_transports_;
  std::vector<Departure> left_;
};

}  // namespace sluice::sim
