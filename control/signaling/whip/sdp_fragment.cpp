#include "control/signaling/whip/sdp_fragment.hpp"

#include <algorithm>

namespace sluice::whip {

namespace {

constexpr std::size_t lines_max = 1024;

/// RFC 8839 section 5.4: 4 to 256 characters of a user fragment, 22 to 256 of a password, all ice-char.
bool is_ice_text(std::string_view text, std::size_t size_min) {
  return text.size() >= size_min && text.size() <= 256 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
         });
}

/// foundation component transport priority address port "typ" type ...
bool is_candidate(std::string_view value) {
  std::size_t words = 0;
  std::string_view seventh;
  while (!value.empty()) {
    const std::string_view word = value.substr(0, value.find(' '));
    if (word.empty()) return false;
    if (++words == 7) seventh = word;
    value.remove_prefix(std::min(value.size(), word.size() + 1));
  }
  return words >= 8 && seventh == "typ";
}

std::string in_line(std::size_t number, std::string_view what) {
  return "line " + std::to_string(number) + ": " + std::string(what);
}

/// Takes a value that may stand several times, but always the same.
bool take(std::optional<std::string>& place, std::string_view value) {
  if (place && *place != value) return false;
  place = value;
  return true;
}

}  // namespace

Result<SdpFragment, std::string> parse_fragment(std::string_view text) {
  SdpFragment fragment;
  std::size_t number = 0;
  while (!text.empty()) {
    if (++number > lines_max) return unexpected("more than " + std::to_string(lines_max) + " lines");
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    if (std::any_of(line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; }))
      return unexpected(in_line(number, "a control character"));
    if (line.size() < 2 || line[1] != '=' || line[0] < 'a' || line[0] > 'z')
      return unexpected(in_line(number, "not of the form x=value"));
    if (line[0] != 'a') continue;  // m=, and whatever else of a description a client leaves in
    const std::string_view attribute = line.substr(2);
    const std::string_view name = attribute.substr(0, attribute.find(':'));
    const std::string_view value = name.size() < attribute.size() ? attribute.substr(name.size() + 1) : std::string_view();
    if (name == "ice-ufrag") {
      if (!is_ice_text(value, 4)) return unexpected(in_line(number, "a=ice-ufrag has 4 to 256 letters, digits, + or /"));
      if (!take(fragment.ufrag, value)) return unexpected(in_line(number, "a second, different a=ice-ufrag"));
    } else if (name == "ice-pwd") {
      if (!is_ice_text(value, 22)) return unexpected(in_line(number, "a=ice-pwd has 22 to 256 letters, digits, + or /"));
      if (!take(fragment.pwd, value)) return unexpected(in_line(number, "a second, different a=ice-pwd"));
    } else if (name == "candidate") {
      if (!is_candidate(value)) return unexpected(in_line(number, "malformed a=candidate"));
      ++fragment.candidates;
    } else if (name == "end-of-candidates") {
      fragment.end_of_candidates = true;
    }
  }
  if (fragment.ufrag.has_value() != fragment.pwd.has_value())
    return unexpected(std::string("a=ice-ufrag and a=ice-pwd come together"));
  return fragment;
}

std::string write_fragment(const MediaSignaling::IceSession& session) {
  std::string text = "a=ice-lite\r\n";
  text += "a=ice-options:ice2\r\n";
  text += "a=group:BUNDLE " + session.mid + "\r\n";
  text += "m=" + session.medium + " 9 UDP/TLS/RTP/SAVPF 0\r\n";
  text += "a=mid:" + session.mid + "\r\n";
  text += "a=ice-ufrag:" + session.ufrag + "\r\n";
  text += "a=ice-pwd:" + session.pwd + "\r\n";
  for (const std::string& candidate : session.candidates) text += "a=candidate:" + candidate + "\r\n";
  text += "a=end-of-candidates\r\n";
  return text;
}

}  // namespace sluice::whip
