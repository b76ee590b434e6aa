#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "control/workers/command_codec.hpp"
#include "control/workers/workers.hpp"
#include "shm/channel/message_receiver.hpp"
#include "shm/channel/message_sender.hpp"
#include "shm/channel/shared_segment.hpp"
#include "shm/state_log/state_log.hpp"

namespace sluice::workers {

/// What a worker has committed, as the encoded upserts by (kind, slot).
using WorkerRows = std::map<std::pair<char, std::uint32_t>, EncodedCommand>;

/// The worker's end of a real shared segment, as much of it as control can see: takes commands, commits generations.
class FarSide {
 public:
  explicit FarSide(std::uint16_t worker = 0)
      : segment_(*SharedSegment::create("test-shared", 1)),
        command_bell_(*Doorbell::create()),
        event_bell_(*Doorbell::create()),
        commands_(RingView(segment_->commands), copy(command_bell_)),
        events_(RingView(segment_->events), copy(event_bell_)) {
    info_.id = WorkerId{worker};
    info_.announced = {SocketAddress::from_ipv4({192, 0, 2, 1}, static_cast<std::uint16_t>(40000 + worker))};
    info_.fingerprint.fill(0xCD);
    segment_->generations.worker_incarnation.store(1);
  }

  [[nodiscard]] WorkerInfo info() const { return info_; }
  [[nodiscard]] WorkerChannel channel() {
    return {*SharedSegment::attach(segment_.fd()), copy(command_bell_), copy(event_bell_)};
  }
  SharedLayoutOfWorker& shared() { return *segment_; }

  /// Takes at most `limit` commands off the ring.
  int take(int limit = 1 << 30) {
    int taken = 0;
    for (; taken < limit; ++taken) {
      const schema::Command* command = commands_.receive();
      if (command == nullptr) break;
      apply(*command);
    }
    return taken;
  }

  template <typename Body>
  void emit(flatbuffers::FlatBufferBuilder& builder, flatbuffers::Offset<Body> body) {
    EXPECT_EQ(events_.send(builder, body), PushResult::ok);
  }
  void transport_changed(TransportId id, schema::TransportState state,
                         schema::FailureReason reason = schema::FailureReason::none) {
    flatbuffers::FlatBufferBuilder builder;
    emit(builder, schema::CreateTransportChanged(builder, id.packed(), state, reason));
  }
  void subscription_changed(SubscriptionId id, std::uint8_t layer) {
    flatbuffers::FlatBufferBuilder builder;
    emit(builder, schema::CreateSubscriptionChanged(builder, id.packed(), layer));
  }
  void want_snapshot(std::uint64_t refused = 0) {
    flatbuffers::FlatBufferBuilder builder;
    emit(builder, schema::CreateSnapshotWanted(builder, 1, refused));
  }
  /// Writes what policy holds into the live tables, as real workers do at every commit.
  void show_policy() {
    for (const auto& [key, row] : rows) {
      if (key.first == 'p') {
        const auto decoded = decode_publication(row);
        PublicationRow shown;
        shown.id = decoded->first.packed();
        shown.forward = decoded->second.forward ? 1 : 0;
        shown.policy_epoch = decoded->second.policy_epoch;
        segment_->live.publications.write(shown);
      } else if (key.first == 's') {
        const auto decoded = decode_subscription(row);
        SubscriptionRow shown;
        shown.id = decoded->first.packed();
        shown.active = decoded->second.active ? 1 : 0;
        shown.policy_epoch = decoded->second.policy_epoch;
        segment_->live.subscriptions.write(shown);
      }
    }
  }
  /// A fresh worker process on the same segment.
  void restart() {
    rows.clear();
    staged_.reset();
    knows_whole_ = false;
    segment_->generations.committed.store(0);
    segment_->generations.worker_incarnation.fetch_add(1);
  }

  WorkerRows rows;
  std::vector<std::pair<std::uint64_t, bool>> begins;  // generation, snapshot
  std::vector<std::uint64_t> key_frames;
  int changes = 0;  // upserts that said something new, and removals of what was there

 private:
  static Doorbell copy(const Doorbell& bell) { return Doorbell(Descriptor(::dup(bell.fd()))); }

  void apply(const schema::Command& command) {
    if (const auto* begin = command.body_as_Begin()) {
      begins.emplace_back(begin->generation(), begin->snapshot());
      if (begin->snapshot()) knows_whole_ = true;
      if (!knows_whole_) return;
      staged_ = begin->snapshot() ? WorkerRows() : rows;
    } else if (!knows_whole_) {
      return;  // increments for the process before this one
    } else if (const auto* commit = command.body_as_Commit()) {
      ASSERT_TRUE(staged_.has_value());
      for (const auto& [key, row] : *staged_)
        if (const auto old = rows.find(key); old == rows.end() || old->second != row) ++changes;
      for (const auto& [key, row] : rows)
        if (!staged_->contains(key)) ++changes;
      rows = *std::exchange(staged_, std::nullopt);
      segment_->generations.committed.store(commit->generation());
    } else if (const auto* request = command.body_as_RequestKeyFrame()) {
      key_frames.push_back(request->publication());
    } else {
      ASSERT_TRUE(staged_.has_value()) << "a row outside a generation";
      stage(command);
    }
  }
  void stage(const schema::Command& command) {
    const auto slot = [](std::uint64_t id) { return static_cast<std::uint32_t>(id); };
    if (const auto* transport = command.body_as_UpsertTransport()) {
      (*staged_)[{'t', slot(transport->id())}] = encode(TransportId::unpack(transport->id()), transport_spec(*transport));
    } else if (const auto* publication = command.body_as_UpsertPublication()) {
      (*staged_)[{'p', slot(publication->id())}] = whole(command, rows);
    } else if (const auto* subscription = command.body_as_UpsertSubscription()) {
      (*staged_)[{'s', slot(subscription->id())}] = whole(command, rows);
    } else if (const auto* departure = command.body_as_UpsertDeparture()) {
      DepartureSpec spec{{WorkerId{departure->to_worker()}, TransportId::unpack(departure->to_transport())}, {}, {}};
      for (const auto* row : *departure->publications())
        spec.publications.emplace_back(PublicationId::unpack(row->before()), PublicationId::unpack(row->after()));
      for (const auto* row : *departure->subscriptions())
        spec.subscriptions.emplace_back(SubscriptionId::unpack(row->before()), SubscriptionId::unpack(row->after()));
      (*staged_)[{'d', slot(departure->transport())}] = encode(TransportId::unpack(departure->transport()), spec);
    } else if (const auto* remove = command.body_as_Remove()) {
      const char kind = remove->entity() == schema::EntityKind::departure     ? 'd'
                        : remove->entity() == schema::EntityKind::transport   ? 't'
                        : remove->entity() == schema::EntityKind::publication ? 'p'
                                                                              : 's';
      staged_->erase({kind, slot(remove->id())});
    }
  }
  // Everything that a row says, read from the command and written again by the code under test's own encoder.
  static TransportSpec transport_spec(const schema::UpsertTransport& body) {
    TransportSpec spec;
    spec.local_ufrag = body.local_ufrag()->str();
    spec.local_pwd = body.local_pwd()->str();
    spec.remote_ufrag = body.remote_ufrag()->str();
    spec.role = static_cast<DtlsRole>(body.dtls_role());
    std::copy(body.fingerprint()->begin(), body.fingerprint()->end(), spec.fingerprint.begin());
    const auto* e = body.extensions();
    spec.extensions = {e->mid(),           e->rid(),         e->repaired_rid(),      e->transport_wide_cc(),
                       e->abs_send_time(), e->audio_level(), e->video_orientation(), e->playout_delay()};
    spec.max_receive_bitrate = body.max_receive_bitrate();
    const auto place = [](std::uint16_t number, std::uint64_t id) -> std::optional<TransportPlace> {
      if (number == 0) return std::nullopt;
      return TransportPlace{WorkerId{static_cast<std::uint16_t>(number - 1)}, TransportId::unpack(id)};
    };
    spec.from = place(body.from_worker(), body.from_transport());
    spec.home = place(body.home_worker(), body.home_transport());
    return spec;
  }
  static std::vector<CodecSpec> codec_specs(const flatbuffers::Vector<flatbuffers::Offset<schema::CodecMapping>>& mappings) {
    std::vector<CodecSpec> specs;
    for (const auto* m : mappings)
      specs.push_back({static_cast<Codec>(m->codec()), m->payload_type(), m->rtx_payload_type(), m->clock_rate(), m->nack(),
                       m->pli(), m->transport_cc()});
    return specs;
  }
  /// What policy holds of a row of exactly this incarnation, by the rule of real workers (shm/types/policy_mark.hpp).
  static PolicyMark mark_in(const WorkerRows& held, PublicationId id) {
    const auto found = held.find({'p', id.slot});
    const auto row = found == held.end() ? std::nullopt : decode_publication(found->second);
    return row && row->first == id ? PolicyMark{row->second.policy_epoch, row->second.forward} : PolicyMark{};
  }
  static PolicyMark mark_in(const WorkerRows& held, SubscriptionId id) {
    const auto found = held.find({'s', id.slot});
    const auto row = found == held.end() ? std::nullopt : decode_subscription(found->second);
    return row && row->first == id ? PolicyMark{row->second.policy_epoch, row->second.active} : PolicyMark{};
  }
  static EncodedCommand whole(const schema::Command& command, const WorkerRows& held) {
    if (const auto* p = command.body_as_UpsertPublication()) {
      PublicationSpec spec;
      spec.transport = TransportId::unpack(p->transport());
      spec.kind = static_cast<MediaKind>(p->kind());
      spec.mid = p->mid()->str();
      spec.codecs = codec_specs(*p->codecs());
      for (const auto* rid : *p->rids()) spec.rids.push_back(rid->str());
      for (const auto* d : *p->ssrcs()) spec.ssrcs.push_back({d->layer(), Ssrc{d->ssrc()}, Ssrc{d->rtx_ssrc()}});
      const PolicyMark mark = after(mark_in(held, PublicationId::unpack(p->id())), {p->policy_epoch(), p->forward()});
      spec.forward = mark.open;
      spec.policy_epoch = mark.epoch;
      return encode(PublicationId::unpack(p->id()), spec);
    }
    const auto* s = command.body_as_UpsertSubscription();
    SubscriptionSpec spec;
    spec.transport = TransportId::unpack(s->transport());
    spec.kind = static_cast<MediaKind>(s->kind());
    spec.mid = s->mid()->str();
    spec.codecs = codec_specs(*s->codecs());
    spec.ssrc = Ssrc{s->ssrc()};
    spec.rtx_ssrc = Ssrc{s->rtx_ssrc()};
    spec.publication = PublicationId::unpack(s->publication());
    const PolicyMark mark = after(mark_in(held, SubscriptionId::unpack(s->id())), {s->policy_epoch(), s->active()});
    spec.active = mark.open;
    spec.policy_epoch = mark.epoch;
    spec.max_layer = s->max_layer();
    return encode(SubscriptionId::unpack(s->id()), spec);
  }

  SharedSegment segment_;
  Doorbell command_bell_;
  Doorbell event_bell_;
  CommandReceiver commands_;
  EventSender events_;
  WorkerInfo info_;
  std::optional<WorkerRows> staged_;
  bool knows_whole_ = false;  // a snapshot came: increments make sense
};

/// What control wants a worker to have.
inline WorkerRows desired_rows(const MediaPlane& plane, WorkerId worker) {
  WorkerRows rows;
  const MediaPlane::Rows ids = plane.rows(worker);
  for (const TransportId id : ids.transports) rows[{'t', id.slot}] = encode(id, *plane.transport(worker, id));
  for (const PublicationId id : ids.publications) rows[{'p', id.slot}] = encode(id, *plane.publication(worker, id));
  for (const SubscriptionId id : ids.subscriptions) rows[{'s', id.slot}] = encode(id, *plane.subscription(worker, id));
  return rows;
}

/// A state log in a region of its own, that can be opened again as a successor would.
class LogRegion {
 public:
  explicit LogRegion(std::size_t bytes = 8U << 20U) : region_(*Region::create("test-log", bytes)) {}
  [[nodiscard]] StateLog open() { return *StateLog::open(*Region::map(region_.fd(), Access::read_write)); }

 private:
  Region region_;
};

/// Passes time and commands until nothing is left to say.
inline void run(Workers& workers, FarSide& far, TimePoint& now) {
  for (int i = 0; i < 10'000; ++i) {
    now += std::chrono::milliseconds(1);
    workers.poll(now);
    if (far.take() == 0 && workers.next_deadline() > now + std::chrono::seconds(1)) return;
  }
  ADD_FAILURE() << "control and worker never came to rest";
}

}  // namespace sluice::workers
