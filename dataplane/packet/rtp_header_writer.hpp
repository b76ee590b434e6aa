#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/packet/header_extension.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/sequence_number.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// The fixed fields of an outgoing RTP packet. We never send CSRCs: an SFU does not mix.
struct RtpHeader {
  PayloadType payload_type;
  SequenceNumber sequence_number;
  std::uint32_t timestamp = 0;
  Ssrc ssrc;
  bool marker = false;
  bool padding = false;  // the P bit; the caller writes the padding itself
};

/// Where the fields of a written header lie that are filled in when the packet leaves the pacer. 0 = not in this packet.
struct RtpHeaderLayout {
  std::uint16_t header_size = 0;
  std::uint16_t transport_sequence_number_at = 0;
  std::uint16_t abs_send_time_at = 0;

  /// Writes the transport-wide sequence number into `packet`, which begins with the written header; nothing if absent.
  void patch_transport_sequence_number(MutableBytes packet, std::uint16_t number) const noexcept;
  /// Writes the abs-send-time of `now` likewise.
  void patch_abs_send_time(MutableBytes packet, TimePoint now) const noexcept;
};

/// Collects the extensions of one outgoing packet, then writes its header. Cheap to make per packet. Data given to add()
/// is borrowed until write(). The one-byte form is used when all ids are <= 14 and all data is 1..16 bytes, else the
/// two-byte form (RFC 8285; needs extmap-allow-mixed or that the peer uses it itself).
class RtpHeaderWriter {
 public:
  static constexpr std::size_t extensions_max = 16;

  explicit RtpHeaderWriter(const RtpHeader& header) noexcept : header_(header) {}

  /// Adds an element; does nothing when `id` is 0 (not negotiated). Data longer than 255 bytes or one more than
  /// extensions_max makes write() fail. Use each id once.
  RtpHeaderWriter& add(std::uint8_t id, Bytes data) noexcept;
  /// Reserves two bytes for the transport-wide sequence number, to be patched at departure.
  RtpHeaderWriter& reserve_transport_sequence_number(std::uint8_t id) noexcept;
  /// Reserves three bytes for abs-send-time, to be patched at departure.
  RtpHeaderWriter& reserve_abs_send_time(std::uint8_t id) noexcept;

  /// Size of the header as it would be written now, in bytes.
  [[nodiscard]] std::size_t size() const noexcept;
  /// Writes the header to the front of `out`; nothing when it does not fit.
  [[nodiscard]] std::optional<RtpHeaderLayout> write(MutableBytes out) const noexcept;

 private:
  struct Element {  // without initial values: this is made per packet and subscriber
    const std::byte* data;
    std::uint8_t size;
    std::uint8_t id;
  };
  static constexpr std::uint8_t absent = 0xff;
  [[nodiscard]] std::size_t elements_size() const noexcept;

  RtpHeader header_;
  std::array<Element, extensions_max> elements_;  // the first count_
  std::uint16_t data_size_ = 0;                   // of all elements together
  std::uint8_t count_ = 0;
  std::uint8_t transport_sequence_number_index_ = absent;
  std::uint8_t abs_send_time_index_ = absent;
  bool two_byte_ = false;
  bool ok_ = true;
};

}  // namespace sluice
