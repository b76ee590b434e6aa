#include "control/sdp/attribute_parser.hpp"

#include <algorithm>

#include "control/sdp/text_cursor.hpp"

namespace sluice::sdp {
namespace {

constexpr std::optional<ParseReason> fine = std::nullopt;
constexpr std::size_t ice_text_max = 256;  // RFC 8839 section 5.4

std::optional<Direction> direction_of(std::string_view name) {
  if (name == "sendrecv") return Direction::sendrecv;
  if (name == "sendonly") return Direction::sendonly;
  if (name == "recvonly") return Direction::recvonly;
  if (name == "inactive") return Direction::inactive;
  return std::nullopt;
}

std::optional<Setup> setup_of(std::string_view text) {
  if (text == "actpass") return Setup::actpass;
  if (text == "active") return Setup::active;
  if (text == "passive") return Setup::passive;
  if (text == "holdconn") return Setup::holdconn;
  return std::nullopt;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

AttributeParser::AttributeParser(SessionDescription& session, MediaDescription* media, const Limits& limits)
    : session_(session), media_(media), limits_(limits) {
  if (media_ == nullptr) return;
  for (std::size_t i = 0; i < media_->formats.size(); ++i)
    format_index_[media_->formats[i].payload_type] = static_cast<std::uint8_t>(i + 1);
}

std::optional<ParseReason> AttributeParser::parse(std::string_view attribute) {
  TextCursor cursor(attribute);
  const std::string_view name = cursor.until(':');
  const std::string_view value = cursor.rest();
  bool known = false;
  const Outcome outcome = parse_transport(name, value, known);
  if (known) return outcome;
  if (const auto direction = direction_of(name)) {
    (media_ != nullptr ? media_->direction : session_.direction) = direction;
    return fine;
  }
  if (name == "extmap") return extension(value);
  if (name == "extmap-allow-mixed") {
    (media_ != nullptr ? media_->extmap_allow_mixed : session_.extmap_allow_mixed) = true;
    return fine;
  }
  return media_ != nullptr ? parse_media(name, value) : parse_session(name, value);
}

AttributeParser::Outcome AttributeParser::parse_transport(std::string_view name, std::string_view value, bool& known) {
  TransportAttributes& transport = media_ != nullptr ? media_->transport : session_.transport;
  known = true;
  if (name == "ice-ufrag" || name == "ice-pwd") {
    if (value.size() > ice_text_max || !is_visible(value)) return ParseReason::bad_attribute;
    (name == "ice-ufrag" ? transport.ice_ufrag : transport.ice_pwd) = value;
    return fine;
  }
  if (name == "ice-options") {
    transport.ice_options = value;
    return fine;
  }
  if (name == "fingerprint") return fingerprint(value);
  if (name == "setup") {
    transport.setup = setup_of(value);
    return transport.setup ? fine : ParseReason::bad_attribute;
  }
  if (name == "tls-id") {
    if (value.size() > ice_text_max || !is_visible(value)) return ParseReason::bad_attribute;
    transport.tls_id = value;
    return fine;
  }
  known = false;
  return fine;
}

AttributeParser::Outcome AttributeParser::parse_session(std::string_view name, std::string_view value) {
  if (name == "group") return group(value);
  if (name == "ice-lite") session_.ice_lite = true;
  return fine;
}

AttributeParser::Outcome AttributeParser::parse_media(std::string_view name, std::string_view value) {
  if (name == "mid") {
    if (!is_token(value)) return ParseReason::bad_attribute;
    if (media_->mid) return ParseReason::duplicate;
    media_->mid = value;
    return fine;
  }
  if (name == "rtpmap") return rtpmap(value);
  if (name == "fmtp") return fmtp(value);
  if (name == "rtcp-fb") return feedback(value);
  if (name == "msid") return msid(value);
  if (name == "ssrc") return ssrc(value);
  if (name == "ssrc-group") return ssrc_group(value);
  if (name == "rid") return rid(value);
  if (name == "simulcast") return simulcast(value);
  if (name == "candidate") return candidate(value);
  if (name == "rtcp-mux") media_->rtcp_mux = true;
  if (name == "rtcp-rsize") media_->rtcp_reduced_size = true;
  if (name == "bundle-only") media_->bundle_only = true;
  if (name == "end-of-candidates") media_->end_of_candidates = true;
  return fine;
}

AttributeParser::Outcome AttributeParser::group(std::string_view value) {
  if (session_.groups.size() >= limits_.groups_max) return ParseReason::limit;
  TextCursor cursor(value);
  Group result;
  result.semantics = cursor.word();
  if (!is_token(result.semantics)) return ParseReason::bad_attribute;
  for (auto mid = cursor.word(); !mid.empty(); mid = cursor.word()) {
    if (!is_token(mid)) return ParseReason::bad_attribute;
    if (result.mids.size() >= limits_.media_max) return ParseReason::limit;
    result.mids.emplace_back(mid);
  }
  session_.groups.push_back(std::move(result));
  return fine;
}

AttributeParser::Outcome AttributeParser::fingerprint(std::string_view value) {
  TransportAttributes& transport = media_ != nullptr ? media_->transport : session_.transport;
  if (transport.fingerprints.size() >= limits_.fingerprints_max) return ParseReason::limit;
  TextCursor cursor(value);
  Fingerprint result;
  result.algorithm = cursor.word();
  if (!is_token(result.algorithm)) return ParseReason::bad_attribute;
  std::transform(result.algorithm.begin(), result.algorithm.end(), result.algorithm.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const std::string_view hex = cursor.word();
  constexpr std::size_t characters_max = 64 * 3 - 1;  // SHA-512
  if (hex.size() < 2 || hex.size() > characters_max || hex.size() % 3 != 2) return ParseReason::bad_attribute;
  for (std::size_t i = 0; i < hex.size(); i += 3) {
    const int high = hex_digit(hex[i]);
    const int low = hex_digit(hex[i + 1]);
    if (high < 0 || low < 0 || (i + 2 < hex.size() && hex[i + 2] != ':')) return ParseReason::bad_attribute;
    result.value.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  transport.fingerprints.push_back(std::move(result));
  return fine;
}

AttributeParser::Outcome AttributeParser::extension(std::string_view value) {
  std::vector<Extension>& extensions = media_ != nullptr ? media_->extensions : session_.extensions;
  TextCursor cursor(value);
  TextCursor head(cursor.word());
  const auto id = number<std::uint16_t>(head.until('/'));
  Extension result;
  if (!head.done()) {
    result.direction = direction_of(head.rest());
    if (!result.direction) return ParseReason::bad_attribute;
  }
  result.uri = cursor.word();
  if (!id || *id == 0 || !is_visible(result.uri)) return ParseReason::bad_attribute;
  result.id = *id;
  if (extensions.size() >= limits_.extensions_max) return ParseReason::limit;
  if (std::any_of(extensions.begin(), extensions.end(), [&](const Extension& e) { return e.id == result.id; }))
    return ParseReason::duplicate;
  extensions.push_back(std::move(result));
  return fine;
}

Format* AttributeParser::format_of(std::string_view payload_type, bool& valid) {
  const auto value = number<std::uint8_t>(payload_type);
  valid = value && *value < format_index_.size();
  if (!valid || format_index_[*value] == 0) return nullptr;
  return &media_->formats[format_index_[*value] - 1U];
}

AttributeParser::Outcome AttributeParser::rtpmap(std::string_view value) {
  TextCursor cursor(value);
  bool valid = false;
  Format* format = format_of(cursor.word(), valid);
  TextCursor mapping(cursor.word());
  const std::string_view encoding = mapping.until('/');
  const auto clock_rate = number<std::uint32_t>(mapping.until('/'));
  if (!valid || !is_token(encoding) || !clock_rate || *clock_rate == 0) return ParseReason::bad_attribute;
  std::uint32_t channels = 0;
  if (!mapping.done()) {
    const auto parsed = number<std::uint32_t>(mapping.rest());
    if (!parsed || *parsed == 0) return ParseReason::bad_attribute;
    channels = *parsed;
  }
  if (format == nullptr) return fine;  // not one of the m-line's
  if (!format->encoding.empty()) return ParseReason::duplicate;
  format->encoding = encoding;
  format->clock_rate = *clock_rate;
  format->channels = channels;
  return fine;
}

AttributeParser::Outcome AttributeParser::fmtp(std::string_view value) {
  TextCursor cursor(value);
  bool valid = false;
  Format* format = format_of(cursor.word(), valid);
  // Formats of application m-lines are names, so a foreign one is no error.
  if (format == nullptr) return valid || media_->formats.empty() ? fine : ParseReason::bad_attribute;
  if (format->parameters) return ParseReason::duplicate;
  format->parameters = cursor.rest();
  return fine;
}

AttributeParser::Outcome AttributeParser::feedback(std::string_view value) {
  TextCursor cursor(value);
  const std::string_view payload_type = cursor.word();
  const std::string_view type = cursor.rest();
  if (type.empty()) return ParseReason::bad_attribute;
  if (++feedback_count_ > limits_.feedback_max) return ParseReason::limit;
  if (payload_type == "*") {
    media_->feedback_for_all.emplace_back(type);
    return fine;
  }
  bool valid = false;
  Format* format = format_of(payload_type, valid);
  if (format != nullptr) format->feedback.emplace_back(type);
  return valid ? fine : ParseReason::bad_attribute;
}

AttributeParser::Outcome AttributeParser::msid(std::string_view value) {
  constexpr std::size_t msids_max = 16;
  if (media_->msids.size() >= msids_max) return ParseReason::limit;
  TextCursor cursor(value);
  Msid result;
  result.stream = cursor.word();
  result.track = cursor.word();
  if (result.stream.empty()) return ParseReason::bad_attribute;
  media_->msids.push_back(std::move(result));
  return fine;
}

AttributeParser::Outcome AttributeParser::ssrc(std::string_view value) {
  TextCursor cursor(value);
  const auto id = number<std::uint32_t>(cursor.word());
  if (!id) return ParseReason::bad_attribute;
  auto& ssrcs = media_->ssrcs;
  auto found = std::find_if(ssrcs.begin(), ssrcs.end(), [&](const SsrcAttributes& s) { return s.ssrc.value == *id; });
  if (found == ssrcs.end()) {
    if (ssrcs.size() >= limits_.ssrcs_max) return ParseReason::limit;
    found = ssrcs.insert(ssrcs.end(), {Ssrc{*id}, {}});
  }
  TextCursor attribute(cursor.rest());
  if (attribute.until(':') == "cname") found->cname = attribute.rest();
  return fine;
}

AttributeParser::Outcome AttributeParser::ssrc_group(std::string_view value) {
  if (media_->ssrc_groups.size() >= limits_.ssrcs_max) return ParseReason::limit;
  TextCursor cursor(value);
  SsrcGroup result;
  result.semantics = cursor.word();
  if (!is_token(result.semantics)) return ParseReason::bad_attribute;
  for (auto word = cursor.word(); !word.empty(); word = cursor.word()) {
    const auto id = number<std::uint32_t>(word);
    if (!id) return ParseReason::bad_attribute;
    if (result.ssrcs.size() >= limits_.ssrcs_max) return ParseReason::limit;
    result.ssrcs.push_back(Ssrc{*id});
  }
  media_->ssrc_groups.push_back(std::move(result));
  return fine;
}

AttributeParser::Outcome AttributeParser::rid(std::string_view value) {
  TextCursor cursor(value);
  RidDescription result;
  result.id = cursor.word();
  const std::string_view direction = cursor.word();
  if (!is_token(result.id) || (direction != "send" && direction != "recv")) return ParseReason::bad_attribute;
  result.direction = direction == "send" ? RidDescription::Direction::send : RidDescription::Direction::recv;
  result.restrictions = cursor.rest();
  std::size_t same_direction = 0;
  for (const RidDescription& other : media_->rids) {
    if (other.id == result.id) return ParseReason::duplicate;
    if (other.direction == result.direction) ++same_direction;
  }
  if (same_direction >= limits_.layers_max) return ParseReason::limit;
  media_->rids.push_back(std::move(result));
  return fine;
}

AttributeParser::Outcome AttributeParser::simulcast(std::string_view value) {
  if (media_->simulcast) return ParseReason::duplicate;
  Simulcast result;
  TextCursor cursor(value);
  for (auto direction = cursor.word(); !direction.empty(); direction = cursor.word()) {
    if (direction != "send" && direction != "recv") return ParseReason::bad_attribute;
    auto& streams = direction == "send" ? result.send : result.recv;
    if (!streams.empty()) return ParseReason::duplicate;
    TextCursor list(cursor.word());
    do {
      std::string_view first = TextCursor(list.until(';')).until(',');
      SimulcastStream stream;
      if (!first.empty() && first.front() == '~') {
        stream.paused = true;
        first.remove_prefix(1);
      }
      if (!is_token(first)) return ParseReason::bad_attribute;
      if (streams.size() >= limits_.layers_max) return ParseReason::limit;
      stream.rid = first;
      streams.push_back(std::move(stream));
    } while (!list.done());
  }
  if (result.send.empty() && result.recv.empty()) return ParseReason::bad_attribute;
  media_->simulcast = std::move(result);
  return fine;
}

AttributeParser::Outcome AttributeParser::candidate(std::string_view value) {
  if (media_->candidates.size() >= limits_.candidates_max) return ParseReason::limit;
  TextCursor cursor(value);
  Candidate result;
  result.foundation = cursor.word();
  const auto component = number<std::uint32_t>(cursor.word());
  result.transport = cursor.word();
  const auto priority = number<std::uint32_t>(cursor.word());
  result.address = cursor.word();
  const auto port = number<std::uint16_t>(cursor.word());
  const bool typed = cursor.word() == "typ";
  result.type = cursor.word();
  result.extensions = cursor.rest();
  // An ICE-lite server uses no remote candidate, so one that it cannot read does no harm.
  if (!component || !priority || !port || !typed || result.type.empty()) return fine;
  result.component = *component;
  result.priority = *priority;
  result.port = *port;
  media_->candidates.push_back(std::move(result));
  return fine;
}

}  // namespace sluice::sdp
