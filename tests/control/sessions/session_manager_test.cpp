#include "control/sessions/session_manager.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "control/sessions/control_state.hpp"
#include "control/sessions/session_token.hpp"
#include "tests/support/memory_store.hpp"
#include "tests/support/seeded_entropy.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

StateLog fresh_log() {
  return *StateLog::open(*Region::create("sessions", std::size_t{1} << 20U));
}

/// A control process without its outside. `time` is both clocks.
struct Life {
  Life(testing_support::MemoryStore& store, StateLog& log, std::int64_t at, SessionManagerOptions options = {})
      : unix_ms(at), entropy(static_cast<unsigned>(at)), revived(SessionManager::revive(store, log, at)) {
    SessionOptions session_options;
    session_options.session_ttl = options.ttl;
    session_options.queue_max = 64;
    sessions.emplace(rooms, bus, entropy, session_options);
    state.emplace(rooms, nullptr, *sessions, bus, log);
    manager.emplace(rooms, *sessions, bus, store, entropy, std::move(options), [this] { return unix_ms; });
    subscriptions.push_back(bus.subscribe<SessionChanged>(
        [this](const SessionChanged& fact) { events.push_back(std::string(to_string(fact.session.state))); }));
    subscriptions.push_back(
        bus.subscribe<PeerMessagePosted>([this](const PeerMessagePosted& fact) { told.push_back(fact); }));
    state->restore(now());
  }
  [[nodiscard]] TimePoint now() const { return TimePoint{} + std::chrono::milliseconds(unix_ms); }
  PeerId join(const std::string& room = "r") {
    const PeerId peer = rooms.connect("native", "192.0.2.1");
    Metadata metadata;
    metadata.set("displayName", R"("Alice")");
    rooms.join(peer, RoomId(room), metadata, now(), [](const JoinOutcome& outcome, TimePoint) { EXPECT_TRUE(outcome); });
    return peer;
  }
  /// The token that was last sent to the peer.
  [[nodiscard]] std::string token_of(const PeerId& peer) const {
    std::string token;
    for (const PeerMessagePosted& message : told) {
      if (message.peer != peer) continue;
      const std::size_t at = message.message.find(R"("token":")") + 9;
      token = message.message.substr(at, message.message.find('"', at) - at);
    }
    return token;
  }

  std::int64_t unix_ms;
  Bus bus;
  test::SeededEntropy entropy;
  Rooms rooms{bus, entropy, {}, [](TimePoint at) -> std::int64_t { return at.time_since_epoch() / 1ms; }};
  std::size_t revived;
  std::optional<Sessions> sessions;
  std::optional<ControlState> state;
  std::optional<SessionManager> manager;
  std::vector<std::string> events;
  std::vector<PeerMessagePosted> told;
  std::vector<Bus::Subscription> subscriptions;
};

struct SessionManagerFixture : ::testing::Test {
  testing_support::MemoryStore store;
  StateLog log = fresh_log();
};

TEST_F(SessionManagerFixture, a_join_makes_a_session_and_tells_its_token) {
  SessionManagerOptions options;
  options.secret = "s";
  Life life(store, log, 1'000'000, options);
  const PeerId peer = life.join();
  ASSERT_EQ(life.told.size(), 1U);
  const std::string token = life.token_of(peer);
  EXPECT_EQ(life.told[0].message, R"({"type":"session:token","token":")" + token + R"(","ttl":15000})");
  const auto said = verify_session_token("s", token);
  ASSERT_TRUE(said);
  EXPECT_EQ(said->peer, peer);
  EXPECT_EQ(said->issued_at, 1'000'000);
  EXPECT_EQ(life.events, std::vector<std::string>{"created"});
  const auto session = life.manager->session(peer);
  ASSERT_TRUE(session);
  EXPECT_EQ(session->state, SessionState::active);
  EXPECT_EQ(session->room, RoomId("r"));
  EXPECT_EQ(session->created_at, 1'000'000);
  EXPECT_EQ(session->suspended_at, 0);
  EXPECT_EQ(session->ttl, 15'000);
  EXPECT_EQ(session->region, "default");
  EXPECT_EQ(*session->metadata.find("displayName"), R"("Alice")");
}

TEST_F(SessionManagerFixture, a_drop_suspends_and_the_session_token_resumes_once) {
  Life life(store, log, 1'000'000);
  const PeerId peer = life.join();
  const std::string first = life.token_of(peer);
  EXPECT_FALSE(life.manager->resumable(first, std::nullopt)) << "it is not suspended";
  life.sessions->drop(peer, life.now());
  EXPECT_EQ(life.manager->session(peer)->state, SessionState::suspended);
  EXPECT_EQ(life.manager->session(peer)->suspended_at, 1'000'000);
  EXPECT_EQ(life.manager->resumable(first, std::nullopt), peer);
  EXPECT_EQ(life.manager->resumable(first, RoomId("r")), peer);
  EXPECT_FALSE(life.manager->resumable(first, RoomId("another")));
  EXPECT_EQ(life.sessions->holder(first), peer);

  ASSERT_TRUE(life.sessions->resume(first));
  EXPECT_TRUE(life.rooms.resume(peer));
  const std::string second = life.token_of(peer);
  EXPECT_NE(second, first) << "also within the same millisecond";
  EXPECT_FALSE(life.sessions->holder(first)) << "a consumed token never works again";
  EXPECT_EQ(life.sessions->holder(second), peer);
  EXPECT_EQ(life.events, (std::vector<std::string>{"created", "suspended", "resumed"}));
  const auto counts = life.manager->counts();
  EXPECT_EQ(counts.active, 1U);
  EXPECT_EQ(counts.suspended, 0U);
  EXPECT_EQ(counts.total, 1U);
}

TEST_F(SessionManagerFixture, the_session_ends_with_the_hold_time_a_leave_or_a_kick) {
  Life life(store, log, 1'000'000);
  const PeerId late = life.join();
  const PeerId leaving = life.join();
  const PeerId kicked = life.join();
  life.sessions->drop(late, life.now());
  life.sessions->handle_timeout(life.now() + 15s);
  life.rooms.leave(leaving, LeaveCause::left);
  (void)life.rooms.kick(kicked);
  EXPECT_EQ(std::count(life.events.begin(), life.events.end(), "expired"), 3);
  EXPECT_EQ(life.manager->counts().total, 0U);
  EXPECT_TRUE(store.rows["sessions"].empty());
  EXPECT_FALSE(life.sessions->holder(life.token_of(late)));
}

TEST_F(SessionManagerFixture, made_to_expire_its_tokens_die_at_once) {
  Life life(store, log, 1'000'000);
  const PeerId connected = life.join();
  const PeerId held = life.join();
  life.sessions->drop(held, life.now());
  EXPECT_TRUE(life.manager->expire(held));
  EXPECT_EQ(life.rooms.find_peer(held), nullptr) << "nobody can come back to it";
  EXPECT_TRUE(life.manager->expire(connected));
  EXPECT_FALSE(life.manager->expire(connected));
  EXPECT_FALSE(life.manager->expire(PeerId("unknown")));
  EXPECT_FALSE(life.sessions->holder(life.token_of(connected)));
  EXPECT_FALSE(life.sessions->token(connected));
  ASSERT_NE(life.rooms.find_peer(connected), nullptr) << "it stays as long as it is connected";
  life.sessions->drop(connected, life.now());
  EXPECT_EQ(life.rooms.find_peer(connected), nullptr);
  EXPECT_EQ(life.manager->counts().total, 0U);
}

TEST_F(SessionManagerFixture, migrating_marks_the_session) {
  Life life(store, log, 1'000'000);
  const PeerId peer = life.join();
  EXPECT_TRUE(life.manager->migrate(peer, "eu-west"));
  EXPECT_FALSE(life.manager->migrate(PeerId("unknown"), "eu-west"));
  EXPECT_EQ(life.manager->session(peer)->state, SessionState::migrated);
  EXPECT_EQ(life.manager->session(peer)->region, "eu-west");
  EXPECT_EQ(life.events.back(), "migrated");
}

TEST_F(SessionManagerFixture, after_a_death_of_control_tokens_still_resume) {
  std::string token;
  std::optional<PeerId> peer;
  {
    Life life(store, log, 1'000'000);
    peer = life.join();
    token = life.token_of(*peer);
  }
  Life successor(store, log, 1'005'000);
  EXPECT_EQ(successor.revived, 0U) << "the state log had it all";
  EXPECT_EQ(successor.manager->resumable(token, RoomId("r")), peer);
  EXPECT_EQ(successor.manager->session(*peer)->created_at, 1'000'000);
  ASSERT_TRUE(successor.sessions->resume(token));
  EXPECT_TRUE(successor.rooms.resume(*peer));
}

TEST_F(SessionManagerFixture, after_the_end_of_the_whole_server_suspended_sessions_come_back) {
  std::string token;
  std::optional<PeerId> peer;
  {
    Life life(store, log, 1'000'000);
    peer = life.join();
    token = life.token_of(*peer);
    life.unix_ms = 1'003'000;
    life.manager->close();
  }
  StateLog other = fresh_log();
  Life next(store, other, 1'010'000);
  EXPECT_EQ(next.revived, 1U);
  const Peer* member = next.rooms.find_peer(*peer);
  ASSERT_NE(member, nullptr);
  EXPECT_EQ(member->state(), PeerState::reconnecting);
  EXPECT_EQ(*member->metadata().find("displayName"), R"("Alice")");
  EXPECT_EQ(next.manager->resumable(token, RoomId("r")), peer);
  ASSERT_TRUE(next.sessions->resume(token));
  EXPECT_TRUE(next.rooms.resume(*peer));
}

TEST_F(SessionManagerFixture, a_server_that_died_without_a_word_is_taken_to_have_lived_until_its_last_mark) {
  std::string token;
  {
    Life life(store, log, 1'000'000);
    token = life.token_of(life.join());
    life.unix_ms = 1'100'000;
    life.manager->handle_timeout(life.now());
  }
  StateLog soon = fresh_log();
  EXPECT_EQ(Life(store, soon, 1'110'000).revived, 1U);
  StateLog late = fresh_log();
  // The life above has marked itself as well; its session was suspended at 1,110,000.
  EXPECT_EQ(Life(store, late, 1'126'000).revived, 0U);
}

TEST_F(SessionManagerFixture, what_is_too_old_does_not_come_back) {
  {
    Life life(store, log, 1'000'000);
    (void)life.join();
    life.manager->close();
  }
  StateLog other = fresh_log();
  Life next(store, other, 1'015'001);
  EXPECT_EQ(next.revived, 0U);
  EXPECT_TRUE(next.rooms.peers().empty());
  EXPECT_TRUE(store.rows["sessions"].empty()) << "nor is it kept";
}

TEST_F(SessionManagerFixture, a_damaged_store_is_no_session) {
  store.rows["sessions"]["x"] = "nonsense";
  store.rows["session_rooms"]["r"] = std::string("\1\0\0\0\xff", 5);
  store.rows["session_marks"]["alive"] = "not a number";
  Life life(store, log, 1'000'000);
  EXPECT_EQ(life.revived, 0U);
  EXPECT_TRUE(store.rows["sessions"].empty());
}

TEST_F(SessionManagerFixture, its_own_secret_is_made_once) {
  std::string token;
  {
    Life life(store, log, 1'000'000);
    token = life.token_of(life.join());
  }
  const std::string secret = store.rows["session_marks"]["secret"];
  EXPECT_EQ(secret.size(), 64U);
  Life successor(store, log, 1'000'001);
  EXPECT_EQ(store.rows["session_marks"]["secret"], secret);
  EXPECT_TRUE(verify_session_token(secret, token));
}

TEST_F(SessionManagerFixture, what_was_queued_for_a_held_peer_survives_a_death_of_control) {
  std::optional<PeerId> peer;
  std::string token;
  {
    Life life(store, log, 1'000'000);
    peer = life.join();
    token = life.token_of(*peer);
    life.sessions->drop(*peer, life.now());
    for (int i = 0; i < 12; ++i) {
      EXPECT_TRUE(life.sessions->queue(*peer, std::make_shared<const std::string>("message " + std::to_string(i))));
    }
    EXPECT_EQ(life.manager->session(*peer)->queued, 12U);
  }
  Life successor(store, log, 1'000'001);
  const auto resumed = successor.sessions->resume(token);
  ASSERT_TRUE(resumed);
  ASSERT_EQ(resumed->queued.size(), 12U);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(*resumed->queued[static_cast<std::size_t>(i)], "message " + std::to_string(i));
  bool left = false;
  log.for_each("core/queue/", [&](std::string_view, Bytes) { left = true; });
  EXPECT_FALSE(left) << "delivered once, and only once";
}

TEST_F(SessionManagerFixture, queues_do_not_crowd_out_the_state_of_those_who_are_there) {
  Life life(store, log, 1'000'000);
  const PeerId peer = life.join();
  life.sessions->drop(peer, life.now());
  EXPECT_TRUE(life.sessions->queue(peer, std::make_shared<const std::string>(std::string(17'000, 'x'))));
  EXPECT_EQ(life.state->queued_unwritten(), 1U);
  EXPECT_EQ(life.state->failed_writes(), 0U);
  EXPECT_EQ(life.sessions->queued(peer), 1U) << "in memory it is kept";
}

}  // namespace
}  // namespace sluice
