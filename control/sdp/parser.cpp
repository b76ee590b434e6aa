#include "control/sdp/parser.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_set>

#include "control/sdp/attribute_parser.hpp"
#include "control/sdp/text_cursor.hpp"

namespace sluice::sdp {
namespace {

bool well_formed(std::string_view line) {
  if (line.size() < 2 || line[0] < 'a' || line[0] > 'z' || line[1] != '=') return false;
  return std::none_of(line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

std::optional<ParseReason> parse_origin(std::string_view value, SessionDescription& out) {
  TextCursor cursor(value);
  out.username = cursor.until(' ');
  // Session ids are 64-bit numbers by RFC 9429 section 5.2.1; a longer one (seen from gateways) is told apart by what fits.
  const auto session_id = number<std::uint64_t>(cursor.until(' '));
  const auto version = number<std::uint64_t>(cursor.until(' '));
  out.address = cursor.rest();
  if (!is_visible(out.username) || !session_id || !version || out.address.empty()) return ParseReason::bad_origin;
  out.session_id = *session_id;
  out.session_version = *version;
  return std::nullopt;
}

Medium medium_of(std::string_view text) {
  if (text == "audio") return Medium::audio;
  if (text == "video") return Medium::video;
  if (text == "application") return Medium::application;
  return Medium::other;
}

std::optional<ParseReason> parse_formats(std::string_view text, MediaDescription& out, const Limits& limits) {
  TextCursor cursor(text);
  std::array<bool, 128> seen{};
  for (auto word = cursor.word(); !word.empty(); word = cursor.word()) {
    const auto payload_type = number<std::uint8_t>(word);
    if (!payload_type || *payload_type >= seen.size()) return ParseReason::bad_media;
    if (std::exchange(seen[*payload_type], true)) return ParseReason::duplicate;
    if (out.formats.size() >= limits.formats_max) return ParseReason::limit;
    Format format;
    format.payload_type = *payload_type;
    out.formats.push_back(std::move(format));
  }
  return out.formats.empty() ? std::optional(ParseReason::bad_media) : std::nullopt;
}

std::optional<ParseReason> parse_media_line(std::string_view value, MediaDescription& out, const Limits& limits) {
  TextCursor cursor(value);
  out.medium_text = cursor.until(' ');
  out.medium = medium_of(out.medium_text);
  // "9/2" (several ports) is not used by WebRTC.
  const auto port = number<std::uint16_t>(cursor.until(' '));
  out.protocol = cursor.until(' ');
  if (!is_token(out.medium_text) || !port || !is_visible(out.protocol) || cursor.done()) return ParseReason::bad_media;
  out.port = *port;
  const bool rtp =
      (out.medium == Medium::audio || out.medium == Medium::video) && out.protocol.find("RTP/") != std::string::npos;
  if (rtp) return parse_formats(cursor.rest(), out, limits);
  out.format_text = cursor.rest();
  return std::nullopt;
}

/// The lines of a text, one after the other.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  /// Without its line end. Nothing when only empty lines are left.
  std::optional<std::string_view> next() {
    if (rest_.find_first_not_of("\r\n") == std::string_view::npos) return std::nullopt;
    ++number_;
    const auto end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
  }
  [[nodiscard]] std::size_t number() const { return number_; }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

ParseError error_at(ParseReason reason, std::size_t line, std::string_view text) {
  constexpr std::size_t detail_max = 64;
  ParseError error{reason, line, std::string(text.substr(0, detail_max))};
  for (char& c : error.detail)
    if (c < 0x20 || c >= 0x7F) c = '?';
  return error;
}

class Parser {
 public:
  Parser(std::string_view text, const Limits& limits) : lines_(text), limits_(limits) {}

  Result<SessionDescription, ParseError> run() {
    auto line = lines_.next();
    if (!line || *line != "v=0") return fail(ParseReason::bad_version, line.value_or(""));
    line = lines_.next();
    if (!line || !line->starts_with("o=")) return fail(ParseReason::bad_origin, line.value_or(""));
    if (!well_formed(*line)) return fail(ParseReason::bad_line, *line);
    if (const auto reason = parse_origin(line->substr(2), out_)) return fail(*reason, *line);
    out_.media.reserve(16);
    AttributeParser attributes(out_, nullptr, limits_);
    std::optional<AttributeParser> media_attributes;
    while ((line = lines_.next())) {
      if (!well_formed(*line)) return fail(ParseReason::bad_line, *line);
      const std::string_view value = line->substr(2);
      std::optional<ParseReason> reason;
      if ((*line)[0] == 'm') {
        if (out_.media.size() >= limits_.media_max) return fail(ParseReason::limit, *line);
        reason = parse_media_line(value, out_.media.emplace_back(), limits_);
        media_attributes.emplace(out_, &out_.media.back(), limits_);
      } else if ((*line)[0] == 'a') {
        reason = (media_attributes ? *media_attributes : attributes).parse(value);
        if (!reason && value.starts_with("mid:") && !mids_.insert(std::string(value.substr(4))).second)
          reason = ParseReason::duplicate;
      }
      if (reason) return fail(*reason, *line);
    }
    return std::move(out_);
  }

 private:
  tl::unexpected<ParseError> fail(ParseReason reason, std::string_view line) const {
    return tl::unexpected(error_at(reason, std::max<std::size_t>(lines_.number(), 1), line));
  }

  Lines lines_;
  const Limits& limits_;
  SessionDescription out_;
  std::unordered_set<std::string> mids_;
};

}  // namespace

std::string_view to_string(ParseReason reason) noexcept {
  switch (reason) {
    case ParseReason::too_long:
      return "description too long";
    case ParseReason::bad_line:
      return "malformed line";
    case ParseReason::bad_version:
      return "v=0 expected";
    case ParseReason::bad_origin:
      return "malformed o= line";
    case ParseReason::bad_media:
      return "malformed m= line";
    case ParseReason::bad_attribute:
      return "malformed attribute";
    case ParseReason::duplicate:
      return "given twice";
    case ParseReason::limit:
      break;
  }
  return "too many";
}

std::string ParseError::message() const {
  return "line " + std::to_string(line) + ": " + std::string(to_string(reason)) + (detail.empty() ? "" : ": " + detail);
}

Result<SessionDescription, ParseError> parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.bytes_max) return tl::unexpected(error_at(ParseReason::too_long, 1, ""));
  return Parser(text, limits).run();
}

}  // namespace sluice::sdp
