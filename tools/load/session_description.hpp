#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shm/types/ids.hpp"
#include "shm/types/kind.hpp"
#include "tools/load/dtls_client.hpp"
#include "tools/load/ice_thread.hpp"

namespace sluice::load {

/// Ids that all our offers use.
struct OfferNumbers {
  static constexpr std::uint8_t opus = 111;
  static constexpr std::uint8_t vp8 = 96;
  static constexpr std::uint8_t rtx = 97;
  static constexpr std::uint8_t mid_extension = 1;
  static constexpr std::uint8_t transport_cc_extension = 3;
};

/// One m-line of an offer of ours.
struct OfferLine {
  std::string mid;
  MediaKind kind = MediaKind::audio;
  bool sends = false;  ///< sendonly; else recvonly
  Ssrc ssrc;           ///< when it sends
  Ssrc rtx_ssrc;       ///< when it sends video
};

/// The text of an offer, one bundle over one transport (RFC 9429).
[[nodiscard]] std::string write_offer(const std::vector<OfferLine>& lines, const IceCredentials& ice,
                                      const std::string& fingerprint);

/// One m-line of the server's answer.
struct AnswerLine {
  std::string mid;
  bool accepted = false;
  Ssrc ssrc;      ///< of what the server sends on it; 0: none
  Ssrc rtx_ssrc;  ///< 0: none
  std::uint8_t mid_extension = 0;
  std::uint8_t transport_cc_extension = 0;
  bool rtx = false;
};

struct Answer {
  IceCredentials ice;
  CertificateHash fingerprint{};
  std::vector<std::string> candidates;
  std::vector<AnswerLine> lines;
};

/// Reads what we need of the server's answer; nothing when credentials, a SHA-256 fingerprint or candidates are missing.
[[nodiscard]] std::optional<Answer> read_answer(std::string_view sdp);

}  // namespace sluice::load
