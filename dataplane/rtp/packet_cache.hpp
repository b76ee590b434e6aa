#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "shm/types/bytes.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/sequence_number.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// How much one incoming stream is remembered. Memory is arena_bytes + 40 B x entries, touched only as far as it is used.
struct PacketCacheConfig {
  std::size_t arena_bytes = 0;                 ///< payload bytes; a multiple of 64, at least 4 KiB
  std::size_t entries = 0;                     ///< packets; a power of two
  Duration age_max = std::chrono::seconds(2);  ///< older packets would come after the receiver gave up

  /// 2.5 Mbit/s x 2 s = 625 KB with room for bursts: 1 MiB + 80 KiB per stream.
  [[nodiscard]] static constexpr PacketCacheConfig high_video() noexcept { return {1U << 20U, 2048}; }
  /// Lower simulcast layers (up to about 800 kbit/s): 256 KiB + 40 KiB.
  [[nodiscard]] static constexpr PacketCacheConfig low_video() noexcept { return {256U << 10U, 1024}; }
  /// 50 packets/s of up to 64 kbit/s: 32 KiB + 10 KiB.
  [[nodiscard]] static constexpr PacketCacheConfig audio() noexcept { return {32U << 10U, 256}; }
};

/// What forwarding needs of a source packet's header beside its payload.
struct PacketFacts {
  std::uint32_t rtp_timestamp = 0;
  PayloadType payload_type;  ///< the publisher's number
  bool marker = false;
  std::uint8_t audio_level = none;        ///< RFC 6464 byte (V bit and level), 0xff: absent
  std::uint8_t video_orientation = none;  ///< 3GPP TS 26.114 CVO byte, 0xff: absent
  static constexpr std::uint8_t none = 0xff;
};

struct CachedPacket {
  ExtendedSequenceNumber sequence;
  TimePoint arrival;
  PacketFacts facts;
  Bytes payload;  ///< borrowed from the cache until its next insert()
};

/// The one packet cache of an incoming stream, from which every subscription's retransmissions are answered: plaintext
/// payloads (without header and padding) in a byte ring, found by extended sequence number. The newest overwrite the
/// oldest. Losable. Limits on resending are RtxSender's.
class PacketCache {
 public:
  static constexpr std::size_t payload_max = 1500;

  /// Allocates everything. A config that is not as its fields say is our own mistake and stops the process.
  explicit PacketCache(const PacketCacheConfig& config);

  /// Copies the packet in. False (and nothing happens) when the payload exceeds 1500 bytes, the packet is there already, or
  /// its place belongs to a newer one.
  bool insert(TimePoint now, ExtendedSequenceNumber sequence, const PacketFacts& facts, Bytes payload) noexcept;
  /// The packet, unless it was overwritten or is older than age_max.
  [[nodiscard]] std::optional<CachedPacket> find(TimePoint now, ExtendedSequenceNumber sequence) const noexcept;
  /// Forgets everything (another SSRC began).
  void clear() noexcept;

 private:
  struct Entry {
    ExtendedSequenceNumber sequence;
    std::uint64_t start = 0;  // in bytes ever written; its place is start modulo the arena
    TimePoint arrival;
    PacketFacts facts;
    std::uint16_t size = 0;
    bool used = false;
  };
  [[nodiscard]] bool alive(const Entry& entry) const noexcept;

  PacketCacheConfig config_;
  std::unique_ptr<std::byte[]> arena_;
  std::vector<Entry> entries_;
  std::uint64_t written_ = 0;
};

}  // namespace sluice
