// The HTTP side: what RFC 9725 says of methods, statuses and headers.
#include "tests/control/signaling/whip/whip_harness.hpp"

namespace sluice::testing_whip {
namespace {

class WhipHttp : public WhipTest {
 protected:
  std::string location(const HttpResponse& response) { return Server::header(response, "location"); }
  std::string tag(const HttpResponse& response) { return Server::header(response, "etag"); }
};

TEST_F(WhipHttp, AnOfferMakesASession) {
  const HttpResponse created = server.post("/whip/r", publishing());
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(created.content_type, "application/sdp");
  EXPECT_TRUE(created.body.starts_with("v=0"));
  EXPECT_TRUE(location(created).starts_with("/whip/sessions/"));
  EXPECT_GE(location(created).size(), std::string("/whip/sessions/").size() + 43) << "256 random bits";
  EXPECT_EQ(tag(created), "\"ufrag1\"");
  EXPECT_EQ(Server::header(created, "accept-patch"), "application/trickle-ice-sdpfrag");
  EXPECT_EQ(Server::header(created, "access-control-allow-origin"), "*");
  const std::string exposed = Server::header(created, "access-control-expose-headers");
  for (const std::string name : {"Location", "ETag", "Link"}) EXPECT_NE(exposed.find(name), std::string::npos) << name;
  EXPECT_EQ(Server::header(created, "link"), "");
}

TEST_F(WhipHttp, TheAnswerHasTheDirectionOfTheRole) {
  EXPECT_EQ(server.post("/whip/r", publishing()).body.find("a=sendonly"), std::string::npos);
  const HttpResponse viewer = server.post("/whep/r", viewing());
  EXPECT_EQ(viewer.status, 201);
  EXPECT_EQ(viewer.body.find("a=recvonly"), std::string::npos);
}

TEST_F(WhipHttp, IceServersAreLinks) {
  server.ice_servers =
      R"([{"urls":"stun:s.example"},{"urls":["turn:t.example?transport=udp","turns:t.example"],"username":"u\"1","credential":"c"}])";
  const HttpResponse created = server.post("/whip/r", publishing());
  std::vector<std::string> links;
  for (const auto& [name, value] : created.headers) {
    if (name == "link") links.push_back(value);
  }
  ASSERT_EQ(links.size(), 3U);
  EXPECT_EQ(links[0], R"(<stun:s.example>; rel="ice-server")");
  EXPECT_EQ(
      links[1],
      R"(<turn:t.example?transport=udp>; rel="ice-server"; username="u\"1"; credential="c"; credential-type="password")");
  // Clients that need them before their offer ask by OPTIONS, which a preflight of a page does not do.
  EXPECT_NE(Server::header(server.ask(HttpMethod::options, "/whip/r"), "link"), "");
  EXPECT_EQ(
      Server::header(server.ask(HttpMethod::options, "/whip/r", "", {{"access-control-request-method", "POST"}}), "link"),
      "");
}

TEST_F(WhipHttp, LinksOfNonsenseAreLeftOut) {
  for (const std::string text :
       {"", "{", "{}", "[1]", R"([{"urls":5}])", R"([{"urls":"turn:a>b"}])", R"([{"username":"u"}])"})
    EXPECT_TRUE(ice_server_links(text).empty()) << text;
}

TEST_F(WhipHttp, OptionsTellsWhatIsAllowed) {
  const HttpResponse endpoint = server.ask(HttpMethod::options, "/whip/r", "", {{"access-control-request-method", "POST"}});
  EXPECT_EQ(endpoint.status, 200);
  EXPECT_EQ(Server::header(endpoint, "accept-post"), "application/sdp");
  EXPECT_NE(Server::header(endpoint, "access-control-allow-methods").find("POST"), std::string::npos);
  EXPECT_NE(Server::header(endpoint, "access-control-allow-headers").find("Authorization"), std::string::npos);
  const HttpResponse session = server.ask(HttpMethod::options, "/whip/sessions/x");
  EXPECT_NE(Server::header(session, "access-control-allow-methods").find("PATCH"), std::string::npos);
  EXPECT_NE(Server::header(session, "access-control-allow-methods").find("DELETE"), std::string::npos);
  EXPECT_NE(Server::header(session, "access-control-allow-headers").find("If-Match"), std::string::npos);
  EXPECT_EQ(Server::header(session, "accept-patch"), "application/trickle-ice-sdpfrag");
}

TEST_F(WhipHttp, GetAndHeadHaveNoContent) {
  const std::string url = location(server.post("/whip/r", publishing()));
  for (const std::string& path : {std::string("/whip/r"), std::string("/whep/r"), url})
    EXPECT_EQ(server.ask(HttpMethod::get, path).status, 204) << path;
  EXPECT_EQ(server.ask(HttpMethod::get, "/whip/sessions/unknown").status, 404);
  // How players find out that a URL is WHEP.
  EXPECT_EQ(server.ask(HttpMethod::head, "/whep/r").status, 200);
  EXPECT_EQ(server.ask(HttpMethod::head, "/whep/r").content_type, "application/sdp");
}

TEST_F(WhipHttp, OtherMethodsAreNotAllowed) {
  const std::string url = location(server.post("/whip/r", publishing()));
  for (const auto method : {HttpMethod::put, HttpMethod::patch, HttpMethod::del}) {
    const HttpResponse response = server.ask(method, "/whip/r");
    EXPECT_EQ(response.status, 405);
    EXPECT_EQ(Server::header(response, "allow"), "POST, GET, OPTIONS");
  }
  for (const auto method : {HttpMethod::put, HttpMethod::post}) EXPECT_EQ(server.ask(method, url).status, 405);
}

TEST_F(WhipHttp, WhatIsNoOfferIsRefusedWithASentence) {
  const auto refused = [&](const HttpResponse& response, int status) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(response.content_type, "application/problem+json");
    EXPECT_NE(response.body.find("\"detail\":\""), std::string::npos);
    EXPECT_EQ(Server::header(response, "access-control-allow-origin"), "*") << "pages must be able to read it";
  };
  refused(server.ask(HttpMethod::post, "/whip/r", publishing()), 415);
  refused(server.ask(HttpMethod::post, "/whip/r", publishing(), {{"content-type", "text/plain"}}), 415);
  refused(server.post("/whip/r", ""), 400);
  refused(server.post("/whip/r", "no sdp"), 400);
  refused(server.post("/whip/r", offer_of("")), 400);
  refused(server.post("/whip/r", std::string(600000, 'v')), 413);
  refused(server.post("/whip/r", viewing()), 422);
  refused(server.post("/whip/r", offer_of(offer_line("audio", "0", "inactive"))), 422);
  refused(server.post("/whip/r", offer_of(offer_line("video", "0", "sendonly") + offer_line("video", "1", "sendonly"))),
          422);
  refused(server.post("/whip/r", offer_of("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n")), 422);
  server.media.refused = 1;
  refused(server.post("/whip/r", publishing()), 422);
  server.media.refused.reset();
  server.media.error = MediaSignaling::OfferError{"SFU_UNAVAILABLE", "there is no media worker"};
  refused(server.post("/whip/r", publishing()), 503);
  EXPECT_EQ(Server::header(server.late, "retry-after"), "1");
  server.media.error = MediaSignaling::OfferError{"SFU_OFFER_INVALID", "no fingerprint"};
  refused(server.post("/whip/r", publishing()), 400);
  refused(server.post("/whep/empty", viewing()), 404);
  refused(server.post("/whip/" + std::string(600, 'r'), publishing()), 400);
  refused(server.post("/whip/", publishing()), 400);
  EXPECT_TRUE(server.rooms.peers().empty()) << "nobody stays behind";
  EXPECT_TRUE(server.rooms.rooms().empty());
}

TEST_F(WhipHttp, SendAndReceiveIsTakenForTheRole) {
  const std::string both = offer_of(offer_line("audio", "0", "sendrecv"));
  EXPECT_EQ(server.post("/whip/r", both).status, 201);
  EXPECT_NE(server.media.offers.begin()->second.find("a=sendonly"), std::string::npos);
  server.native("w");
  server.publish(server.native("w"), PublicationKind::audio);
  const HttpResponse viewer = server.post("/whep/w", both);
  ASSERT_EQ(viewer.status, 201);
  EXPECT_NE(server.media.offers[server.peer_of(viewer).value].find("a=recvonly"), std::string::npos);
}

TEST_F(WhipHttp, ATrickledFragmentNeedsTheTagOfTheIceSession) {
  const HttpResponse created = server.post("/whip/r", publishing());
  const std::string url = location(created);
  const std::string candidates = "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\n";
  const HttpResponse taken = server.patch(url, tag(created), candidates);
  EXPECT_EQ(taken.status, 204);
  EXPECT_EQ(tag(taken), "");
  EXPECT_EQ(server.patch(url, "\"other\", " + tag(created), candidates).status, 204);
  EXPECT_EQ(server.patch(url, "\"other\"", candidates).status, 412);
  EXPECT_EQ(server.ask(HttpMethod::patch, url, candidates, {{"content-type", "application/trickle-ice-sdpfrag"}}).status,
            428);
  const HttpResponse other =
      server.ask(HttpMethod::patch, url, candidates, {{"content-type", "application/sdp"}, {"if-match", "*"}});
  EXPECT_EQ(other.status, 415);
  EXPECT_EQ(Server::header(other, "accept-patch"), "application/trickle-ice-sdpfrag");
  EXPECT_EQ(server.patch(url, "*", "nonsense").status, 400);
  EXPECT_EQ(server.patch(url, "*", std::string(70000, 'a')).status, 413);
  EXPECT_EQ(server.patch("/whip/sessions/unknown", "*", candidates).status, 404);
}

TEST_F(WhipHttp, AnIceRestartAnswersNewCredentialsAndANewTag) {
  const HttpResponse created = server.post("/whip/r", publishing());
  const std::string url = location(created);
  const std::string first = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n";
  const std::string second = "a=ice-ufrag:efgh\r\na=ice-pwd:0123456789012345678902\r\n";
  EXPECT_EQ(server.patch(url, tag(created), first).status, 204) << "the credentials of the session that is";
  for (const std::string any : {"*", "\"*\""}) {
    const HttpResponse restarted = server.patch(url, any, any == "*" ? second : first);
    EXPECT_EQ(restarted.status, 200);
    EXPECT_EQ(restarted.content_type, "application/trickle-ice-sdpfrag");
    EXPECT_NE(restarted.body.find("a=ice-ufrag:ufrag"), std::string::npos);
    EXPECT_NE(restarted.body.find("a=candidate:"), std::string::npos);
    EXPECT_NE(tag(restarted), tag(created));
    EXPECT_EQ(server.patch(url, tag(created), "a=end-of-candidates\r\n").status, 412);
    EXPECT_EQ(server.patch(url, tag(restarted), "a=end-of-candidates\r\n").status, 204);
  }
  server.media.restart_error = MediaSignaling::OfferError{"SFU_TRANSPORT_CLOSED", "over"};
  EXPECT_EQ(server.patch(url, "*", "a=ice-ufrag:zzzz\r\na=ice-pwd:0123456789012345678903\r\n").status, 409);
  EXPECT_EQ(server.ask(HttpMethod::get, url).status, 204) << "the session stays";
}

TEST_F(WhipHttp, PatchesAreLimited) {
  const HttpResponse created = server.post("/whip/r", publishing());
  const std::string url = location(created);
  for (int i = 0; i < 120; ++i) EXPECT_EQ(server.patch(url, tag(created), "a=end-of-candidates").status, 204);
  EXPECT_EQ(server.patch(url, tag(created), "a=end-of-candidates").status, 429);
  server.now += 1min;
  EXPECT_EQ(server.patch(url, tag(created), "a=end-of-candidates").status, 204);
}

TEST_F(WhipHttp, SessionsOpenedByOneAddressAreLimited) {
  server.post("/whip/r", publishing());
  int refused = 0;
  for (int i = 0; i < 30; ++i) {
    if (server.ask(HttpMethod::post, "/whip/r", publishing(), {{"content-type", "application/sdp"}}).status == 429)
      ++refused;
  }
  EXPECT_EQ(refused, 11);  // the window had one already
}

TEST_F(WhipHttp, DeleteEndsTheSessionWhateverTagIsSent) {
  const HttpResponse created = server.post("/whip/r", publishing());
  const std::string url = location(created);
  EXPECT_EQ(server.ask(HttpMethod::del, url, "", {{"if-match", "\"wrong\""}}).status, 200);
  EXPECT_EQ(server.ask(HttpMethod::del, url).status, 404);
  EXPECT_TRUE(server.rooms.peers().empty());
  EXPECT_TRUE(server.rooms.rooms().empty());
}

TEST_F(WhipHttp, OnlyPagesOfNamedOriginsMayAskIfThereAreAny) {
  WhipOptions options;
  options.allowed_origins = {"https://good.example"};
  Server strict(log, options);
  const HttpResponse good = strict.post("/whip/r", publishing(), {{"origin", "https://good.example"}});
  EXPECT_EQ(good.status, 201);
  EXPECT_EQ(Server::header(good, "access-control-allow-origin"), "https://good.example");
  EXPECT_EQ(strict.post("/whip/r", publishing(), {{"origin", "https://bad.example"}}).status, 403);
  EXPECT_EQ(strict.post("/whip/r", publishing()).status, 201) << "encoders are no pages";
}

}  // namespace
}  // namespace sluice::testing_whip
