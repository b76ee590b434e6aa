#pragma once

#include <memory>
#include <random>
#include <vector>

#include "dataplane/memory/packet_pool.hpp"
#include "dataplane/worker/worker_core.hpp"
#include "dataplane/worker/worker_surroundings.hpp"

namespace sluice::sim {

class SeededEntropy final : public Entropy {
 public:
  explicit SeededEntropy(std::uint64_t seed) : random_(seed) {}
  void fill(MutableBytes out) override {
    for (std::byte& b : out) b = static_cast<std::byte>(random_());
  }

 private:
  std::mt19937_64 random_;
};

class KeptMessages final : public EventSink, public HandshakeSink {
 public:
  bool emit(Bytes event) noexcept override {
    if (keep) events.emplace_back(event.begin(), event.end());
    return true;
  }
  bool send(Bytes message) noexcept override {
    if (keep) handshakes.emplace_back(message.begin(), message.end());
    return true;
  }
  bool keep = true;
  std::vector<std::vector<std::byte>> events, handshakes;
};

/// Memory for one worker core: records, live tables, counters, messages.
struct WorkerMemory {
  explicit WorkerMemory(std::uint64_t seed, std::size_t rows = 64)
      : entropy(seed), transports(rows), publications(rows), subscriptions(rows * 4) {}
  SeededEntropy entropy;
  KeptMessages messages;
  std::vector<TransportRecord> transports;
  std::vector<PublicationRecord> publications;
  std::vector<SubscriptionRecord> subscriptions;
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
            .incarnation = 1};
  }
};

}  // namespace sluice::sim
