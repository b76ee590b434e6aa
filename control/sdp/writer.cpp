#include "control/sdp/writer.hpp"

#include <string_view>

namespace sluice::sdp {
namespace {

std::string_view to_string(Direction direction) {
  switch (direction) {
    case Direction::sendrecv:
      return "sendrecv";
    case Direction::sendonly:
      return "sendonly";
    case Direction::recvonly:
      return "recvonly";
    case Direction::inactive:
      break;
  }
  return "inactive";
}

std::string_view to_string(Setup setup) {
  switch (setup) {
    case Setup::actpass:
      return "actpass";
    case Setup::active:
      return "active";
    case Setup::passive:
      return "passive";
    case Setup::holdconn:
      break;
  }
  return "holdconn";
}

class Writer {
 public:
  std::string take() { return std::move(out_); }

  void session(const SessionDescription& d) {
    line("v=0");
    line("o=", d.username, " ", std::to_string(d.session_id), " ", std::to_string(d.session_version), " ", d.address);
    line("s=-");
    line("t=0 0");
    if (d.ice_lite) line("a=ice-lite");
    for (const Group& group : d.groups) {
      std::string mids;
      for (const std::string& mid : group.mids) mids += " " + mid;
      line("a=group:", group.semantics, mids);
    }
    if (d.extmap_allow_mixed) line("a=extmap-allow-mixed");
    transport(d.transport);
    extensions(d.extensions);
    if (d.direction) line("a=", to_string(*d.direction));
    for (const MediaDescription& m : d.media) media(m);
  }

 private:
  template <typename... Parts>
  void line(const Parts&... parts) {
    ((out_ += parts), ...);
    out_ += "\r\n";
  }

  void transport(const TransportAttributes& t) {
    if (t.ice_ufrag) line("a=ice-ufrag:", *t.ice_ufrag);
    if (t.ice_pwd) line("a=ice-pwd:", *t.ice_pwd);
    if (t.ice_options) line("a=ice-options:", *t.ice_options);
    for (const Fingerprint& f : t.fingerprints) {
      static constexpr std::string_view digits = "0123456789ABCDEF";
      std::string hex;
      for (const std::uint8_t byte : f.value) {
        if (!hex.empty()) hex += ':';
        hex += digits[byte >> 4U];
        hex += digits[byte & 15U];
      }
      line("a=fingerprint:", f.algorithm, " ", hex);
    }
    if (t.setup) line("a=setup:", to_string(*t.setup));
    if (t.tls_id) line("a=tls-id:", *t.tls_id);
  }

  void extensions(const std::vector<Extension>& list) {
    for (const Extension& e : list)
      line("a=extmap:", std::to_string(e.id), e.direction ? "/" + std::string(to_string(*e.direction)) : "", " ", e.uri);
  }

  void format(const Format& f) {
    const std::string number = std::to_string(f.payload_type);
    if (!f.encoding.empty())
      line("a=rtpmap:", number, " ", f.encoding, "/", std::to_string(f.clock_rate),
           f.channels != 0 ? "/" + std::to_string(f.channels) : "");
    for (const std::string& type : f.feedback) line("a=rtcp-fb:", number, " ", type);
    if (f.parameters) line("a=fmtp:", number, " ", *f.parameters);
  }

  static std::string streams(const std::vector<SimulcastStream>& list) {
    std::string text;
    for (const SimulcastStream& s : list) {
      if (!text.empty()) text += ';';
      text += (s.paused ? "~" : "") + s.rid;
    }
    return text;
  }

  void media(const MediaDescription& m) {
    std::string formats = m.format_text;
    for (const Format& f : m.formats) formats += (formats.empty() ? "" : " ") + std::to_string(f.payload_type);
    line("m=", m.medium_text, " ", std::to_string(m.port), " ", m.protocol, " ", formats);
    line("c=IN IP4 0.0.0.0");
    if (m.mid) line("a=mid:", *m.mid);
    if (m.bundle_only) line("a=bundle-only");
    transport(m.transport);
    for (const Candidate& c : m.candidates)
      line("a=candidate:", c.foundation, " ", std::to_string(c.component), " ", c.transport, " ", std::to_string(c.priority),
           " ", c.address, " ", std::to_string(c.port), " typ ", c.type, c.extensions.empty() ? "" : " " + c.extensions);
    if (m.end_of_candidates) line("a=end-of-candidates");
    if (m.direction) line("a=", to_string(*m.direction));
    if (m.rtcp_mux) line("a=rtcp-mux");
    if (m.rtcp_reduced_size) line("a=rtcp-rsize");
    if (m.extmap_allow_mixed) line("a=extmap-allow-mixed");
    extensions(m.extensions);
    for (const std::string& type : m.feedback_for_all) line("a=rtcp-fb:* ", type);
    for (const Format& f : m.formats) format(f);
    for (const Msid& id : m.msids) line("a=msid:", id.stream, id.track.empty() ? "" : " " + id.track);
    for (const RidDescription& r : m.rids)
      line("a=rid:", r.id, r.direction == RidDescription::Direction::send ? " send" : " recv",
           r.restrictions.empty() ? "" : " " + r.restrictions);
    if (m.simulcast) {
      std::string text;
      if (!m.simulcast->send.empty()) text = "send " + streams(m.simulcast->send);
      if (!m.simulcast->recv.empty()) text += (text.empty() ? "recv " : " recv ") + streams(m.simulcast->recv);
      line("a=simulcast:", text);
    }
    for (const SsrcGroup& g : m.ssrc_groups) {
      std::string ids;
      for (const Ssrc ssrc : g.ssrcs) ids += " " + std::to_string(ssrc.value);
      line("a=ssrc-group:", g.semantics, ids);
    }
    for (const SsrcAttributes& s : m.ssrcs) line("a=ssrc:", std::to_string(s.ssrc.value), " cname:", s.cname);
  }

  std::string out_;
};

}  // namespace

std::string write(const SessionDescription& description) {
  Writer writer;
  writer.session(description);
  return writer.take();
}

}  // namespace sluice::sdp
