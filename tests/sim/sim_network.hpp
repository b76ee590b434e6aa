#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "shm/types/address.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/time.hpp"

namespace sluice::sim {

/// How bad one direction of one peer's path is.
struct Weather {
  Duration delay = std::chrono::milliseconds(20);
  Duration jitter{};             ///< added, uniform; reorders when larger than the spacing of packets
  double loss = 0;               ///< chance that a burst begins with a packet
  double burst_continues = 0.3;  ///< chance that the next one is lost, too
  double duplicate = 0;
  std::int64_t bits_per_second = 0;                 ///< 0: unlimited
  Duration queue = std::chrono::milliseconds(200);  ///< longer waits are tail drops
};

/// Carries datagrams between peers and the worker under seeded weather. Deliveries come in order of time.
class SimNetwork {
 public:
  explicit SimNetwork(std::uint64_t seed) : random_(seed) {}

  struct Delivery {
    bool to_worker = false;
    Tuple peer;  ///< whose datagram this is
    std::vector<std::byte> bytes;
  };
  struct Link {
    Weather weather;
    bool in_burst = false;
    TimePoint busy_until;
    std::uint64_t sent = 0;
    std::uint64_t dropped = 0;
  };
  Link& up(const Tuple& peer) { return links_[{peer, true}]; }
  Link& down(const Tuple& peer) { return links_[{peer, false}]; }

  /// When it (its first copy) will arrive; `never`: dropped.
  TimePoint send(TimePoint now, bool to_worker, const Tuple& peer, Bytes bytes) {
    Link& link = links_[{peer, to_worker}];
    ++link.sent;
    const Weather& w = link.weather;
    link.in_burst = w.loss > 0 && chance(link.in_burst ? w.burst_continues : w.loss);
    TimePoint leaves = now;
    if (w.bits_per_second > 0) {
      leaves = std::max(now, link.busy_until);
      if (leaves - now > w.queue) link.in_burst = true;
      if (!link.in_burst) {
        link.busy_until = leaves + Duration(static_cast<std::int64_t>(bytes.size()) * 8'000'000'000 / w.bits_per_second);
        leaves = link.busy_until;
      }
    }
    if (link.in_burst) {
      ++link.dropped;
      return never;
    }
    TimePoint first = never;
    const int copies = w.duplicate > 0 && chance(w.duplicate) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      const Duration jitter =
          w.jitter > Duration{}
              ? Duration(static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(w.jitter.count())))
              : Duration{};
      on_the_way_.emplace(std::pair(leaves + w.delay + jitter, order_++),
                          Delivery{to_worker, peer, {bytes.begin(), bytes.end()}});
      first = std::min(first, leaves + w.delay + jitter);
    }
    return first;
  }
  [[nodiscard]] TimePoint next() const { return on_the_way_.empty() ? never : on_the_way_.begin()->first.first; }
  Delivery pop() {
    Delivery delivery = std::move(on_the_way_.begin()->second);
    on_the_way_.erase(on_the_way_.begin());
    return delivery;
  }

 private:
  bool chance(double p) { return std::uniform_real_distribution<>(0, 1)(random_) < p; }
  std::mt19937_64 random_;
  std::map<std::pair<TimePoint, std::uint64_t>, Delivery> on_the_way_;
  std::map<std::pair<Tuple, bool>, Link> links_;
  std::uint64_t order_ = 0;
};

}  // namespace sluice::sim
