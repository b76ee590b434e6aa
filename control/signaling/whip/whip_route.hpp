#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/loop/route.hpp"
#include "control/signaling/whip/whip_options.hpp"
#include "control/signaling/whip/whip_sessions.hpp"

namespace sluice {

/// WHIP and WHEP by HTTP: `/whip/ROOM` and `/whep/ROOM` are endpoints, `/whip/sessions/ID` and `/whep/sessions/ID` the
/// sessions that a POST there makes (so no room's name can begin with `sessions/`). Methods, statuses and headers as RFC
/// 9725 says; every refusal carries a problem description (RFC 9457) with a sentence in it. Web pages of any origin may ask,
/// unless the options name origins.
class WhipRoute final : public loop::Route {
 public:
  struct Hooks {
    std::function<TimePoint()> now;
    /// The core's room for what a client calls it.
    std::function<RoomId(std::string_view name)> room;
    /// ICE servers for a peer as a raw JSON array (contract section 14), or nothing.
    std::function<std::optional<std::string>(const PeerId&, TimePoint now)> ice_servers;
  };
  /// `sessions` is borrowed for life.
  WhipRoute(WhipSessions& sessions, WhipOptions options, Hooks hooks);

  [[nodiscard]] bool claims(const loop::RequestHead& head) const override;
  void http(const loop::HttpRequest& request, loop::HttpReply reply) override;

 private:
  struct Target {
    whip::Role role = whip::Role::publish;
    bool is_session = false;
    std::string name;  // of the room, or the session's id
  };
  [[nodiscard]] static std::optional<Target> target_of(std::string_view path);
  void post(const loop::HttpRequest& request, const Target& target, const loop::HttpReply& reply);
  [[nodiscard]] loop::HttpResponse created(const Target& target, const WhipSessions::Created& session) const;
  [[nodiscard]] loop::HttpResponse options(const loop::HttpRequest& request, const Target& target) const;
  [[nodiscard]] loop::HttpResponse get(const loop::HttpRequest& request, const Target& target) const;
  [[nodiscard]] loop::HttpResponse patch(const loop::HttpRequest& request, const Target& target);
  [[nodiscard]] loop::HttpResponse remove(const Target& target);

  WhipSessions& sessions_;
  WhipOptions options_;
  Hooks hooks_;
};

/// The Link headers (RFC 9725 section 4.6) for ICE servers given as the JSON array of RTCIceServer dictionaries; what is not
/// well formed is left out.
[[nodiscard]] std::vector<std::string> ice_server_links(std::string_view ice_servers_json);

}  // namespace sluice
