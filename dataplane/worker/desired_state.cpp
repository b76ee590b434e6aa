#include "dataplane/worker/desired_state.hpp"

#include <functional>
#include <sstream>
#include <string_view>

namespace sluice {
namespace {

template <typename Id>
void write_id(std::ostringstream& out, Id id) {
  out << id.slot << '#' << id.incarnation;
}

void write_codecs(std::ostringstream& out, const std::vector<CodecSpec>& codecs) {
  for (const CodecSpec& c : codecs) {
    out << " codec=" << int{static_cast<std::uint8_t>(c.codec)} << ':' << int{c.payload_type} << '/'
        << int{c.rtx_payload_type} << '@' << c.clock_rate << (c.nack ? "n" : "") << (c.pli ? "p" : "")
        << (c.transport_cc ? "t" : "");
  }
}

}  // namespace

std::string DesiredState::describe() const {
  std::ostringstream out;
  for (const auto& [slot, t] : transports) {
    out << "transport ";
    write_id(out, t.id);
    out << " ufrag=" << t.local_ufrag.view() << '/' << t.remote_ufrag.view()
        << " pwd=" << std::hash<std::string_view>{}(t.local_pwd.view())
        << " role=" << int{static_cast<std::uint8_t>(t.dtls_role)} << " fingerprint="
        << std::hash<std::string_view>{}({reinterpret_cast<const char*>(t.fingerprint.data()), t.fingerprint.size()});
    const HeaderExtensionIds& e = t.extensions;
    for (const std::uint8_t id : {e.mid, e.rid, e.repaired_rid, e.transport_wide_cc, e.abs_send_time, e.audio_level,
                                  e.video_orientation, e.playout_delay}) {
      out << ' ' << int{id};
    }
    out << " cap=" << t.max_receive_bitrate;
    const auto write_place = [&](const char* what, const std::optional<TransportPlace>& place) {
      if (!place) return;
      out << what << place->worker.value << ':';
      write_id(out, place->transport);
    };
    write_place(" from=", t.from);
    write_place(" home=", t.home);
    out << '\n';
  }
  for (const auto& [slot, p] : publications) {
    out << "publication ";
    write_id(out, p.id);
    out << " of ";
    write_id(out, p.transport);
    out << " kind=" << int{static_cast<std::uint8_t>(p.kind)} << " mid=" << p.mid.view() << " forward=" << p.forward << '@'
        << p.policy_epoch;
    write_codecs(out, p.codecs);
    for (const Rid& rid : p.rids) out << " rid=" << rid.view();
    for (const DeclaredSsrc& s : p.ssrcs) out << " ssrc=" << int{s.layer} << ':' << s.ssrc.value << '/' << s.rtx_ssrc.value;
    out << '\n';
  }
  for (const auto& [slot, s] : subscriptions) {
    out << "subscription ";
    write_id(out, s.id);
    out << " of ";
    write_id(out, s.transport);
    out << " kind=" << int{static_cast<std::uint8_t>(s.kind)} << " mid=" << s.mid.view() << " ssrc=" << s.ssrc.value << '/'
        << s.rtx_ssrc.value << " fills=";
    write_id(out, s.publication);
    out << " active=" << s.active << '@' << s.policy_epoch << " max=" << int{s.max_layer};
    write_codecs(out, s.codecs);
    out << '\n';
  }
  for (const auto& [packed, d] : departures) {
    out << "departure ";
    write_id(out, d.transport);
    out << " to=" << d.to_worker.value << ':';
    write_id(out, d.to);
    const auto write_moved = [&](const char* what, const auto& rows) {
      for (const auto& [before, after] : rows) {
        out << what;
        write_id(out, before);
        out << "->";
        write_id(out, after);
      }
    };
    write_moved(" p=", d.publications);
    write_moved(" s=", d.subscriptions);
    out << '\n';
  }
  return std::move(out).str();
}

}  // namespace sluice
