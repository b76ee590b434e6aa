#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/control/sdp/offer_files.hpp"

namespace sluice {

/// Writes offers as a browser would, line by line.
class OfferText {
 public:
  explicit OfferText(const std::string& name) : ufrag_(name + "ufrag") {}
  OfferText& ufrag(const std::string& text) { return ufrag_ = text, *this; }
  OfferText& certificate(int number) { return certificate_ = number, *this; }
  OfferText& origin(int number) { return origin_ = number, *this; }

  OfferText& sends_audio(const std::string& mid) { return audio(mid, "sendonly"); }
  OfferText& receives_audio(const std::string& mid) { return audio(mid, "recvonly"); }
  OfferText& sends_video(const std::string& mid, const std::vector<std::string>& rids, std::uint32_t ssrc = 0) {
    std::string extra;
    std::string list;
    for (const std::string& rid : rids) {
      extra += "a=rid:" + rid + " send\r\n";
      list += (list.empty() ? "" : ";") + rid;
    }
    if (!rids.empty()) extra += "a=simulcast:send " + list + "\r\n";
    if (ssrc != 0) extra += "a=ssrc:" + std::to_string(ssrc) + " cname:c\r\n";
    return video(mid, "sendonly", "9", extra);
  }
  OfferText& receives_video(const std::string& mid) { return video(mid, "recvonly", "9", ""); }
  OfferText& both_video(const std::string& mid) { return video(mid, "sendrecv", "9", ""); }
  OfferText& stopped_video(const std::string& mid) {
    stopped_ = mid;
    return video(mid, "inactive", "0", "");
  }
  OfferText& data(const std::string& mid) { return add(mid, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"); }

  [[nodiscard]] std::string text() const {
    std::string fingerprint;
    for (int i = 0; i < 32; ++i) fingerprint += (i == 0 ? "" : ":") + std::string("A") + std::to_string(certificate_);
    std::string mids;
    for (const std::string& mid : mids_)
      if (mid != stopped_) mids += " " + mid;
    std::string result = "v=0\r\no=- " + std::to_string(origin_) + " 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE" +
                         mids + "\r\na=ice-ufrag:" + ufrag_ + "\r\na=ice-pwd:" + ufrag_ +
                         "passwordpasswordpassword\r\na=fingerprint:sha-256 " + fingerprint + "\r\na=setup:actpass\r\n";
    return result + sections_;
  }

 private:
  OfferText& add(const std::string& mid, const std::string& section) {
    mids_.push_back(mid);
    sections_ += section + "c=IN IP4 0.0.0.0\r\na=mid:" + mid + "\r\n";
    return *this;
  }
  OfferText& audio(const std::string& mid, const std::string& direction) {
    add(mid, "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n");
    sections_ += "a=" + direction +
                 "\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n";
    return *this;
  }
  OfferText& video(const std::string& mid, const std::string& direction, const std::string& port, const std::string& extra) {
    add(mid, "m=video " + port + " UDP/TLS/RTP/SAVPF 96 97\r\n");
    sections_ += "a=" + direction +
                 "\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 "
                 "transport-cc\r\n"
                 "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
                 "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\na=extmap:11 "
                 "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n" +
                 extra;
    return *this;
  }

  std::string ufrag_;
  int certificate_ = 1;
  int origin_ = 7;
  std::string stopped_ = "none";
  std::vector<std::string> mids_;
  std::string sections_;
};

}  // namespace sluice
