#include "dataplane/ice/ice_lite_agent.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/dataplane/ice/stun_client.hpp"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string password = "server-password-of-22-chars";
const std::string new_password = "another-password-of-22-chars";

IceCredentials credentials(std::string_view local, std::string_view pwd, std::string_view remote) {
  return {.local_ufrag = *Ufrag::from(local), .local_pwd = *IcePassword::from(pwd), .remote_ufrag = *Ufrag::from(remote)};
}

Tuple tuple(std::uint8_t host, std::uint16_t port = 4000) {
  return {.remote = SocketAddress::from_ipv4({192, 0, 2, host}, port), .socket = 0};
}

class IceLiteAgentTest : public testing::Test {
 protected:
  IceLiteAgentTest() { agent.set_credentials(credentials("serv", password, "peer")); }

  Result<IceLiteAgent::Handled, IceError> check(const Tuple& from, bool nominate = true) {
    return agent.handle_datagram(now, from, client.request("serv:peer", password, {.use_candidate = nominate}));
  }
  /// Handles a datagram that must be dropped without a trace.
  IceError drop(const Tuple& from, Bytes datagram) {
    IceState before;
    std::memcpy(&before, &state, sizeof state);
    const auto handled = agent.handle_datagram(now, from, datagram);
    client.forget();
    EXPECT_FALSE(handled);
    EXPECT_EQ(std::memcmp(&before, &state, sizeof state), 0) << "the state changed";
    return handled ? IceError{} : handled.error();
  }

  StunCodec codec;
  IceState state{};
  IceLiteAgent agent{state, codec};
  StunClient client;
  TimePoint now{seconds(100)};
};

TEST_F(IceLiteAgentTest, IsIdleBeforeTheFirstCheck) {
  EXPECT_EQ(agent.connection(), IceConnection::fresh);
  EXPECT_EQ(agent.selected(), std::nullopt);
  EXPECT_EQ(agent.next_deadline(), never);
  EXPECT_FALSE(agent.is_validated(tuple(1)));
}

TEST_F(IceLiteAgentTest, ValidatesATupleByAnAuthenticatedCheckAndSelectsItByNomination) {
  auto handled = check(tuple(1), false);
  ASSERT_TRUE(handled);
  EXPECT_EQ(handled->changes.added, tuple(1));
  EXPECT_FALSE(handled->changes.selected_changed);
  EXPECT_EQ(client.read(handled->reply.bytes()).mapped, tuple(1).remote);
  EXPECT_TRUE(agent.is_validated(tuple(1)));
  EXPECT_EQ(agent.connection(), IceConnection::fresh);

  handled = check(tuple(1));
  ASSERT_TRUE(handled);
  EXPECT_FALSE(handled->changes.added);
  EXPECT_TRUE(handled->changes.selected_changed);
  EXPECT_TRUE(handled->changes.connection_changed);
  EXPECT_EQ(agent.connection(), IceConnection::connected);
  EXPECT_EQ(agent.selected(), tuple(1));

  handled = check(tuple(1));
  ASSERT_TRUE(handled);
  EXPECT_FALSE(handled->changes.selected_changed || handled->changes.connection_changed);
}

TEST_F(IceLiteAgentTest, TellsTuplesApartByPortAndSocket) {
  ASSERT_TRUE(check(tuple(1)));
  EXPECT_FALSE(agent.is_validated(tuple(1, 4001)));
  EXPECT_FALSE(agent.is_validated({.remote = tuple(1).remote, .socket = 1}));
}

TEST_F(IceLiteAgentTest, DropsWhatIsNotProvenWithoutATrace) {
  ASSERT_TRUE(check(tuple(1)));
  for (const Tuple& from : {tuple(1), tuple(2)}) {
    EXPECT_EQ(drop(from, client.request("serv:peer", "wrong-password-of-22-chars")), IceError::bad_integrity);
    EXPECT_EQ(drop(from, client.request("serv:other", password)), IceError::wrong_username);
    EXPECT_EQ(drop(from, client.request("other:peer", password)), IceError::wrong_username);
    auto damaged = client.request("serv:peer", password);
    damaged.back() ^= std::byte{1};
    EXPECT_EQ(drop(from, damaged), IceError::bad_fingerprint);
    auto short_of_fingerprint = client.request("serv:peer", password);
    short_of_fingerprint.resize(short_of_fingerprint.size() - 8);
    short_of_fingerprint[3] = static_cast<std::byte>(short_of_fingerprint.size() - 20);
    EXPECT_EQ(drop(from, short_of_fingerprint), IceError::bad_fingerprint);
    EXPECT_EQ(drop(from, as_bytes("this is no STUN message at all")), IceError::not_stun);
    EXPECT_EQ(drop(from, {}), IceError::not_stun);
  }
  EXPECT_FALSE(agent.is_validated(tuple(2)));
}

TEST_F(IceLiteAgentTest, AcceptsNothingWithoutCredentials) {
  IceState empty{};
  IceLiteAgent unnamed(empty, codec);
  EXPECT_FALSE(unnamed.handle_datagram(now, tuple(1), client.request(":", "")));
  unnamed.set_credentials(credentials("serv", password, ""));
  EXPECT_FALSE(unnamed.handle_datagram(now, tuple(1), client.request("serv:", password)));
  EXPECT_FALSE(unnamed.handle_datagram(now, tuple(1), client.request("serv:peer", password)));
}

TEST_F(IceLiteAgentTest, AnswersAControlledPeerWithARoleConflictAndLearnsNothing) {
  const auto handled = agent.handle_datagram(
      now, tuple(1), client.request("serv:peer", password, {.use_candidate = false, .controlling = false}));
  ASSERT_TRUE(handled);
  EXPECT_EQ(client.read(handled->reply.bytes()).error, 487);
  EXPECT_FALSE(handled->changes.added);
  EXPECT_FALSE(agent.is_validated(tuple(1)));
}

TEST_F(IceLiteAgentTest, FollowsThePeerToANewAddressOnlyWhenItNominates) {
  ASSERT_TRUE(check(tuple(1)));
  auto handled = check(tuple(2), false);
  ASSERT_TRUE(handled);
  EXPECT_TRUE(agent.is_validated(tuple(2)));
  EXPECT_EQ(agent.selected(), tuple(1));
  handled = check(tuple(2));
  ASSERT_TRUE(handled);
  EXPECT_TRUE(handled->changes.selected_changed);
  EXPECT_FALSE(handled->changes.connection_changed);
  EXPECT_EQ(agent.selected(), tuple(2));
  EXPECT_TRUE(agent.is_validated(tuple(1)));
}

TEST_F(IceLiteAgentTest, StopsSendingThirtySecondsAfterTheLastCheckOnTheSelectedTuple) {
  ASSERT_TRUE(check(tuple(1)));
  EXPECT_EQ(agent.next_deadline(), now + seconds(30));
  now += seconds(20);
  ASSERT_TRUE(check(tuple(1), false));
  ASSERT_TRUE(check(tuple(2), false));  // another tuple gives no consent for the selected one
  now += seconds(30) - milliseconds(1);
  EXPECT_FALSE(agent.handle_timeout(now).connection_changed);
  EXPECT_EQ(agent.selected(), tuple(1));
  now += milliseconds(1);
  const IceChanges changes = agent.handle_timeout(now);
  EXPECT_TRUE(changes.connection_changed);
  EXPECT_EQ(changes.removed_count, 0U);
  EXPECT_EQ(agent.connection(), IceConnection::disconnected);
  EXPECT_EQ(agent.selected(), std::nullopt);

  const auto handled = check(tuple(1), false);
  ASSERT_TRUE(handled);
  EXPECT_TRUE(handled->changes.connection_changed);
  EXPECT_EQ(agent.selected(), tuple(1));
}

TEST_F(IceLiteAgentTest, ForgetsTuplesThatWereSilentForAMinute) {
  ASSERT_TRUE(check(tuple(1)));
  ASSERT_TRUE(check(tuple(2), false));
  for (int i = 0; i < 6; ++i) {
    now += seconds(10);
    const IceChanges changes = agent.handle_timeout(now);
    EXPECT_EQ(changes.removed_count, i == 5 ? 1U : 0U);
    if (i == 5) {
      EXPECT_EQ(changes.removed[0], tuple(2));
    }
    ASSERT_TRUE(check(tuple(1), false));
  }
  EXPECT_FALSE(agent.is_validated(tuple(2)));
  // Then the selected one falls silent as well: no consent after 30 s, forgotten after 60.
  now += seconds(30);
  EXPECT_TRUE(agent.handle_timeout(now).connection_changed);
  EXPECT_TRUE(agent.is_validated(tuple(1)));
  EXPECT_EQ(agent.next_deadline(), now + seconds(30));
  now += seconds(30);
  const IceChanges changes = agent.handle_timeout(now);
  EXPECT_EQ(changes.removed_count, 1U);
  EXPECT_TRUE(changes.selected_changed);
  EXPECT_EQ(agent.next_deadline(), never);
  ASSERT_TRUE(check(tuple(3)));
  EXPECT_EQ(agent.selected(), tuple(3));
}

TEST_F(IceLiteAgentTest, AnswersFiftyChecksPerTupleAndSecond) {
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(check(tuple(1))) << i;
  EXPECT_EQ(drop(tuple(1), client.request("serv:peer", password)), IceError::over_budget);
  ASSERT_TRUE(check(tuple(2), false));  // each tuple has its own budget
  now += milliseconds(999);
  EXPECT_EQ(drop(tuple(1), client.request("serv:peer", password)), IceError::over_budget);
  now += milliseconds(1);
  EXPECT_TRUE(check(tuple(1)));
}

TEST_F(IceLiteAgentTest, DoesNotLetForgedChecksEatTheBudget) {
  ASSERT_TRUE(check(tuple(1)));
  for (int i = 0; i < 200; ++i)
    EXPECT_EQ(drop(tuple(1), client.request("serv:peer", "wrong-password-of-22-chars")), IceError::bad_integrity);
  EXPECT_TRUE(check(tuple(1)));
}

TEST_F(IceLiteAgentTest, GivesARecordedCheckNoEffect) {
  const auto recorded = client.request("serv:peer", password);
  ASSERT_TRUE(agent.handle_datagram(now, tuple(1), recorded));
  // From elsewhere it is dropped, from its own tuple answered; consent runs from the first time in both cases.
  now += seconds(20);
  EXPECT_EQ(drop(tuple(2), recorded), IceError::replayed);
  const auto again = agent.handle_datagram(now, tuple(1), recorded);
  ASSERT_TRUE(again);
  EXPECT_GT(again->reply.size, 0U);
  EXPECT_FALSE(again->changes.added || again->changes.selected_changed || again->changes.connection_changed);
  EXPECT_EQ(agent.next_deadline(), TimePoint(seconds(130)));
  now = agent.next_deadline();
  EXPECT_TRUE(agent.handle_timeout(now).connection_changed);
  ASSERT_TRUE(agent.handle_datagram(now, tuple(1), recorded));
  EXPECT_EQ(agent.connection(), IceConnection::disconnected) << "a recorded check gave consent back";
  EXPECT_TRUE(check(tuple(1)));
  EXPECT_EQ(agent.connection(), IceConnection::connected);
  // It is remembered through the next 255 checks.
  for (std::size_t i = 0; i < IceState::transactions_max - 2; ++i) {
    now += milliseconds(100);
    ASSERT_TRUE(check(tuple(1)));
    client.forget();
  }
  EXPECT_EQ(drop(tuple(2), recorded), IceError::replayed);
}

TEST_F(IceLiteAgentTest, KeepsSixteenTuplesAndDropsTheOneSilentLongestButNeverTheSelected) {
  ASSERT_TRUE(check(tuple(1)));
  for (std::uint8_t i = 2; i <= 16; ++i) {
    now += milliseconds(1);
    ASSERT_TRUE(check(tuple(i), false));
  }
  now += milliseconds(1);
  const auto handled = check(tuple(17), false);
  ASSERT_TRUE(handled);
  EXPECT_EQ(handled->changes.added, tuple(17));
  ASSERT_EQ(handled->changes.removed_count, 1U);
  EXPECT_EQ(handled->changes.removed[0], tuple(2));
  EXPECT_TRUE(agent.is_validated(tuple(1)));
  EXPECT_FALSE(agent.is_validated(tuple(2)));
  EXPECT_TRUE(agent.is_validated(tuple(3)));
  std::size_t count = 0;
  agent.for_each_tuple([&](const Tuple&) { ++count; });
  EXPECT_EQ(count, IceState::tuples_max);
}

TEST_F(IceLiteAgentTest, AcceptsOldCredentialsUntilTheFirstCheckWithTheNew) {
  ASSERT_TRUE(check(tuple(1)));
  agent.set_credentials(credentials("new1", new_password, "peer2"));
  std::vector<std::string> ufrags;
  agent.for_each_local_ufrag([&](std::string_view ufrag) { ufrags.emplace_back(ufrag); });
  EXPECT_EQ(ufrags, (std::vector<std::string>{"new1", "serv"}));
  EXPECT_TRUE(check(tuple(1)));
  EXPECT_EQ(agent.selected(), tuple(1));  // media goes on during the restart
  // Halves of different generations do not mix.
  EXPECT_EQ(drop(tuple(1), client.request("new1:peer", new_password)), IceError::wrong_username);
  EXPECT_EQ(drop(tuple(1), client.request("serv:peer", new_password)), IceError::bad_integrity);

  ASSERT_TRUE(agent.handle_datagram(now, tuple(2), client.request("new1:peer2", new_password)));
  EXPECT_EQ(agent.selected(), tuple(2));
  EXPECT_EQ(drop(tuple(1), client.request("serv:peer", password)), IceError::wrong_username);
}

TEST_F(IceLiteAgentTest, KeepsTheCredentialsInUseThroughARestartThatIsRestarted) {
  ASSERT_TRUE(check(tuple(1)));
  agent.set_credentials(credentials("new1", new_password, "peer2"));
  agent.set_credentials(credentials("new2", new_password, "peer3"));
  EXPECT_TRUE(check(tuple(1)));
  EXPECT_TRUE(agent.handle_datagram(now, tuple(1), client.request("new2:peer3", new_password)));
}

TEST_F(IceLiteAgentTest, ChangesNothingWhenToldTheSameCredentialsAgain) {
  ASSERT_TRUE(check(tuple(1)));
  IceState before;
  std::memcpy(&before, &state, sizeof state);
  agent.set_credentials(credentials("serv", password, "peer"));
  EXPECT_TRUE(state.previous.local_ufrag.empty());
  EXPECT_EQ(state.selected, before.selected);
}

TEST_F(IceLiteAgentTest, GoesOnFromTheStateOfAPredecessor) {
  ASSERT_TRUE(check(tuple(1)));
  ASSERT_TRUE(check(tuple(2), false));
  agent.set_credentials(credentials("new1", new_password, "peer2"));
  IceState copy;
  std::memcpy(&copy, &state, sizeof state);

  IceLiteAgent successor(copy, codec);
  EXPECT_EQ(successor.connection(), IceConnection::connected);
  EXPECT_EQ(successor.selected(), tuple(1));
  EXPECT_TRUE(successor.is_validated(tuple(2)));
  EXPECT_EQ(successor.next_deadline(), now + seconds(30));
  EXPECT_TRUE(successor.handle_datagram(now, tuple(1), client.request("serv:peer", password)));
  EXPECT_TRUE(successor.handle_datagram(now, tuple(1), client.request("new1:peer2", new_password)));
  EXPECT_FALSE(successor.handle_datagram(now, tuple(1), client.request("serv:peer", password)));
}

TEST_F(IceLiteAgentTest, SurvivesAStateThatMakesNoSense) {
  std::memset(static_cast<void*>(&state), 0xff, sizeof state);
  EXPECT_TRUE(agent.selected() == std::nullopt);
  (void)agent.next_deadline();
  (void)agent.handle_timeout(now);
  EXPECT_FALSE(agent.handle_datagram(now, tuple(1), client.request("serv:peer", password)));
}

}  // namespace
}  // namespace sluice
