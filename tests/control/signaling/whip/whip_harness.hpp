#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/rooms/publications.hpp"
#include "control/rooms/rooms.hpp"
#include "control/sdp/parser.hpp"
#include "control/sdp/writer.hpp"
#include "control/sessions/control_state.hpp"
#include "control/sessions/sessions.hpp"
#include "control/signaling/whip/whip_route.hpp"
#include "control/signaling/whip/whip_sessions.hpp"
#include "shm/region/region.hpp"
#include "shm/state_log/state_log.hpp"
#include "tests/support/seeded_entropy.hpp"

namespace sluice::testing_whip {

using namespace std::chrono_literals;
using loop::HttpMethod;
using loop::HttpRequest;
using loop::HttpResponse;

/// Answers offers with their own m-lines, turned round; m-lines in `refused` get port 0. Keeps one ICE session a peer.
class ScriptedMedia final : public MediaSignaling {
 public:
  Result<Answer, OfferError> handle_offer(const PeerId& peer, std::string_view text, TimePoint) override {
    offers[peer.value] = text;
    if (error) return unexpected(*error);
    auto description = sdp::parse(text);
    if (!description) return unexpected(OfferError{"SFU_OFFER_INVALID", "unreadable"});
    for (std::size_t i = 0; i < description->media.size(); ++i) {
      auto& media = description->media[i];
      media.direction = media.direction == sdp::Direction::sendonly ? sdp::Direction::recvonly : sdp::Direction::sendonly;
      if (refused == i) media.port = 0;
    }
    sessions[peer.value] = {"ufrag" + std::to_string(++last_), "pwd", {"1 1 udp 1 192.0.2.1 40000 typ host"}, "0", "audio"};
    remote[peer.value] = {};
    return Answer{sdp::write(*description), {}};
  }
  void handle_candidate(const PeerId&, std::string_view) override {}
  std::optional<std::string> mid_of_consumer(const ConsumerId&) const override { return std::nullopt; }
  std::optional<IceSession> ice_session(const PeerId& peer) const override {
    const auto found = sessions.find(peer.value);
    return found == sessions.end() ? std::nullopt : std::optional(found->second);
  }
  Result<IceSession, OfferError> restart_ice(const PeerId& peer, std::string_view ufrag, std::string_view pwd) override {
    if (restart_error) return unexpected(*restart_error);
    const std::string now = std::string(ufrag) + "/" + std::string(pwd);
    if (!remote[peer.value].empty() && remote[peer.value] != now)
      sessions[peer.value].ufrag = "ufrag" + std::to_string(++last_);
    remote[peer.value] = now;
    return sessions[peer.value];
  }
  std::map<std::string, std::string> offers;
  std::map<std::string, IceSession> sessions;
  std::map<std::string, std::string> remote;
  std::optional<std::size_t> refused;
  std::optional<OfferError> error;
  std::optional<OfferError> restart_error;

 private:
  int last_ = 0;
};

inline std::string offer_line(const std::string& kind, const std::string& mid, const std::string& direction,
                              const std::string& more = "") {
  return "m=" + kind + " 9 UDP/TLS/RTP/SAVPF " + (kind == "audio" ? "111" : "96") + "\r\nc=IN IP4 0.0.0.0\r\na=mid:" + mid +
         "\r\na=" + direction + "\r\na=rtcp-mux\r\na=rtpmap:" + (kind == "audio" ? "111 opus/48000/2" : "96 VP8/90000") +
         "\r\n" + more;
}
inline std::string offer_of(const std::string& lines) {
  return "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=ice-ufrag:abcd\r\n"
         "a=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 "
         "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n"
         "a=setup:actpass\r\n" +
         lines;
}
inline const std::string three_layers =
    "a=rid:l send\r\na=rid:m send\r\na=rid:h send\r\na=simulcast:send l;m;h\r\na=msid:s camera\r\n";
inline std::string publishing() {
  return offer_of(offer_line("audio", "0", "sendonly") + offer_line("video", "1", "sendonly", three_layers));
}
inline std::string viewing() {
  return offer_of(offer_line("audio", "0", "recvonly") + offer_line("video", "1", "recvonly"));
}

/// A server of WHIP and WHEP whose media side is scripted; its memory can outlive it.
class Server {
 public:
  explicit Server(StateLog& log, WhipOptions options = {}, RoomsOptions rooms_options = {})
      : rooms(bus, entropy, rooms_options, [](TimePoint at) { return at.time_since_epoch() / 1ms; }),
        publications(rooms, bus, entropy, {}, [](TimePoint at) { return at.time_since_epoch() / 1ms; }),
        held(rooms, bus, entropy, {}),
        control_state(rooms, &publications, held, bus, log),
        sessions(rooms, publications, media, held, bus, log, entropy, options),
        route(sessions, options,
              {[this] { return now; }, [](std::string_view name) { return RoomId(std::string(name)); },
               [this](const PeerId&, TimePoint) { return ice_servers; }}) {}

  /// Asks; the answer is empty (status 0) when it is still to come, then in `late`.
  HttpResponse ask(HttpMethod method, const std::string& path, const std::string& body = "",
                   std::vector<std::pair<std::string, std::string>> headers = {}) {
    HttpRequest request;
    request.method = method;
    request.path = path.substr(0, path.find('?'));
    if (path.find('?') != std::string::npos) request.query = path.substr(path.find('?') + 1);
    request.remote_ip = "192.0.2.7";
    request.body = body;
    request.headers = std::move(headers);
    request.authorization = request.header("authorization").value_or("");
    request.origin = request.header("origin").value_or("");
    HttpResponse answer;
    answer.status = 0;
    const auto place = std::make_shared<HttpResponse>(answer);
    const loop::HttpReply reply([place, this](HttpResponse response) {
      *place = response;
      late = std::move(response);
    });
    aborter = reply.aborter();
    EXPECT_TRUE(route.claims(request));
    route.http(request, reply);
    pending = reply;
    return *place;
  }
  HttpResponse post(const std::string& path, const std::string& offer,
                    std::vector<std::pair<std::string, std::string>> more = {}) {
    more.emplace_back("content-type", "application/sdp");
    now += 1s;  // joins are limited
    return ask(HttpMethod::post, path, offer, std::move(more));
  }
  HttpResponse patch(const std::string& url, const std::string& tag, const std::string& fragment) {
    return ask(HttpMethod::patch, url, fragment, {{"content-type", "application/trickle-ice-sdpfrag"}, {"if-match", tag}});
  }
  static std::string header(const HttpResponse& response, const std::string& name) {
    for (const auto& [known, value] : response.headers) {
      if (known == name) return value;
    }
    return "";
  }
  void turn(Duration time = 0s) {
    now += time;
    if (sessions.next_deadline() <= now) sessions.handle_timeout(now);
  }
  PeerId peer_of(const HttpResponse& created) {
    const std::string url = header(created, "location");
    return sessions.peer_of(url.substr(url.rfind('/') + 1)).value_or(PeerId());
  }
  std::vector<const Publication*> watched(const PeerId& peer) {
    std::vector<const Publication*> result;
    for (const Subscription* each : publications.of_subscriber(peer)) result.push_back(publications.find(each->producer));
    return result;
  }
  /// Somebody of another dialect, who publishes.
  PeerId native(const std::string& room) {
    const PeerId peer = rooms.connect("native", "192.0.2.9");
    rooms.join(peer, RoomId(room), {}, now, [](const JoinOutcome& outcome, TimePoint) { EXPECT_TRUE(outcome); });
    return peer;
  }
  ProducerId publish(const PeerId& peer, PublicationKind kind) {
    PublishRequest request;
    request.kind = kind;
    return (*publications.publish(peer, request, now))->id;
  }

  Bus bus;
  test::SeededEntropy entropy;
  TimePoint now{1h};
  Rooms rooms;
  Publications publications;
  Sessions held;
  ControlState control_state;
  ScriptedMedia media;
  std::optional<std::string> ice_servers;
  WhipSessions sessions;
  WhipRoute route;
  HttpResponse late;
  loop::HttpReply::Aborter aborter;
  std::optional<loop::HttpReply> pending;
};

class WhipTest : public ::testing::Test {
 protected:
  StateLog log = *StateLog::open(*Region::create("whip-test", 1 << 20U));
  Server server{log};
};

}  // namespace sluice::testing_whip
