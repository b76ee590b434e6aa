#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "control/sdp/description.hpp"
#include "control/sdp/limits.hpp"
#include "control/sdp/parser.hpp"

namespace sluice::sdp {

/// Reads the a= lines of one section into its description; made anew for each section. Private to the parser.
class AttributeParser {
 public:
  AttributeParser(SessionDescription& session, MediaDescription* media, const Limits& limits);

  /// `attribute` is what follows "a=". Nothing on success, also for attributes that are not ours.
  [[nodiscard]] std::optional<ParseReason> parse(std::string_view attribute);

 private:
  using Outcome = std::optional<ParseReason>;
  Outcome parse_session(std::string_view name, std::string_view value);
  Outcome parse_media(std::string_view name, std::string_view value);
  Outcome parse_transport(std::string_view name, std::string_view value, bool& known);
  Outcome group(std::string_view value);
  Outcome fingerprint(std::string_view value);
  Outcome extension(std::string_view value);
  Outcome rtpmap(std::string_view value);
  Outcome fmtp(std::string_view value);
  Outcome feedback(std::string_view value);
  Outcome msid(std::string_view value);
  Outcome ssrc(std::string_view value);
  Outcome ssrc_group(std::string_view value);
  Outcome rid(std::string_view value);
  Outcome simulcast(std::string_view value);
  Outcome candidate(std::string_view value);
  /// The format of a payload type that the m-line lists; nullptr for any other.
  Format* format_of(std::string_view payload_type, bool& valid);

  SessionDescription& session_;
  MediaDescription* media_;  // nullptr at session level
  const Limits& limits_;
  std::array<std::uint8_t, 128> format_index_{};  // payload type -> index + 1, so that lookups are constant
  std::size_t feedback_count_ = 0;
};

}  // namespace sluice::sdp
