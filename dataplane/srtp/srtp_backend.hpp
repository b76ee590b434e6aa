#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "dataplane/srtp/seal_ticket.hpp"
#include "dataplane/srtp/session_keys.hpp"
#include "dataplane/srtp/srtp_error.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/result.hpp"

namespace sluice {

/// A backend's own form of the session keys for our direction (RTP and RTCP): expanded keys, hash states. One per
/// association, kept for its life, because setting a key costs more than sealing a packet. Made by and only for one backend.
class SealingContext {
 public:
  virtual ~SealingContext() = default;
};

/// The same for the peer's direction.
class OpeningContext {
 public:
  virtual ~OpeningContext() = default;
};

/// One packet to seal, out of place, so that one plaintext serves every subscriber without a copy:
///
///       header        prefix       payload        padding
///     +-----------+ +---------+ +-------------+ +---------+
///     | own, clear| | own     | | shared      | | n bytes |      out = header | E(prefix | payload | padding) | tag
///     +-----------+ +---------+ +-------------+ +---------+
///
/// For RTCP `header` is the first 8 bytes of the compound packet and `payload` the rest: see rtcp_seal_job().
struct SealJob {
  SealTicket ticket;  // spent by seal()
  Bytes header;       // RTP: fixed header, CSRCs and extensions, complete (the P bit set if there is padding); borrowed
  Bytes prefix;   // encrypted, before the payload: RTX's original sequence number, a rewritten VP8 descriptor; may be empty
  Bytes payload;  // encrypted, shared; must not overlap `out`, except for lying exactly at its place in it
  std::uint8_t padding = 0;  // RTP padding to add, the count byte included (RFC 3550 section 5.1); 0: none
  MutableBytes out;          // at least header + prefix + payload + padding + overhead of the profile
  Result<std::size_t, SrtpError> result = unexpected(SrtpError::no_key);  // bytes of `out` that are the sealed packet
};

/// The job that seals a whole RTCP compound packet (at least 8 bytes).
[[nodiscard]] SealJob rtcp_seal_job(SealTicket ticket, Bytes compound, MutableBytes out) noexcept;

/// One packet to open, in place. SrtpReceiver makes these and judges the result; backends only decrypt and authenticate.
struct OpenJob {
  OpeningContext* context = nullptr;
  SrtpPacketKind kind = SrtpPacketKind::rtp;
  Ssrc ssrc;
  std::uint64_t index = 0;      // as SealTicket::index()
  std::size_t header_size = 0;  // clear bytes in front; for RTCP 8
  MutableBytes packet;          // with tag and SRTCP index; garbage after a bad tag
  Result<std::size_t, SrtpError> result = unexpected(SrtpError::no_key);  // size of the plaintext packet
};

/// "Seal n packets, open n packets": where the cipher runs. The worker collects what one completion batch brought for all
/// subscribers and hands it over at once, because the multi-buffer implementations reach their speed only with 16 or more
/// packets of different keys (notes: docs/performance.md). One backend per thread, chosen at start-up.
///
/// To add a backend: derive contexts from SealingContext and OpeningContext, and in seal() and open() fill `result` of every
/// job (jobs of one call may mix contexts, profiles, RTP and RTCP, and come in any order; results must not depend on the
/// grouping). seal() spends each ticket exactly once, also when it fails, and answers a spent ticket with index_used. It may
/// write anywhere in `out`, not only in what becomes the packet (ipsec-mb writes 12 bytes for a 10-byte tag).
class SrtpBackend {
 public:
  virtual ~SrtpBackend() = default;
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  /// Null if the profile is none. May allocate: not per packet.
  [[nodiscard]] virtual std::unique_ptr<SealingContext> make_sealing_context(const SessionKeys& keys) = 0;
  [[nodiscard]] virtual std::unique_ptr<OpeningContext> make_opening_context(const SessionKeys& keys) = 0;
  virtual void seal(std::span<SealJob> jobs) noexcept = 0;
  virtual void open(std::span<OpenJob> jobs) noexcept = 0;
};

}  // namespace sluice
