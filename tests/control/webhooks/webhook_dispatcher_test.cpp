#include "control/webhooks/webhook_dispatcher.hpp"

#include <gtest/gtest.h>

#include "tests/support/room_world.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

struct WebhookFixture : ::testing::Test {
  struct Posted {
    WebhookRequest request;
    WebhookDispatcher::Done done;
    [[nodiscard]] json body() const { return json::parse(request.body); }
    [[nodiscard]] std::string header(const std::string& name) const {
      for (const auto& [key, value] : request.headers) {
        if (key == name) return value;
      }
      return "none";
    }
  };
  test::RoomWorld world;
  WebhookOptions options{.endpoints = {{"http://a/", "", {}}}, .events = {}};
  std::vector<Posted> posts;
  std::vector<std::pair<std::string, json>> events;
  std::map<std::string, std::string> stored;
  std::map<std::string, std::string> outbox;
  bool lasting = true;
  std::unique_ptr<WebhookDispatcher> webhooks;
  std::function<void(json&)> tag;

  void make() {
    WebhookDispatcher::Outside outside;
    outside.post = [this](const WebhookRequest& request, WebhookDispatcher::Done done) {
      posts.push_back({request, std::move(done)});
    };
    outside.emit = [this](std::string_view event, const json& data) { events.emplace_back(event, data); };
    outside.now = world.clock();
    outside.unix_ms = test::RoomWorld::unix_clock();
    outside.write_dead_letter = [this](const std::string& key, const std::string& text) {
      if (text.empty()) {
        stored.erase(key);
      } else {
        stored[key] = text;
      }
    };
    if (lasting) {
      outside.write_outbox = [this](const std::string& key, const std::string& text) {
        if (text.empty()) {
          outbox.erase(key);
        } else {
          outbox[key] = text;
        }
      };
    }
    webhooks = std::make_unique<WebhookDispatcher>(world.bus, world.rooms, world.entropy, outside, options, tag);
  }
  void SetUp() override { make(); }
  /// The process dies here; its successor reads what was written.
  void die() {
    webhooks.reset();
    make();
    webhooks->restore({stored.begin(), stored.end()}, {outbox.begin(), outbox.end()});
  }
  void run() { webhooks->handle_timeout(world.now); }
  /// Answers the last post and lets the next one go.
  void answer(const std::optional<std::string>& error = std::nullopt) {
    posts.back().done(error);
    run();
  }
};

TEST_F(WebhookFixture, lifecycle_events_carry_the_contracts_data) {
  const PeerId peer = world.join("r", {{"displayName", "\"Alice\""}});
  world.leave(peer);
  run();
  for (int i = 0; i < 3; ++i) answer();
  ASSERT_EQ(posts.size(), 4U);
  const json summary_one{{"id", "r"}, {"peerCount", 1}, {"createdAt", world.unix_now()}, {"metadata", json::object()}};
  json summary_none = summary_one;
  summary_none["peerCount"] = 0;
  const json body = posts[0].body();
  EXPECT_EQ(body["type"], "room.created");
  EXPECT_EQ(body["timestamp"], world.unix_now());
  EXPECT_EQ(body["id"].get<std::string>().size(), 36U);
  EXPECT_EQ(body.size(), 4U);
  EXPECT_EQ(body["data"]["room"]["id"], "r");
  EXPECT_EQ(posts[1].body()["type"], "peer.joined");
  EXPECT_EQ(posts[1].body()["data"]["room"], summary_one);
  EXPECT_EQ(posts[1].body()["data"]["peer"],
            (json{{"id", peer.value}, {"roomId", "r"}, {"state", "joined"}, {"metadata", {{"displayName", "Alice"}}}}));
  EXPECT_EQ(posts[2].body()["type"], "peer.left");
  EXPECT_EQ(posts[2].body()["data"]["peer"]["id"], peer.value);
  EXPECT_EQ(posts[3].body()["type"], "room.destroyed");
  EXPECT_EQ(posts[3].body()["data"]["room"], summary_none);
}

TEST_F(WebhookFixture, each_event_goes_once_and_in_order) {
  for (int i = 0; i < 20; ++i) webhooks->dispatch("t", {{"i", i}});
  run();
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(posts.size(), static_cast<std::size_t>(i + 1));  // one at a time
    EXPECT_EQ(posts.back().body()["data"]["i"], i);
    answer();
  }
  EXPECT_EQ(posts.size(), 20U);
  EXPECT_EQ(webhooks->stats().delivered, 20U);
}

TEST_F(WebhookFixture, nothing_is_posted_from_inside_a_join) {
  world.join("r");
  EXPECT_TRUE(posts.empty());
  EXPECT_LE(webhooks->next_deadline(), world.now);
}

TEST_F(WebhookFixture, headers_are_the_contracts) {
  options.endpoints[0].secret = "s3cret";
  make();
  webhooks->dispatch("t", {{"a", 1}});
  run();
  EXPECT_EQ(posts[0].header("Content-Type"), "application/json");
  EXPECT_EQ(posts[0].header("User-Agent"), "webrtc-rooms-webhook/1.0");
  EXPECT_EQ(posts[0].header("X-Webrtc-Rooms-Timestamp"), std::to_string(world.unix_now()));
  EXPECT_EQ(posts[0].header("X-Webrtc-Rooms-Signature"),
            webhook_signature("s3cret", world.unix_now(), posts[0].request.body));
  EXPECT_EQ(posts[0].request.timeout, 5s);
}

TEST(WebhookSignature, IsHmacSha256OfTimestampAndBody) {
  // printf '1714000000000.{"a":1}' | openssl dgst -sha256 -hmac s3cret
  EXPECT_EQ(webhook_signature("s3cret", 1714000000000, R"({"a":1})"),
            "sha256=ab933b78d5b8b687cf43bacaac901cc00e5270181568b64b162bc8470a7730bf");
}

TEST_F(WebhookFixture, without_a_secret_nothing_is_signed) {
  webhooks->dispatch("t", {});
  run();
  EXPECT_EQ(posts[0].header("X-Webrtc-Rooms-Signature"), "none");
}

TEST_F(WebhookFixture, retries_come_after_2_4_and_8_seconds_with_the_same_bytes) {
  options.endpoints[0].secret = "x";
  make();
  webhooks->dispatch("t", {{"a", 1}});
  webhooks->dispatch("t", {{"a", 2}});
  run();
  for (const auto& wait : {2s, 4s, 8s}) {
    answer("status 500");
    EXPECT_EQ(webhooks->next_deadline(), world.now + wait);
    EXPECT_EQ(events.back().first, "delivery:retry");
    EXPECT_EQ(events.back().second["retryIn"], std::chrono::milliseconds(wait).count());
    world.now += wait - 1ms;
    run();
    const std::size_t before = posts.size();
    world.now += 1ms;
    run();
    EXPECT_EQ(posts.size(), before + 1);
    EXPECT_EQ(posts.back().request.body, posts[0].request.body);
    EXPECT_EQ(posts.back().request.headers, posts[0].request.headers);
  }
  EXPECT_TRUE(stored.empty());
  answer("status 503");
  // The fourth failure is the last; the next event has its turn.
  ASSERT_EQ(posts.size(), 5U);
  EXPECT_EQ(posts.back().body()["data"]["a"], 2);
  const json letters = webhooks->dead_letters().entries();
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_EQ(
      letters[0],
      (json{
          {"event", posts[0].body()}, {"endpoint", "http://a/"}, {"failedAt", world.unix_now()}, {"error", "status 503"}}));
  EXPECT_EQ(events.back().first, "delivery:failed");
  EXPECT_EQ(stored.size(), 1U);
}

TEST_F(WebhookFixture, success_says_the_attempt) {
  webhooks->dispatch("t", {});
  run();
  answer("timeout");
  world.now += 2s;
  run();
  answer();
  EXPECT_EQ(events.back().first, "delivery:success");
  EXPECT_EQ(events.back().second["attempt"], 2);
  EXPECT_EQ(events.back().second["endpoint"], "http://a/");
}

TEST_F(WebhookFixture, a_failing_endpoint_delays_only_itself) {
  options.endpoints = {{"http://bad/", "", {}}, {"http://good/", "", {}}};
  make();
  webhooks->dispatch("t", {{"a", 1}});
  webhooks->dispatch("t", {{"a", 2}});
  run();
  ASSERT_EQ(posts.size(), 2U);
  posts[0].done("refused");
  posts[1].done(std::nullopt);
  run();
  ASSERT_EQ(posts.size(), 3U);
  EXPECT_EQ(posts[2].request.url, "http://good/");
  EXPECT_EQ(posts[0].request.body, posts[1].request.body);
}

TEST_F(WebhookFixture, filters_hold_for_all_and_for_one_endpoint) {
  options.events = {"room.created", "peer.joined"};
  options.endpoints = {{"http://a/", "", {"peer.joined"}}, {"http://b/", "", {}}};
  make();
  world.leave(world.join("r"));
  run();
  std::vector<std::string> sent;
  for (std::size_t i = 0; i < posts.size(); ++i) {
    sent.push_back(posts[i].request.url + posts[i].body()["type"].get<std::string>());
    posts[i].done(std::nullopt);
    run();
  }
  std::sort(sent.begin(), sent.end());
  EXPECT_EQ(sent, (std::vector<std::string>{"http://a/peer.joined", "http://b/peer.joined", "http://b/room.created"}));
}

TEST_F(WebhookFixture, a_full_queue_makes_dead_letters_of_the_oldest) {
  options.queue_max = 2;
  make();
  for (int i = 0; i < 5; ++i) webhooks->dispatch("t", {{"i", i}});
  EXPECT_EQ(webhooks->dead_letters().size(), 3U);
  EXPECT_EQ(webhooks->stats().waiting, 2U);
  EXPECT_EQ(webhooks->stats().dropped, 3U);
  EXPECT_EQ(outbox.size(), 2U);
  run();
  ASSERT_EQ(posts.size(), 1U);
  EXPECT_EQ(posts[0].body()["data"]["i"], 3);
  // The one under way is not dropped: the oldest behind it is.
  webhooks->dispatch("t", {{"i", 5}});
  answer();
  EXPECT_EQ(posts.back().body()["data"]["i"], 5);
}

TEST_F(WebhookFixture, what_waits_is_bounded_in_bytes_too) {
  options.queue_bytes_max = 1000;
  make();
  for (int i = 0; i < 10; ++i) webhooks->dispatch("t", {{"i", i}, {"text", std::string(400, 'x')}});
  EXPECT_EQ(webhooks->stats().waiting, 2U);
  EXPECT_EQ(webhooks->stats().dropped, 8U);
  webhooks->dispatch("t", {{"text", std::string(2000, 'x')}});  // alone it may go
  EXPECT_EQ(webhooks->stats().waiting, 1U);
  EXPECT_EQ(outbox.size(), 1U);
}

TEST_F(WebhookFixture, what_waits_at_the_end_goes_out_after_the_next_start) {
  webhooks->dispatch("t", {{"i", 1}});
  webhooks->dispatch("t", {{"i", 2}});
  run();
  webhooks->stop();
  posts[0].done(std::nullopt);  // too late
  EXPECT_EQ(webhooks->dead_letters().size(), 0U);
  die();
  run();
  ASSERT_EQ(posts.size(), 2U);
  EXPECT_EQ(posts[1].request.body, posts[0].request.body);
  answer();
  EXPECT_EQ(posts.back().body()["data"]["i"], 2);
}

TEST_F(WebhookFixture, without_lasting_storage_what_waits_at_the_end_becomes_dead_letters) {
  lasting = false;
  make();
  webhooks->dispatch("t", {{"i", 1}});
  webhooks->stop();
  EXPECT_EQ(webhooks->dead_letters().size(), 1U);
}

TEST_F(WebhookFixture, a_successor_goes_on_with_attempts_and_waits) {
  options.endpoints[0].secret = "s3cret";
  make();
  webhooks->dispatch("t", {{"i", 1}});
  run();
  answer("status 500");
  world.now += 2s;
  run();
  answer("status 500");  // the second; four seconds to wait
  world.now += 1s;
  die();
  EXPECT_EQ(webhooks->next_deadline(), world.now + 3s);
  EXPECT_EQ(webhooks->stats().restored, 1U);
  world.now += 3s;
  run();
  ASSERT_EQ(posts.size(), 3U);
  EXPECT_EQ(posts[2].request.body, posts[0].request.body);
  EXPECT_EQ(posts[2].request.headers, posts[0].request.headers);
  answer("status 500");
  EXPECT_EQ(webhooks->next_deadline(), world.now + 8s);
  world.now += 8s;
  run();
  answer("status 500");
  EXPECT_EQ(webhooks->dead_letters().size(), 1U);
  EXPECT_TRUE(outbox.empty());
}

TEST_F(WebhookFixture, a_wait_never_gets_longer_by_a_jumping_clock) {
  webhooks->dispatch("t", {});
  run();
  answer("x");
  ASSERT_EQ(outbox.size(), 1U);
  json row = json::parse(outbox.begin()->second);
  row["retryAt"] = row["retryAt"].get<std::int64_t>() + 3'600'000;
  outbox.begin()->second = row.dump();
  die();
  EXPECT_LE(webhooks->next_deadline(), world.now + 8s);
}

TEST_F(WebhookFixture, what_waits_for_an_endpoint_that_is_gone_becomes_a_dead_letter) {
  webhooks->dispatch("t", {});
  options.endpoints = {{"http://b/", "", {}}};
  die();
  EXPECT_EQ(webhooks->dead_letters().size(), 1U);
  EXPECT_EQ(webhooks->next_deadline(), never);
  EXPECT_TRUE(outbox.empty());
}

TEST_F(WebhookFixture, of_two_endpoints_with_one_address_each_gets_back_its_own) {
  options.endpoints = {{"http://a/", "first", {"room.created"}}, {"http://a/", "second", {"t"}}};
  make();
  webhooks->dispatch("t", {{"i", 1}});
  run();
  const std::string signature = posts.back().header("X-Webrtc-Rooms-Signature");
  die();
  run();
  ASSERT_EQ(posts.size(), 2U);
  EXPECT_EQ(posts.back().header("X-Webrtc-Rooms-Signature"), signature) << "signed with the secret of the second";
}

TEST_F(WebhookFixture, damaged_rows_are_forgotten) {
  webhooks->dispatch("t", {{"i", 1}});
  const auto good = *outbox.begin();
  for (const char* text :
       {"", "{", "[]", "{}", R"({"endpoint":"http://a/","event":{},"attempt":0,"retryAt":0})",
        R"({"endpoint":1,"event":{"id":"a","type":"t","timestamp":1,"data":{}},"attempt":0,"retryAt":0})"})
    outbox[std::to_string(outbox.size())] = text;
  outbox["00000000000000000009"] = R"({"endpoint":"http://a/","event":{"id":3},"attempt":"x","retryAt":0})";
  die();
  EXPECT_EQ(outbox, (std::map<std::string, std::string>{good}));
  webhooks->dispatch("t", {{"i", 2}});
  EXPECT_EQ(outbox.size(), 2U);
  EXPECT_EQ(outbox.begin()->first, good.first);
}

/// Deaths at any moment: each event reaches each endpoint at least once, first sights are in order, an id is always the
/// same bytes.
TEST_F(WebhookFixture, deaths_at_random_lose_nothing_and_keep_the_order) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    posts.clear();
    outbox.clear();
    stored.clear();
    options.endpoints = {{"http://a/", "k", {}}, {"http://b/", "", {}}};
    make();
    std::uint32_t state = seed;
    const auto chance = [&state](unsigned of) {
      state = state * 1664525U + 1013904223U;
      return (state >> 16U) % of == 0;
    };
    std::map<std::string, std::vector<int>> seen;  // endpoint: numbers, in the order of arrival
    std::map<std::string, std::string> body_of;    // id: bytes
    const auto arrive = [&](const Posted& posted) {
      const auto [known, fresh] = body_of.emplace(posted.body()["id"].get<std::string>(), posted.request.body);
      EXPECT_EQ(known->second, posted.request.body);
      std::vector<int>& numbers = seen[posted.request.url];
      const int number = posted.body()["data"]["i"];
      if (std::find(numbers.begin(), numbers.end(), number) == numbers.end()) numbers.push_back(number);
    };
    int sent = 0;
    std::size_t handled = 0;
    for (int step = 0; step < 4000 && (sent < 60 || webhooks->stats().waiting > 0); ++step) {
      if (sent < 60 && chance(3)) webhooks->dispatch("t", {{"i", sent++}});
      run();
      while (handled < posts.size()) {
        const Posted posted = posts[handled++];
        // The request got there or not, and the answer came back or the process died before it did.
        const bool got_there = !chance(4);
        if (got_there) arrive(posted);
        if (chance(5)) {
          die();
          handled = posts.size();
          break;
        }
        posted.done(got_there ? std::optional<std::string>() : "refused");
      }
      if (chance(12)) {
        die();
        handled = posts.size();
      }
      world.now += 1s;
    }
    EXPECT_EQ(webhooks->stats().waiting, 0U);
    EXPECT_TRUE(outbox.empty());
    std::vector<int> lost;
    for (const json& letter : webhooks->dead_letters().entries())
      lost.push_back(letter["event"]["data"]["i"]);  // refused four times: told, not lost
    for (auto& [url, numbers] : seen) {
      EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end())) << url;
      for (int i = 0; i < 60; ++i) {
        EXPECT_TRUE(std::find(numbers.begin(), numbers.end(), i) != numbers.end() ||
                    std::find(lost.begin(), lost.end(), i) != lost.end())
            << url << i;
      }
    }
  }
}

TEST_F(WebhookFixture, endpoints_can_change_while_it_runs) {
  webhooks->dispatch("t", {{"i", 1}});
  options.endpoints = {{"http://b/", "", {}}};
  webhooks->set_options(options);
  EXPECT_EQ(webhooks->dead_letters().size(), 1U);
  webhooks->dispatch("t", {{"i", 2}});
  run();
  ASSERT_EQ(posts.size(), 1U);
  EXPECT_EQ(posts[0].request.url, "http://b/");
}

TEST_F(WebhookFixture, data_gets_the_tag_of_the_region) {
  tag = [](json& data) { data["__region"] = "eu"; };
  make();
  webhooks->dispatch("t", {{"i", 1}});
  run();
  EXPECT_EQ(posts[0].body()["data"], (json{{"i", 1}, {"__region", "eu"}}));
}

TEST(DeadLetters, AreARingThatLasts) {
  std::map<std::string, std::string> stored;
  const auto write = [&](const std::string& key, const std::string& text) {
    if (text.empty()) {
      stored.erase(key);
    } else {
      stored[key] = text;
    }
  };
  DeadLetters letters(2, write);
  for (int i = 0; i < 3; ++i) letters.add({{"event", i}, {"endpoint", "e"}, {"failedAt", 0}, {"error", "x"}});
  EXPECT_EQ(letters.size(), 2U);
  EXPECT_EQ(stored.size(), 2U);
  stored["garbage"] = "{";
  DeadLetters successor(2, write);
  successor.restore({stored.begin(), stored.end()});
  EXPECT_EQ(successor.entries(), letters.entries());
  EXPECT_EQ(stored.count("garbage"), 0U);
  successor.add({{"event", 3}, {"endpoint", "e"}, {"failedAt", 0}, {"error", "x"}});
  EXPECT_EQ(successor.entries()[1]["event"], 3);
  successor.clear();
  EXPECT_TRUE(stored.empty());
  EXPECT_EQ(successor.size(), 0U);
}

}  // namespace
}  // namespace sluice
