#include "control/sdp/description.hpp"

#include <algorithm>

namespace sluice::sdp {

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return lower(x) == lower(y); });
}

const Format* MediaDescription::find_format(std::uint8_t payload_type) const {
  const auto found =
      std::find_if(formats.begin(), formats.end(), [&](const Format& f) { return f.payload_type == payload_type; });
  return found == formats.end() ? nullptr : &*found;
}

bool MediaDescription::is_secure_rtp() const {
  return (medium == Medium::audio || medium == Medium::video) &&
         (protocol == "UDP/TLS/RTP/SAVPF" || protocol == "TCP/DTLS/RTP/SAVPF");
}

}  // namespace sluice::sdp
