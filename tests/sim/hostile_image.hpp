#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "tests/sim/sim_world.hpp"

namespace sluice::sim {

/// A place in the transport records that an attack may change, with the reason in its row.
struct AllowedChange {
  std::uint32_t transport_slot;
  std::size_t offset, size;
};

/// Everything of a worker that anybody could find afterwards, byte by byte: what its successor reads (records, wishes), what
/// control reads (live tables, the desired state), what it has said (events, handshake messages, datagrams) and when it
/// wants to be woken. Counters are apart, because attacks may raise them.
struct Image {
  std::vector<std::byte> transports, publications, subscriptions, live, wishes;
  std::uint64_t session = 0;  ///< whose packet is in progress
  std::string desired;
  TimePoint deadline;
  std::uint64_t generation = 0;
  std::size_t events = 0, handshakes = 0;
  std::uint64_t sent_datagrams = 0;
  std::size_t free_buffers = 0;
  CounterSnapshot counters;

  static Image of(const SimWorld& world) {
    const WorkerMemory& m = world.memory;
    return {.transports = bytes_of(m.transports),
            .publications = bytes_of(m.publications),
            .subscriptions = bytes_of(m.subscriptions),
            .live = copy(m.live.get(), sizeof *m.live),
            .wishes = copy(m.wish_region.bytes().data(), m.wish_region.bytes().size()),
            .session = m.note->session,
            .desired = world.core.describe(),
            .deadline = world.core.next_deadline(),
            .generation = world.core.committed_generation(),
            .events = m.messages.events.size(),
            .handshakes = m.messages.handshakes.size(),
            .sent_datagrams = world.sent_datagrams,
            .free_buffers = world.pool.free_slots(),
            .counters = m.counters->snapshot()};
  }

  /// Names what differs, but for counters; empty when nothing does.
  [[nodiscard]] std::string difference(const Image& after, const std::vector<AllowedChange>& allowed = {}) const {
    std::string out;
    std::vector<std::byte> masked = after.transports;
    for (const AllowedChange& a : allowed) {
      const std::size_t at = a.transport_slot * sizeof(TransportRecord) + a.offset;
      std::copy_n(transports.begin() + static_cast<std::ptrdiff_t>(at), a.size,
                  masked.begin() + static_cast<std::ptrdiff_t>(at));
    }
    compare(out, "transport record", transports, masked, sizeof(TransportRecord));
    compare(out, "publication record", publications, after.publications, sizeof(PublicationRecord));
    compare(out, "subscription record", subscriptions, after.subscriptions, sizeof(SubscriptionRecord));
    compare(out, "live tables", live, after.live, live.size());
    compare(out, "wishes", wishes, after.wishes, wishes.size());
    if (session != after.session) out += "a session in progress; ";
    if (desired != after.desired || generation != after.generation) out += "the desired state; ";
    if (events != after.events) out += "an event was emitted; ";
    if (handshakes != after.handshakes) out += "the handshaker got a message; ";
    if (sent_datagrams != after.sent_datagrams) out += "something was sent; ";
    if (free_buffers != after.free_buffers) out += "a packet buffer is gone; ";
    // Authentic packets may bring what is due nearer.
    if (allowed.empty() && deadline != after.deadline) out += "the next deadline; ";
    return out;
  }

 private:
  static std::vector<std::byte> copy(const void* at, std::size_t size) {
    std::vector<std::byte> bytes(size);
    std::memcpy(bytes.data(), at, size);
    return bytes;
  }
  template <typename Record>
  static std::vector<std::byte> bytes_of(const std::vector<Record>& records) {
    return copy(records.data(), records.size() * sizeof(Record));
  }
  static void compare(std::string& out, const char* what, const std::vector<std::byte>& a, const std::vector<std::byte>& b,
                      std::size_t row) {
    const auto at = std::mismatch(a.begin(), a.end(), b.begin());
    if (at.first == a.end()) return;
    const auto offset = static_cast<std::size_t>(at.first - a.begin());
    out += std::string(what) + " " + std::to_string(offset / row) + " at byte " + std::to_string(offset % row) + "; ";
  }
};

}  // namespace sluice::sim
