// Whom the HTTP client talks to: certificates, and the addresses that names of run-time URLs lead to.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>

#include "control/http_client/http_client.hpp"
#include "control/loop/event_loop.hpp"
#include "tests/support/tls_responder.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using test::TlsResponder;

struct HttpsTest : ::testing::Test {
  HttpOutcome get(const HttpClientLimits& limits, const std::string& url, UrlOrigin origin = UrlOrigin::configuration) {
    HttpClient client(loop, limits);
    HttpCall call;
    call.method = HttpCall::Method::get;
    call.url = url;
    call.origin = origin;
    call.time_limit = 20s;
    std::optional<HttpOutcome> outcome;
    client.call(call, [&](const HttpOutcome& answer) {
      outcome = answer;
      loop.stop();
    });
    loop.run();
    return *outcome;
  }
  static HttpClientLimits trusting(const TlsResponder& server) {
    HttpClientLimits limits;
    limits.ca_file = server.ca_file();
    return limits;
  }
  loop::EventLoop loop;
};

TEST_F(HttpsTest, AServerOfOnesOwnAuthorityIsTalkedTo) {
  const TlsResponder server("IP:127.0.0.1");
  const HttpOutcome outcome = get(trusting(server), "https://127.0.0.1:" + server.port() + "/");
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->body, "hello");
}

TEST_F(HttpsTest, AServerOfAnAuthorityThatNobodyKnowsIsNotToldTheRequest) {
  const TlsResponder server("IP:127.0.0.1");
  const TlsResponder other("IP:127.0.0.1");
  for (const HttpClientLimits& limits : {HttpClientLimits{}, trusting(other)}) {
    const HttpOutcome outcome = get(limits, "https://127.0.0.1:" + server.port() + "/?secret");
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().kind, HttpFailure::Kind::unreachable);
  }
  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(HttpsTest, ACertificateForAnotherNameIsRefused) {
  const TlsResponder server("DNS:right.example");
  HttpClientLimits limits = trusting(server);
  limits.resolve = {"right.example:" + server.port() + ":127.0.0.1", "wrong.example:" + server.port() + ":127.0.0.1"};
  EXPECT_TRUE(get(limits, "https://right.example:" + server.port() + "/"));
  EXPECT_EQ(server.requests(), 1);
  for (const char* host : {"wrong.example", "127.0.0.1"}) {
    const HttpOutcome outcome = get(limits, std::string("https://") + host + ":" + server.port() + "/?secret");
    ASSERT_FALSE(outcome) << host;
    EXPECT_EQ(outcome.error().kind, HttpFailure::Kind::unreachable) << outcome.error().message;
  }
  EXPECT_EQ(server.connections(), 3);
  EXPECT_EQ(server.requests(), 1);
}

TEST_F(HttpsTest, APublicNameThatLeadsToAnAddressThatIsNotPublicIsNotConnectedTo) {
  const TlsResponder server("DNS:public.example");
  const std::string url = "https://public.example:" + server.port() + "/";
  for (const char* address :
       {"127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "[::1]",
        "[::ffff:127.0.0.1]", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::1]"}) {
    HttpClientLimits limits = trusting(server);
    limits.resolve = {"public.example:" + server.port() + ":" + address};
    const HttpOutcome outcome = get(limits, url, UrlOrigin::run_time);
    ASSERT_FALSE(outcome) << address;
    EXPECT_EQ(outcome.error().kind, HttpFailure::Kind::address_refused) << address << ": " << outcome.error().message;
  }
  EXPECT_EQ(server.connections(), 0) << "not even a connection was made";
  // The operator's own configuration may name such a host.
  HttpClientLimits limits = trusting(server);
  limits.resolve = {"public.example:" + server.port() + ":127.0.0.1"};
  EXPECT_TRUE(get(limits, url));
}

TEST_F(HttpsTest, OfSeveralAddressesThoseThatAreNotPublicAreNotConnectedTo) {
  const TlsResponder server("DNS:public.example");
  HttpClientLimits limits = trusting(server);
  limits.resolve = {"public.example:" + server.port() + ":127.0.0.1,10.0.0.1,[::1]"};
  const HttpOutcome outcome = get(limits, "https://public.example:" + server.port() + "/", UrlOrigin::run_time);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, HttpFailure::Kind::address_refused);
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(HttpsTest, FiguresSayWhatCameOfTheCalls) {
  const TlsResponder server("IP:127.0.0.1");
  HttpClient client(loop, trusting(server));
  int open = 0;
  const auto call = [&](const std::string& url) {
    HttpCall one;
    one.url = url;
    ++open;
    client.call(one, [&](const HttpOutcome&) {
      if (--open == 0) loop.stop();
    });
  };
  call("https://127.0.0.1:" + server.port() + "/");
  call("https://localhost:" + server.port() + "/");
  call("nonsense://");
  loop.run();
  const HttpClientStatistics& statistics = client.statistics();
  EXPECT_EQ(statistics.calls, 3U);
  EXPECT_EQ(statistics.answers[2], 1U);
  EXPECT_GT(statistics.answer_time, Duration::zero());
  EXPECT_EQ(statistics.failures[static_cast<std::size_t>(HttpFailure::Kind::unreachable)], 1U);
  EXPECT_EQ(statistics.failures[static_cast<std::size_t>(HttpFailure::Kind::bad_request)], 1U);
  EXPECT_EQ(statistics.failed, 2U);
}

}  // namespace
}  // namespace sluice
