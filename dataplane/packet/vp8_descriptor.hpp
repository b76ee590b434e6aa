#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "shm/types/bytes.hpp"

namespace sluice {

/// What the VP8 payload descriptor (RFC 7741 section 4.2) and the first bytes of the frame (section 4.3) tell.
///
///   |X|R|N|S|R| PID |    X: |I|L|T|K| RSV |   I: |M| picture id (7 or 15) |   L: | tl0picidx |   T/K: |tid|Y| keyidx |
struct Vp8Descriptor {
  std::uint8_t size = 0;            // of the descriptor: the VP8 payload begins here
  bool non_reference = false;       // N: may be dropped without harm
  bool start_of_partition = false;  // S
  std::uint8_t partition = 0;       // PID
  std::optional<std::uint16_t> picture_id;
  std::optional<std::uint8_t> tl0_picture_index;
  std::optional<std::uint8_t> temporal_id;
  bool layer_sync = false;  // Y; meaningful with temporal_id
  std::optional<std::uint8_t> key_index;

  bool picture_id_is_15_bits = false;
  std::uint8_t picture_id_at = 0;         // offset in the payload, 0 = absent
  std::uint8_t tl0_picture_index_at = 0;  // likewise

  bool key_frame = false;   // first packet of a key frame: S, PID 0 and P bit clear
  std::uint16_t width = 0;  // pixels, only with key_frame and when the header is there
  std::uint16_t height = 0;

  /// First packet of a frame.
  [[nodiscard]] bool start_of_frame() const noexcept { return start_of_partition && partition == 0; }

  /// Nothing ("unknown") when the payload is shorter than its descriptor claims or holds no byte behind it.
  [[nodiscard]] static std::optional<Vp8Descriptor> parse(Bytes payload) noexcept;

  /// Overwrite the field in a payload that this descriptor was parsed from (or a copy), with the same width: a 7-bit
  /// picture id keeps the low seven bits. Nothing happens when the field is absent.
  void rewrite_picture_id(MutableBytes payload, std::uint16_t picture_id) const noexcept;
  void rewrite_tl0_picture_index(MutableBytes payload, std::uint8_t index) const noexcept;
};

}  // namespace sluice
