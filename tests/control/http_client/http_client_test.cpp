#include "control/http_client/http_client.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/loop/event_loop.hpp"
#include "tests/support/http_responder.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using test::HttpResponder;

class HttpClientTest : public ::testing::Test {
 protected:
  /// Runs the loop until `calls` outcomes are there.
  void run(std::size_t calls) {
    wanted_ = calls;
    if (outcomes_.size() < wanted_) loop_.run();
  }
  HttpDone record() {
    return [this](const HttpOutcome& outcome) {
      outcomes_.push_back(outcome);
      if (outcomes_.size() >= wanted_) loop_.stop();
    };
  }
  HttpOutcome call(HttpClient& client, HttpCall request) {
    const std::size_t before = outcomes_.size();
    client.call(std::move(request), record());
    EXPECT_EQ(outcomes_.size(), before) << "answered from inside call()";
    run(before + 1);
    return outcomes_.back();
  }
  static HttpCall get(std::string url) {
    HttpCall request;
    request.method = HttpCall::Method::get;
    request.url = std::move(url);
    return request;
  }

  loop::EventLoop loop_;
  std::vector<HttpOutcome> outcomes_;
  std::size_t wanted_ = 0;
};

TEST_F(HttpClientTest, PostsBodyAndHeadersAndReadsTheAnswer) {
  const HttpResponder server([](const std::string&) { return HttpResponder::response(201, "made"); });
  HttpClient client(loop_);
  HttpCall request;
  request.url = server.url("/hook?x=1");
  request.headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}, {"User-Agent", "mine/1"}};
  request.body = R"({"a":1})";
  const HttpOutcome outcome = call(client, request);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->status, 201);
  EXPECT_TRUE(outcome->success());
  EXPECT_EQ(outcome->body, "made");
  const std::string seen = server.requests().at(0);
  EXPECT_TRUE(seen.starts_with("POST /hook?x=1 HTTP/1.1\r\n")) << seen;
  EXPECT_NE(seen.find("Content-Type: application/json\r\n"), std::string::npos) << seen;
  EXPECT_NE(seen.find("User-Agent: mine/1\r\n"), std::string::npos) << seen;
  EXPECT_NE(seen.find("X-Empty:\r\n"), std::string::npos) << seen;
  EXPECT_EQ(seen.find("Expect"), std::string::npos) << seen;
  EXPECT_TRUE(seen.ends_with("\r\n\r\n{\"a\":1}")) << seen;
}

TEST_F(HttpClientTest, DoesNotFollowRedirects) {
  const HttpResponder server([](const std::string&) { return HttpResponder::response(302, "", "Location: /other\r\n"); });
  HttpClient client(loop_);
  const HttpOutcome outcome = call(client, get(server.url("/")));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->status, 302);
  EXPECT_FALSE(outcome->success());
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(HttpClientTest, ASilentServerEndsInATimeout) {
  const HttpResponder server([](const std::string&) { return std::string(); });
  HttpClient client(loop_);
  HttpCall request = get(server.url("/"));
  request.time_limit = 100ms;
  const HttpOutcome outcome = call(client, request);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, HttpFailure::Kind::timed_out);
  EXPECT_EQ(client.pending(), 0U);
}

TEST_F(HttpClientTest, AnAnswerUpToTheLimitIsTakenAndOneByteMoreIsNot) {
  const HttpResponder server([](const std::string& request) {
    return HttpResponder::response(200, std::string(request.find("/more") == std::string::npos ? 64 : 65, 'x'));
  });
  HttpClient client(loop_);
  HttpCall request = get(server.url("/fits"));
  request.response_bytes_max = 64;
  ASSERT_TRUE(call(client, request));
  request.url = server.url("/more");
  const HttpOutcome outcome = call(client, request);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, HttpFailure::Kind::response_too_large);
}

TEST_F(HttpClientTest, EndlessHeadersAreCutOff) {
  const HttpResponder server([](const std::string&) {
    std::string headers;
    for (int i = 0; i < 200; ++i) headers += "X-" + std::to_string(i) + ": " + std::string(500, 'y') + "\r\n";
    return HttpResponder::response(200, "ok", headers);
  });
  HttpClient client(loop_);
  const HttpOutcome outcome = call(client, get(server.url("/")));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, HttpFailure::Kind::response_too_large);
}

TEST_F(HttpClientTest, NobodyListening) {
  std::string url;
  {
    const HttpResponder gone([](const std::string&) { return std::string(); });
    url = gone.url("/");
  }
  HttpClient client(loop_);
  const HttpOutcome outcome = call(client, get(url));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, HttpFailure::Kind::unreachable);
}

TEST_F(HttpClientTest, UsesNoOtherProtocolAndNoProxyOfTheEnvironment) {
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  const HttpResponder server([](const std::string&) { return HttpResponder::response(200, ""); });
  HttpClient client(loop_);
  EXPECT_TRUE(call(client, get(server.url("/"))));
  unsetenv("http_proxy");
  for (const char* url :
       {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "dict://127.0.0.1/", "", "http://"}) {
    const HttpOutcome outcome = call(client, get(url));
    ASSERT_FALSE(outcome) << url;
    EXPECT_EQ(outcome.error().kind, HttpFailure::Kind::bad_request) << url << ": " << outcome.error().message;
  }
}

TEST_F(HttpClientTest, HeadersCannotCarryLines) {
  const HttpResponder server([](const std::string&) { return HttpResponder::response(200, ""); });
  HttpClient client(loop_);
  const std::vector<std::pair<std::string, std::string>> bad{{"X-A", "b\r\nX-C: d"}, {"X-A", "b\n"}, {"X\r\n", "a"},
                                                             {"X A", "a"},           {"", "a"},      {"X:", "a"}};
  for (const auto& header : bad) {
    HttpCall request = get(server.url("/"));
    request.headers = {header};
    const HttpOutcome outcome = call(client, request);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind, HttpFailure::Kind::bad_request);
  }
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(HttpClientTest, AnUrlOfRunTimeNeverReachesALocalAddress) {
  const HttpResponder server([](const std::string&) { return HttpResponder::response(200, "secret"); });
  HttpClient client(loop_);
  HttpCall request = get(server.url("/"));
  request.origin = UrlOrigin::run_time;
  HttpOutcome outcome = call(client, request);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, HttpFailure::Kind::bad_request);  // not https
  request.url = "https" + server.url("/").substr(4);
  outcome = call(client, request);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, HttpFailure::Kind::address_refused);
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(HttpClientTest, MoreCallsThanMayRunWaitAndMoreThanMayWaitAreRefused) {
  const HttpResponder server([](const std::string&) { return HttpResponder::response(200, "ok"); });
  HttpClientLimits limits;
  limits.concurrent_max = 1;
  limits.waiting_max = 2;
  HttpClient client(loop_, limits);
  for (int i = 0; i < 5; ++i) client.call(get(server.url("/")), record());
  run(5);
  std::size_t answered = 0;
  for (const HttpOutcome& outcome : outcomes_) {
    if (outcome) {
      ++answered;
    } else {
      EXPECT_EQ(outcome.error().kind, HttpFailure::Kind::queue_full);
    }
  }
  EXPECT_EQ(answered, 3U);
  EXPECT_EQ(client.statistics().refused, 2U);
  EXPECT_EQ(client.statistics().answered, 3U);
}

TEST_F(HttpClientTest, WhoWaitsTooLongForATurnIsToldInTime) {
  const HttpResponder server([](const std::string&) { return std::string(); });
  HttpClientLimits limits;
  limits.concurrent_max = 1;
  HttpClient client(loop_, limits);
  HttpCall slow = get(server.url("/"));
  slow.time_limit = 30s;
  client.call(slow, [](const HttpOutcome&) { FAIL() << "it has half a minute"; });
  HttpCall hasty = get(server.url("/"));
  hasty.time_limit = 50ms;
  const HttpOutcome outcome = call(client, hasty);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, HttpFailure::Kind::timed_out);
  EXPECT_EQ(client.pending(), 1U);
}

TEST_F(HttpClientTest, ACallMayBeMadeFromTheAnswerOfAnother) {
  const HttpResponder server([](const std::string&) { return HttpResponder::response(200, "ok"); });
  HttpClient client(loop_);
  client.call(get(server.url("/first")), [&](const HttpOutcome&) { client.call(get(server.url("/second")), record()); });
  run(1);
  EXPECT_TRUE(outcomes_.at(0));
  EXPECT_EQ(server.requests().size(), 2U);
}

}  // namespace
}  // namespace sluice
