#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/packet/extension_block.hpp"
#include "shm/types/byte_order.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/result.hpp"
#include "shm/types/sequence_number.hpp"

namespace sluice {

enum class RtpError : std::uint8_t {
  too_short,        // less than the fixed header, the CSRC list or the extension block claims
  too_long,         // more than 65535 bytes: never a datagram
  bad_version,      // not 2
  bad_extension,    // an extension element reaches out of its block (RFC 8285)
  bad_padding,      // padding length 0, or more than there is behind the header
  bad_payload_type  // 64 to 95, forbidden beside RTCP (RFC 5761 section 4)
};

/// A view of one RTP packet (RFC 3550 section 5.1) that edits in place. Borrows the bytes; after a successful parse no
/// accessor can fail or read outside.
///
///    0                   1                   2                   3
///   |V=2|P|X|  CC   |M|     PT      |       sequence number         |
///   |                           timestamp                           |
///   |                             SSRC                              |
///   |                 CSRC * CC, extension if X                     |
class RtpPacket {
 public:
  static constexpr std::size_t fixed_header_size = 12;

  /// Checks everything. For packets in the clear.
  [[nodiscard]] static Result<RtpPacket, RtpError> parse(MutableBytes bytes) noexcept;
  /// Checks the header only: for SRTP packets, whose header is in the clear and whose padding is not (RFC 3711
  /// section 3.1). payload() is then the encrypted portion with the tag, padding_size() 0. Call finish() after opening.
  [[nodiscard]] static Result<RtpPacket, RtpError> parse_header(MutableBytes bytes) noexcept;
  /// After the packet was decrypted in place: it now ends at `size` (<= the size given to parse_header) and its padding
  /// is checked. On an error the view must not be used further.
  [[nodiscard]] Result<void, RtpError> finish(std::size_t size) noexcept;

  [[nodiscard]] bool marker() const noexcept { return (std::to_integer<unsigned>(bytes_[1]) & 0x80U) != 0; }
  [[nodiscard]] PayloadType payload_type() const noexcept {
    return {static_cast<std::uint8_t>(std::to_integer<unsigned>(bytes_[1]) & 0x7fU)};
  }
  [[nodiscard]] SequenceNumber sequence_number() const noexcept { return {load_u16(bytes_, 2)}; }
  [[nodiscard]] std::uint32_t timestamp() const noexcept { return load_u32(bytes_, 4); }
  [[nodiscard]] Ssrc ssrc() const noexcept { return {load_u32(bytes_, 8)}; }
  [[nodiscard]] std::size_t csrc_count() const noexcept { return std::to_integer<std::size_t>(bytes_[0]) & 0x0fU; }
  /// The i-th contributing source; i < csrc_count().
  [[nodiscard]] Ssrc csrc(std::size_t i) const noexcept { return {load_u32(bytes_, fixed_header_size + 4 * i)}; }

  void set_marker(bool marker) noexcept;
  void set_payload_type(PayloadType type) noexcept;
  void set_sequence_number(SequenceNumber number) noexcept { store_u16(bytes_, 2, number.value); }
  void set_timestamp(std::uint32_t timestamp) noexcept { store_u32(bytes_, 4, timestamp); }
  void set_ssrc(Ssrc ssrc) noexcept { store_u32(bytes_, 8, ssrc.value); }

  /// Bytes before the payload: fixed header, CSRCs, extension block.
  [[nodiscard]] std::size_t header_size() const noexcept { return header_size_; }
  /// Without padding.
  [[nodiscard]] std::size_t payload_size() const noexcept { return bytes_.size() - header_size_ - padding_size_; }
  [[nodiscard]] std::size_t padding_size() const noexcept { return padding_size_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] MutableBytes bytes() const noexcept { return bytes_; }
  [[nodiscard]] MutableBytes header() const noexcept { return bytes_.first(header_size_); }
  [[nodiscard]] MutableBytes payload() const noexcept { return bytes_.subspan(header_size_, payload_size()); }

  /// The data of the extension with this negotiated id, to be read or edited in place; empty when `id` is 0 or absent.
  [[nodiscard]] MutableBytes extension(std::uint8_t id) const noexcept {
    const ExtensionElement found = extensions().find(id);
    return found.id == 0 ? MutableBytes{} : bytes_.subspan(extension_at_ + found.offset, found.data.size());
  }
  /// Calls `visit(std::uint8_t id, Bytes data)` for each element.
  template <typename Visit>
  void for_each_extension(Visit&& visit) const noexcept {
    extensions().for_each([&](const ExtensionElement& element) { visit(element.id, element.data); });
  }
  [[nodiscard]] ExtensionBlock extensions() const noexcept {
    return {extension_profile_, bytes_.subspan(extension_at_, extension_size_)};
  }

 private:
  explicit RtpPacket(MutableBytes packet) noexcept : bytes_(packet) {}

  MutableBytes bytes_;
  std::uint16_t header_size_ = fixed_header_size;
  std::uint16_t padding_size_ = 0;
  std::uint16_t extension_profile_ = 0;
  std::uint16_t extension_at_ = 0;    // of the first element, behind profile and length
  std::uint16_t extension_size_ = 0;  // of the elements
};

}  // namespace sluice
