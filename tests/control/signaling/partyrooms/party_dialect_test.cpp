// Contract partyroom, sections 3 and 8.
#include "control/signaling/partyrooms/party_dialect.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/seeded_entropy.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

class RecordingSink final : public ConnectionSink {
 public:
  void send(ConnectionId connection, SharedText text) override { note(connection, *text); }
  void send_binary(ConnectionId connection, SharedText bytes) override { note(connection, "binary " + *bytes); }
  void close(ConnectionId connection, std::uint16_t code, std::string_view) override { closed[connection.value] = code; }
  void terminate(ConnectionId) override { ADD_FAILURE() << "nobody is terminated"; }
  void ping(ConnectionId) override { ADD_FAILURE() << "nobody is probed"; }
  std::map<std::uint64_t, Texts> sent;
  std::map<std::uint64_t, int> closed;

 private:
  void note(ConnectionId connection, std::string text) {
    EXPECT_FALSE(closed.contains(connection.value)) << "sent after close: " << text;
    sent[connection.value].push_back(std::move(text));
  }
};

class Gate final : public AdmissionStep {
 public:
  AdmissionStage stage() const override { return AdmissionStage::user_hook; }
  void decide(const AdmissionRequest& request, AdmissionReply reply) override {
    metadata = request.metadata;
    if (later) {
      waiting.push_back(reply);
    } else {
      reply(decision, request.now);
    }
  }
  AdmissionDecision decision = Admit{};
  bool later = false;
  Metadata metadata;
  std::vector<AdmissionReply> waiting;
};

struct Party : ::testing::Test {
  Bus bus;
  test::SeededEntropy entropy;
  RoomNames names = *RoomNames::bridging({{"native", "partyRooms"}});
  Rooms rooms{bus, entropy, {}, [](TimePoint at) { return at.time_since_epoch() / 1ms; }};
  RecordingSink sink;
  PartyDialect dialect{rooms, bus, sink, names, entropy, {}};
  TimePoint now = TimePoint{} + 1h;
  std::uint64_t last = 0;

  std::uint64_t open(const std::string& id, const std::string& room = "r") {
    dialect.open({++last}, {room, id, false}, "192.0.2.1", now);
    return last;
  }
  void send(std::uint64_t client, const std::string& text, MessageKind kind = MessageKind::text) {
    dialect.on_message({client}, as_bytes(text), kind, now);
  }
  void close(std::uint64_t client) { dialect.on_close({client}, now); }
  Texts read(std::uint64_t client) { return std::exchange(sink.sent[client], {}); }
  void forget() { sink.sent.clear(); }
  static Texts list(const std::string& ids) { return {R"({"type":"info:peerlist","peers":[)" + ids + "]}"}; }
};

TEST_F(Party, lists_go_to_the_newcomer_and_to_all_others_without_their_own_id) {
  const auto a = open("a");
  EXPECT_EQ(read(a), list(""));
  const auto b = open("b");
  EXPECT_EQ(read(b), list(R"("a")"));
  EXPECT_EQ(read(a), list(R"("b")"));
  const auto c = open("c");
  EXPECT_EQ(read(c), list(R"("a","b")"));
  EXPECT_EQ(read(a), list(R"("b","c")"));
  EXPECT_EQ(read(b), list(R"("a","c")"));
  close(a);
  EXPECT_EQ(read(b), list(R"("c")"));
  EXPECT_EQ(read(c), list(R"("b")"));
  EXPECT_TRUE(read(a).empty());
  close(b);
  close(c);
  EXPECT_TRUE(rooms.rooms().empty());
  EXPECT_TRUE(rooms.peers().empty());
}

TEST_F(Party, rooms_do_not_hear_of_each_other) {
  const auto a = open("a", "one");
  forget();
  const auto b = open("b", "two");
  send(b, "x");
  EXPECT_TRUE(read(a).empty());
}

TEST_F(Party, messages_go_to_all_others_as_they_are) {
  const auto a = open("a");
  const auto b = open("b");
  const auto c = open("c");
  forget();
  for (const std::string text : {R"( {"type":"offer", "n":1.50} )", R"({"candidate":null})", "no JSON", ""}) {
    send(a, text);
    EXPECT_EQ(read(b), Texts{text});
    EXPECT_EQ(read(c), Texts{text});
  }
  send(b, std::string("\0\xFF", 2), MessageKind::binary);
  EXPECT_EQ(read(a), Texts{std::string("binary \0\xFF", 9)});
  send(b, "", MessageKind::binary);
  EXPECT_EQ(read(c).size(), 2U);
  EXPECT_TRUE(read(b).empty());
}

TEST_F(Party, order_per_sender_is_kept) {
  const auto a = open("a");
  const auto b = open("b");
  forget();
  Texts expected;
  for (int i = 0; i < 50; ++i) {
    expected.push_back(i % 2 == 0 ? std::to_string(i) : "x" + std::to_string(i));
    send(a, expected.back());
  }
  EXPECT_EQ(read(b), expected);
}

TEST_F(Party, who_is_alone_sends_into_the_void) {
  const auto a = open("a");
  forget();
  send(a, "x");
  EXPECT_TRUE(read(a).empty());
  EXPECT_TRUE(sink.closed.empty());
}

TEST_F(Party, the_same_id_twice_is_listed_once_and_nobody_else_is_told) {
  const auto other = open("other");
  const auto old = open("a");
  forget();
  const auto young = open("a");
  EXPECT_EQ(read(young), list(R"("other")"));
  EXPECT_TRUE(read(other).empty());
  EXPECT_TRUE(read(old).empty());
  EXPECT_TRUE(sink.closed.empty());

  send(other, "hello");
  EXPECT_EQ(read(old), Texts{"hello"});
  EXPECT_EQ(read(young), Texts{"hello"});
  send(young, "from a");
  EXPECT_EQ(read(other), Texts{"from a"});
  EXPECT_TRUE(read(old).empty());  // the sender's id is excluded

  close(old);
  EXPECT_TRUE(read(other).empty());
  EXPECT_TRUE(read(young).empty());
  const auto third = open("third");
  EXPECT_EQ(read(third), list(R"("other","a")"));
  forget();
  close(young);
  EXPECT_EQ(read(other), list(R"("third")"));
}

TEST_F(Party, without_an_id_one_is_made) {
  const auto a = open("a");
  forget();
  (void)open("");
  const Texts told = read(a);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_GE(told[0].size(), list("")[0].size() + 2 + 8);
}

TEST_F(Party, ids_may_be_any_text) {
  (void)open("q\"\n\xC3\xA9");
  EXPECT_EQ(read(open("b")), list("\"q\\\"\\n\xC3\xA9\""));
}

TEST_F(Party, those_whom_admission_refuses_are_closed_and_invisible) {
  Gate gate;
  rooms.add_admission_step(gate);
  const auto a = open("a");
  forget();
  gate.decision = Refuse{"BANNED", "You are banned", "", ""};
  const auto banned = open("banned");
  EXPECT_EQ(sink.closed.at(banned), 1008);
  send(banned, "x");
  EXPECT_TRUE(read(a).empty());
  EXPECT_EQ(rooms.peers().size(), 1U);
  EXPECT_EQ(dialect.connection_count(), 1U);
}

TEST_F(Party, messages_that_come_before_admission_follow_it) {
  Gate gate;
  const auto a = open("a");
  rooms.add_admission_step(gate);
  gate.later = true;
  forget();
  const auto b = open("b");
  send(b, "early");
  send(b, "\x01", MessageKind::binary);
  send(a, "not for b yet");
  EXPECT_TRUE(read(a).empty());
  gate.waiting.at(0)(Admit{}, now);
  EXPECT_EQ(read(b), list(R"("a")"));
  EXPECT_EQ(read(a), (Texts{list(R"("b")")[0], "early", "binary \x01"}));
}

TEST_F(Party, messages_before_admission_are_bounded) {
  Gate gate;
  rooms.add_admission_step(gate);
  gate.later = true;
  const auto b = open("b");
  for (int i = 0; i < 256; ++i) send(b, "x");
  EXPECT_FALSE(sink.closed.contains(b));
  send(b, "x");
  EXPECT_EQ(sink.closed.at(b), 1008);
  gate.waiting.at(0)(Admit{}, now);
  EXPECT_TRUE(rooms.peers().empty());
}

TEST_F(Party, a_guard_may_refuse_connections_and_stop_messages) {
  struct : MessageGuard {
    std::optional<std::string> refuse_connection(std::string_view, TimePoint) override { return refusal; }
    GuardVerdict check(const PeerId&, const GuardedMessage&, TimePoint) override { return verdict; }
    std::optional<std::string> refusal;
    GuardVerdict verdict = GuardVerdict::pass;
  } guard;
  dialect.set_guard(guard);
  const auto a = open("a");
  const auto b = open("b");
  forget();
  send(a, "1");
  guard.verdict = GuardVerdict::drop_and_tell;
  send(a, "2");
  EXPECT_EQ(read(b), Texts{"1"});
  EXPECT_TRUE(read(a).empty());
  guard.refusal = "Banned";
  const auto c = open("c");
  EXPECT_EQ(sink.closed.at(c), 1008);
  EXPECT_TRUE(read(b).empty());
}

TEST_F(Party, full_rooms_turn_clients_away) {
  ASSERT_TRUE(rooms.create(RoomId("r"), {}, 1, now));
  (void)open("a");
  const auto b = open("b");
  EXPECT_EQ(sink.closed.at(b), 1008);
  EXPECT_EQ(rooms.peers().size(), 1U);
}

TEST_F(Party, kicked_members_are_closed_and_leave_the_list) {
  const auto a = open("a");
  const auto b = open("b");
  forget();
  rooms.kick(rooms.find_room(RoomId("r"))->members().at(1));
  EXPECT_EQ(sink.closed.at(b), 1008);
  EXPECT_EQ(read(a), list(""));
  rooms.kick(rooms.find_room(RoomId("r"))->members().at(0), "full", std::nullopt, LeaveCause::shed);
  EXPECT_EQ(sink.closed.at(a), 1001);
}

TEST_F(Party, members_of_bridged_dialects_are_listed_and_heard) {
  const auto a = open("a");
  forget();
  const PeerId native = rooms.connect("native", "192.0.2.9");
  rooms.join(native, RoomId("r"), {}, now, {});
  EXPECT_EQ(read(a), list('"' + native.value + '"'));
  std::vector<DataRelayed> relayed;
  const auto listening = bus.subscribe<DataRelayed>([&](const DataRelayed& fact) { relayed.push_back(fact); });
  send(a, R"({"description":{}})");
  send(a, "not JSON");
  ASSERT_EQ(relayed.size(), 1U);
  EXPECT_EQ(relayed[0].payload, R"({"description":{}})");
  rooms.relay_data(native, std::nullopt, "[1]");
  rooms.relay_data(native, rooms.find_room(RoomId("r"))->members().front(), "[2]");
  EXPECT_EQ(read(a), (Texts{"[1]", "[2]"}));
  rooms.leave(native, LeaveCause::left);
  EXPECT_EQ(read(a), list(""));
}

TEST_F(Party, members_left_by_a_predecessor_are_not_kept) {
  ASSERT_TRUE(rooms.restore_room(RoomId("r"), {}, 50, 0, true));
  ASSERT_TRUE(rooms.restore_member({PeerId("old"), RoomId("r"), PeerState::reconnecting, {}}, "partyRooms", "", 1));
  dialect.restored();
  EXPECT_TRUE(rooms.peers().empty());
}

TEST_F(Party, broadcasts_need_the_permission_for_data) {
  struct : Permissions {
    bool allows(const PeerId&, MemberAction action) const override { return action != MemberAction::data; }
  } mute;
  const auto a = open("a");
  const auto b = open("b");
  forget();
  send(a, "1");
  rooms.add_permissions(mute);
  send(a, "2");
  send(a, "3", MessageKind::binary);
  EXPECT_EQ(read(b), Texts{"1"});
  EXPECT_TRUE(sink.closed.empty());
}

TEST_F(Party, admission_is_shown_the_token_of_the_url) {
  PartyOptions options;
  options.token_metadata_keys = {"policyToken"};
  PartyDialect asking(rooms, bus, sink, names, entropy, options);
  Gate gate;
  rooms.add_admission_step(gate);
  const auto url = read_party_url("/party/r", "_pk=a&token=to%22ken", options);
  ASSERT_TRUE(url);
  asking.open({500}, *url, "192.0.2.1", now);
  ASSERT_NE(gate.metadata.find("policyToken"), nullptr);
  EXPECT_EQ(*gate.metadata.find("policyToken"), R"("to\"ken")");
  asking.open({501}, *read_party_url("/party/r", "_pk=b", options), "192.0.2.1", now);
  EXPECT_EQ(gate.metadata.find("policyToken"), nullptr);
}

TEST_F(Party, a_token_is_shown_once_something_asks_for_it) {
  Gate gate;
  rooms.add_admission_step(gate);
  const auto url = read_party_url("/party/r", "_pk=a&token=t", PartyOptions());
  ASSERT_TRUE(url);
  dialect.open({500}, *url, "192.0.2.1", now);
  EXPECT_EQ(gate.metadata.find("policyToken"), nullptr);
  dialect.set_token_metadata_keys({"policyToken"});
  dialect.open({501}, *url, "192.0.2.1", now);
  ASSERT_NE(gate.metadata.find("policyToken"), nullptr);
  EXPECT_EQ(*gate.metadata.find("policyToken"), R"("t")");
}

}  // namespace
}  // namespace sluice
