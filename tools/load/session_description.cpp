#include "tools/load/session_description.hpp"

#include <charconv>

namespace sluice::load {

namespace {

constexpr std::string_view mid_uri = "urn:ietf:params:rtp-hdrext:sdes:mid";
constexpr std::string_view transport_cc_uri = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

void write_line(std::string& out, const OfferLine& line, const IceCredentials& ice, const std::string& fingerprint) {
  const auto add = [&](const std::string& text) { out += text + "\r\n"; };
  const bool video = line.kind == MediaKind::video;
  const std::string codec = number(video ? OfferNumbers::vp8 : OfferNumbers::opus);
  const std::string rtx = number(OfferNumbers::rtx);
  add(video ? "m=video 9 UDP/TLS/RTP/SAVPF " + codec + " " + rtx : "m=audio 9 UDP/TLS/RTP/SAVPF " + codec);
  add("c=IN IP4 0.0.0.0");
  add("a=mid:" + line.mid);
  add("a=ice-ufrag:" + ice.ufrag);
  add("a=ice-pwd:" + ice.pwd);
  add("a=fingerprint:sha-256 " + fingerprint);
  add("a=setup:actpass");
  add(line.sends ? "a=sendonly" : "a=recvonly");
  add("a=rtcp-mux");
  add("a=rtcp-rsize");
  add("a=extmap:" + number(OfferNumbers::mid_extension) + " " + std::string(mid_uri));
  add("a=extmap:" + number(OfferNumbers::transport_cc_extension) + " " + std::string(transport_cc_uri));
  add("a=rtpmap:" + codec + (video ? " VP8/90000" : " opus/48000/2"));
  add("a=rtcp-fb:" + codec + " transport-cc");
  if (video) {
    add("a=rtcp-fb:" + codec + " ccm fir");
    add("a=rtcp-fb:" + codec + " nack");
    add("a=rtcp-fb:" + codec + " nack pli");
    add("a=rtpmap:" + rtx + " rtx/90000");
    add("a=fmtp:" + rtx + " apt=" + codec);
  } else {
    add("a=fmtp:" + codec + " minptime=10;useinbandfec=1");
  }
  if (!line.sends) return;
  add("a=msid:load " + line.mid);
  if (line.rtx_ssrc.value != 0) add("a=ssrc-group:FID " + number(line.ssrc.value) + " " + number(line.rtx_ssrc.value));
  add("a=ssrc:" + number(line.ssrc.value) + " cname:load");
  if (line.rtx_ssrc.value != 0) add("a=ssrc:" + number(line.rtx_ssrc.value) + " cname:load");
}

/// What follows `prefix`; nothing when the line does not begin with it.
std::optional<std::string_view> after(std::string_view line, std::string_view prefix) {
  if (!line.starts_with(prefix)) return std::nullopt;
  return line.substr(prefix.size());
}

template <typename T>
T to_number(std::string_view text, int base = 10) {
  T value{};
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

std::optional<CertificateHash> read_hash(std::string_view text) {
  CertificateHash hash{};
  if (text.size() != hash.size() * 3 - 1) return std::nullopt;
  for (std::size_t i = 0; i < hash.size(); ++i) hash[i] = to_number<std::uint8_t>(text.substr(i * 3, 2), 16);
  return hash;
}

void read_media_line(std::string_view line, AnswerLine& media) {
  if (const auto mid = after(line, "a=mid:")) {
    media.mid = *mid;
  } else if (const auto group = after(line, "a=ssrc-group:FID ")) {
    const std::size_t space = group->find(' ');
    media.ssrc = {to_number<std::uint32_t>(*group)};
    if (space != std::string_view::npos) media.rtx_ssrc = {to_number<std::uint32_t>(group->substr(space + 1))};
  } else if (const auto ssrc = after(line, "a=ssrc:")) {
    if (media.ssrc.value == 0) media.ssrc = {to_number<std::uint32_t>(*ssrc)};
  } else if (const auto extension = after(line, "a=extmap:")) {
    const auto id = to_number<std::uint8_t>(*extension);
    if (extension->ends_with(mid_uri)) media.mid_extension = id;
    if (extension->ends_with(transport_cc_uri)) media.transport_cc_extension = id;
  } else if (line.starts_with("a=rtpmap:") && line.find(" rtx/") != std::string_view::npos) {
    media.rtx = true;
  }
}

}  // namespace

std::string write_offer(const std::vector<OfferLine>& lines, const IceCredentials& ice, const std::string& fingerprint) {
  std::string bundle = "a=group:BUNDLE";
  for (const OfferLine& line : lines) bundle += " " + line.mid;
  std::string out = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n" + bundle + "\r\n";
  for (const OfferLine& line : lines) write_line(out, line, ice, fingerprint);
  return out;
}

std::optional<Answer> read_answer(std::string_view sdp) {
  Answer answer;
  bool has_fingerprint = false;
  while (!sdp.empty()) {
    const std::size_t end = sdp.find('\n');
    std::string_view line = sdp.substr(0, end);
    sdp = end == std::string_view::npos ? std::string_view{} : sdp.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (const auto media = after(line, "m=")) {
      const std::size_t space = media->find(' ');
      answer.lines.emplace_back();
      answer.lines.back().accepted = space != std::string_view::npos && to_number<unsigned>(media->substr(space + 1)) != 0;
    } else if (const auto ufrag = after(line, "a=ice-ufrag:")) {
      answer.ice.ufrag = *ufrag;
    } else if (const auto pwd = after(line, "a=ice-pwd:")) {
      answer.ice.pwd = *pwd;
    } else if (const auto fingerprint = after(line, "a=fingerprint:sha-256 ")) {
      if (const std::optional<CertificateHash> hash = read_hash(*fingerprint)) {
        answer.fingerprint = *hash;
        has_fingerprint = true;
      }
    } else if (const auto candidate = after(line, "a=candidate:")) {
      answer.candidates.emplace_back(*candidate);
    } else if (!answer.lines.empty()) {
      read_media_line(line, answer.lines.back());
    }
  }
  if (!has_fingerprint || answer.ice.ufrag.empty() || answer.ice.pwd.empty() || answer.candidates.empty())
    return std::nullopt;
  return answer;
}

}  // namespace sluice::load
