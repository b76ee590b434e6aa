#include <algorithm>
#include <random>

#include "tests/sim/commands.hpp"
#include "tests/sim/sim_surroundings.hpp"

namespace sluice::sim {
namespace {

class NullSink final : public DatagramSink {
 public:
  PacketBuffer acquire() noexcept override { return pool.acquire(); }
  void send(const Tuple&, PacketBuffer) noexcept override {}
  PacketPool pool{64};
};

/// The reference: what control believes.
struct Model {
  std::map<std::uint32_t, TransportWish> transports;
  std::map<std::uint32_t, PublicationWish> publications;
  std::map<std::uint32_t, SubscriptionWish> subscriptions;
};

std::vector<std::uint64_t> live_ids(const LiveTables& live) {
  std::vector<std::uint64_t> ids;
  live.transports.for_each([&](const TransportRow& row) { ids.push_back(row.id); });
  live.publications.for_each([&](const PublicationRow& row) { ids.push_back(row.id ^ 1ULL << 62U); });
  live.subscriptions.for_each([&](const SubscriptionRow& row) { ids.push_back(row.id ^ 1ULL << 63U); });
  return ids;
}

TEST(DesiredState, ASnapshotAndItsIncrementsLeadToTheSame) {
  const TimePoint now{std::chrono::seconds(1)};
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
    NullSink sink;
    WorkerMemory memory(seed, 8);
    WorkerCore increments(memory.surroundings(sink));
    Model model;
    std::uint32_t incarnation = 1;
    const std::uint64_t generations = 1 + below(12);
    const auto transport_id = [&] {
      const auto found = model.transports.find(below(8));
      return found != model.transports.end() ? found->second.id : TransportId{below(8), incarnation};
    };
    for (std::uint64_t g = 1; g <= generations; ++g) {
      increments.handle_command(now, begin(g, false).get());
      for (std::uint32_t n = below(8); n > 0; --n) {
        const std::uint32_t slot = below(8);
        switch (below(7)) {
          case 0:
          case 1: {
            TransportWish w{{slot, ++incarnation}, "frag" + std::to_string(below(1000)), std::string(24, 'p'), "peer", {}, 1,
                            below(2) * 1000};
            if (const auto old = model.transports.find(slot); old != model.transports.end() && below(2) == 0)
              w.id = old->second.id;
            increments.handle_command(now, command(w).get());
            model.transports[slot] = w;
            break;
          }
          case 2:
          case 3: {
            PublicationWish w{{slot, ++incarnation},
                              transport_id(),
                              below(2) == 0,
                              "m" + std::to_string(below(3)),
                              {},
                              below(2) == 0,
                              96,
                              {}};
            if (const auto old = model.publications.find(slot); old != model.publications.end() && below(2) == 0)
              w.id = old->second.id;
            if (w.video && below(2) == 0) w.rids = {"q", "h"};
            increments.handle_command(now, command(w).get());
            model.publications[slot] = w;
            break;
          }
          case 4:
          case 5: {
            SubscriptionWish w{{slot, ++incarnation},
                               transport_id(),
                               below(2) == 0,
                               "s",
                               5000 + ++incarnation,
                               0,
                               {},
                               below(2) == 0,
                               255,
                               100};
            if (const auto old = model.subscriptions.find(slot); old != model.subscriptions.end() && below(2) == 0) {
              w.id = old->second.id;
              w.ssrc = old->second.ssrc;
            }
            if (const auto source = model.publications.find(below(8)); source != model.publications.end())
              w.publication = source->second.id;
            increments.handle_command(now, command(w).get());
            model.subscriptions[slot] = w;
            break;
          }
          default: {
            if (const auto t = model.transports.find(slot); t != model.transports.end()) {
              increments.handle_command(now, removal(schema::EntityKind::transport, t->second.id.packed()).get());
              // A late message about what is gone changes nothing.
              increments.handle_command(now, command(t->second).get());
              model.transports.erase(t);
            } else if (const auto s = model.subscriptions.find(slot); s != model.subscriptions.end()) {
              increments.handle_command(now, removal(schema::EntityKind::subscription, s->second.id.packed()).get());
              model.subscriptions.erase(s);
            } else if (const auto p = model.publications.find(slot); p != model.publications.end()) {
              increments.handle_command(now, removal(schema::EntityKind::publication, p->second.id.packed()).get());
              model.publications.erase(p);
            }
          }
        }
      }
      increments.handle_command(now, commit(g).get());
      increments.handle_timeout(now);
    }
    NullSink other_sink;
    WorkerMemory other(seed + 1000, 8);
    WorkerCore snapshot(other.surroundings(other_sink));
    const auto tell = [&](WorkerCore& core, std::uint64_t generation) {
      core.handle_command(now, begin(generation, true).get());
      for (const auto& [slot, w] : model.subscriptions) core.handle_command(now, command(w).get());
      for (const auto& [slot, w] : model.publications) core.handle_command(now, command(w).get());
      for (const auto& [slot, w] : model.transports) core.handle_command(now, command(w).get());
      core.handle_command(now, commit(generation).get());
      core.handle_timeout(now);
    };
    tell(snapshot, generations);
    ASSERT_EQ(increments.describe(), snapshot.describe()) << "seed " << seed;
    ASSERT_EQ(live_ids(*memory.live), live_ids(*other.live)) << "seed " << seed;
    tell(increments, generations + 1);
    ASSERT_EQ(increments.describe(), snapshot.describe()) << "seed " << seed;
    ASSERT_EQ(live_ids(*memory.live), live_ids(*other.live)) << "seed " << seed;
  }
}

TEST(DesiredState, OneBadCommandRefusesItsWholeGenerationAndAsksForASnapshot) {
  const TimePoint now{std::chrono::seconds(1)};
  NullSink sink;
  WorkerMemory memory(1, 8);
  WorkerCore core(memory.surroundings(sink));
  const TransportWish good{{1, 1}, "frag1", std::string(24, 'p'), "peer", {}, 1, 0};
  TransportWish bad = good;
  bad.id.slot = 8;
  core.handle_command(now, begin(1, false).get());
  core.handle_command(now, command(good).get());
  core.handle_command(now, command(bad).get());
  core.handle_command(now, commit(1).get());
  EXPECT_EQ(core.committed_generation(), 0U);
  EXPECT_EQ(core.describe(), "");
  EXPECT_EQ(memory.counters->get(Counter::generations_refused), 1U);
  const auto* event = flatbuffers::GetRoot<schema::Event>(memory.messages.events.back().data());
  ASSERT_NE(event->body_as_SnapshotWanted(), nullptr);
  EXPECT_EQ(event->body_as_SnapshotWanted()->refused_generation(), 1U);
  core.handle_command(now, begin(2, true).get());
  core.handle_command(now, command(good).get());
  EXPECT_EQ(core.describe(), "") << "nothing before the commit";
  core.handle_command(now, commit(2).get());
  EXPECT_EQ(core.committed_generation(), 2U);
  core.handle_timeout(now);
  EXPECT_TRUE(memory.live->transports.read(good.id));
}

}  // namespace
}  // namespace sluice::sim
