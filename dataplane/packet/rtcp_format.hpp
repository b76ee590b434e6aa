#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::rtcp {

// Numbers on the wire that the parser and the writer share.

inline constexpr std::uint8_t sender_report = 200;  // RFC 3550 section 12.1
inline constexpr std::uint8_t receiver_report = 201;
inline constexpr std::uint8_t source_description = 202;
inline constexpr std::uint8_t goodbye = 203;
inline constexpr std::uint8_t transport_layer_feedback = 205;  // RFC 4585 section 6.1
inline constexpr std::uint8_t payload_specific_feedback = 206;

inline constexpr std::uint8_t generic_nack = 1;  // formats of 205
inline constexpr std::uint8_t transport_wide = 15;
inline constexpr std::uint8_t picture_loss = 1;  // formats of 206
inline constexpr std::uint8_t full_intra_request = 4;
inline constexpr std::uint8_t application_layer = 15;

inline constexpr std::uint32_t remb_identifier = 0x52454d42;  // "REMB"
inline constexpr std::size_t header_size = 4;
inline constexpr std::size_t count_max = 31;  // of the five bits in the header

}  // namespace sluice::rtcp
