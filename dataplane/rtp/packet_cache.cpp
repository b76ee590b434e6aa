#include "dataplane/rtp/packet_cache.hpp"

#include <bit>
#include <cstring>

#include "dataplane/memory/require.hpp"

namespace sluice {

PacketCache::PacketCache(const PacketCacheConfig& config) : config_(config) {
  require(config.arena_bytes >= 4096 && config.arena_bytes % 64 == 0 && std::has_single_bit(config.entries));
  // Not initialised: a page that was never written is never touched.
  arena_ = std::make_unique_for_overwrite<std::byte[]>(config.arena_bytes);
  entries_.resize(config.entries);
}

bool PacketCache::alive(const Entry& entry) const noexcept {
  return entry.used && entry.start + config_.arena_bytes >= written_;
}

bool PacketCache::insert(TimePoint now, ExtendedSequenceNumber sequence, const PacketFacts& facts, Bytes payload) noexcept {
  if (payload.size() > payload_max) return false;
  Entry& entry = entries_[static_cast<std::size_t>(sequence.value) & (entries_.size() - 1)];
  if (alive(entry) && entry.sequence >= sequence) return false;
  const auto place = static_cast<std::size_t>(written_ % config_.arena_bytes);
  if (place + payload.size() > config_.arena_bytes) written_ += config_.arena_bytes - place;  // a packet lies in one piece
  entry.sequence = sequence;
  entry.start = written_;
  entry.arrival = now;
  entry.facts = facts;
  entry.size = static_cast<std::uint16_t>(payload.size());
  entry.used = true;
  if (!payload.empty())
    std::memcpy(&arena_[static_cast<std::size_t>(written_ % config_.arena_bytes)], payload.data(), payload.size());
  written_ += payload.size();
  return true;
}

std::optional<CachedPacket> PacketCache::find(TimePoint now, ExtendedSequenceNumber sequence) const noexcept {
  const Entry& entry = entries_[static_cast<std::size_t>(sequence.value) & (entries_.size() - 1)];
  if (!alive(entry) || entry.sequence != sequence || now - entry.arrival > config_.age_max) return std::nullopt;
  return CachedPacket{sequence, entry.arrival, entry.facts,
                      Bytes(&arena_[static_cast<std::size_t>(entry.start % config_.arena_bytes)], entry.size)};
}

void PacketCache::clear() noexcept {
  for (Entry& entry : entries_) entry.used = false;
}

}  // namespace sluice
