#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "dataplane/memory/packet_pool.hpp"
#include "dataplane/worker/worker_core.hpp"
#include "dataplane/worker/worker_surroundings.hpp"

namespace sluice::sim {

class SeededEntropy final : public Entropy {
 public:
  explicit SeededEntropy(std::uint64_t seed) : random_(seed) {}
  void fill(MutableBytes out) override {
    if (before_each) before_each();
    for (std::byte& b : out) b = static_cast<std::byte>(random_());
  }
  std::function<void()> before_each;

 private:
  std::mt19937_64 random_;
};

class KeptMessages final : public EventSink, public HandshakeSink {
 public:
  bool emit(Bytes event) noexcept override {
    if (before_each) before_each();
    if (keep) events.emplace_back(event.begin(), event.end());
    return true;
  }
  bool send(Bytes message) noexcept override {
    if (before_each) before_each();
    if (keep) handshakes.emplace_back(message.begin(), message.end());
    return true;
  }
  std::function<void()> before_each;
  bool keep = true;
  std::vector<std::vector<std::byte>> events, handshakes;
};

/// Memory for one worker core after the other: records, wishes, live tables, counters, messages.
struct WorkerMemory {
  explicit WorkerMemory(std::uint64_t seed, std::size_t rows = 64)
      : entropy(seed), transports(rows), publications(rows), subscriptions(rows * 4) {}

  /// What a successor finds of a worker that dies now.
  struct Remains {
    std::vector<TransportRecord> transports;
    std::vector<PublicationRecord> publications;
    std::vector<SubscriptionRecord> subscriptions;
    std::vector<std::byte> wishes;
    std::uint64_t session = 0;
  };
  [[nodiscard]] Remains remains() const {
    const Bytes log = std::as_const(wish_region).bytes();
    return {transports, publications, subscriptions, {log.begin(), log.end()}, note->session};
  }
  void put_back(const Remains& found) {
    // Not by assignment of the vectors: the core's views are of this memory.
    std::copy(found.transports.begin(), found.transports.end(), transports.begin());
    std::copy(found.publications.begin(), found.publications.end(), publications.begin());
    std::copy(found.subscriptions.begin(), found.subscriptions.end(), subscriptions.begin());
    std::copy(found.wishes.begin(), found.wishes.end(), wish_region.bytes().begin());
    note->session = found.session;
    wishes.emplace(opened());
  }
  SeededEntropy entropy;
  KeptMessages messages;
  std::vector<TransportRecord> transports;
  std::vector<PublicationRecord> publications;
  std::vector<SubscriptionRecord> subscriptions;
  Region wish_region = *Region::create("wishes", std::size_t{512} << 10U);
  std::optional<StateLog> wishes{opened()};
  std::unique_ptr<WorkNote> note{new WorkNote()};
  std::unique_ptr<LiveTables> live{new LiveTables()};
  std::unique_ptr<CounterBlock> counters{new CounterBlock()};
  WorkerSurroundings surroundings(DatagramSink& sink) {
    return {.recovery = {transports, publications, subscriptions},
            .live = *live,
            .counters = *counters,
            .entropy = entropy,
            .datagrams = sink,
            .events = messages,
            .handshakes = messages,
            .incarnation = ++incarnation,
            .wishes = &*wishes,
            .note = note.get(),
            .fate = fate};
  }
  PredecessorFate fate = PredecessorFate::none;
  std::uint64_t incarnation = 0;

 private:
  [[nodiscard]] StateLog opened() const { return *StateLog::open(*Region::map(wish_region.fd(), Access::read_write)); }
};

}  // namespace sluice::sim
