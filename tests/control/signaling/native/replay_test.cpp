// Numbered broadcasts and the envelope on resume, as native clients see them (contract section 11).
#include "control/rooms/broadcast_recorder.hpp"
#include "tests/control/signaling/native/native_harness.hpp"

namespace sluice::testing_native {
namespace {

/// Numbers room:updated and peer:joined, and replays one event that it makes up.
class Recorder final : public BroadcastRecorder {
 public:
  std::optional<std::string> record(const RoomId&, std::string_view message) override {
    for (const std::string_view type : {R"({"type":"room:updated")", R"({"type":"peer:joined")"}) {
      if (!message.starts_with(type)) continue;
      return std::string(type) + R"(,"__seq":)" + std::to_string(++seq) + std::string(message.substr(type.size()));
    }
    return std::nullopt;
  }
  bool numbered(std::string_view message) const override { return message.find("__seq") != std::string_view::npos; }
  std::int64_t last_seq(const RoomId&) const override { return seq; }
  bool replays_on_resume() const override { return replays; }
  std::vector<std::string> envelope(const RoomId& room, const PeerId& peer, std::int64_t last_seen) override {
    asked.push_back(room.value + " " + peer.value + " " + std::to_string(last_seen));
    return {R"({"type":"replay:start"})", R"({"type":"replay:end"})"};
  }
  std::int64_t seq = 0;
  bool replays = true;
  std::vector<std::string> asked;
};

SignalingOptions held() {
  SignalingOptions options;
  options.reconnect_ttl = 15s;
  return options;
}

struct NativeReplay : ::testing::Test {
  NativeReplay() { server.dialect.set_recorder(recorder); }
  /// What the peer is sent when it comes back, by type.
  std::vector<std::string> resume(std::uint64_t old, const std::string& members) {
    const std::uint64_t fresh = server.open();
    server.send(fresh, R"({"type":"reconnect","roomId":"r","token":")" + server.tokens[old] + "\"" + members + "}");
    std::vector<std::string> types;
    for (Json message = server.next(fresh); !message.is_null(); message = server.next(fresh)) {
      types.push_back(message.value("type", "") + (message.contains("__seq") ? "#" + message["__seq"].dump() : ""));
      if (message.value("type", "") == "room:state") last_seq = message["lastSeq"];
    }
    return types;
  }
  void miss_something(std::uint64_t away) {
    server.close(away);
    Metadata patch;
    patch.set("topic", R"("x")");
    (void)server.rooms.patch_room_metadata(RoomId("r"), patch);
    (void)server.rooms.post(server.peer(away), R"({"type":"private"})");
  }
  Server server{held()};
  Recorder recorder;
  std::int64_t last_seq = 0;
};

TEST_F(NativeReplay, broadcasts_of_recorded_types_carry_a_number_and_messages_to_one_peer_none) {
  const std::uint64_t a = server.join();
  const std::uint64_t b = server.open();
  server.send(b, R"({"type":"join","roomId":"r"})");
  EXPECT_EQ(server.next(a)["__seq"], 2);
  EXPECT_FALSE(server.next(b).contains("__seq"));
}

TEST_F(NativeReplay, with_last_seen_the_envelope_replaces_numbered_messages_of_the_queue) {
  const std::uint64_t a = server.join();
  (void)server.join();
  miss_something(a);
  const std::string id = server.id(a);
  EXPECT_EQ(resume(a, R"(,"lastSeenSeq":2)"),
            (std::vector<std::string>{"private", "room:state", "replay:start", "replay:end"}));
  EXPECT_EQ(recorder.asked, std::vector<std::string>{"r " + id + " 2"});
  EXPECT_EQ(last_seq, 3);
}

TEST_F(NativeReplay, without_last_seen_the_whole_queue_is_flushed_and_there_is_no_envelope) {
  const std::uint64_t a = server.join();
  (void)server.join();
  miss_something(a);
  EXPECT_EQ(resume(a, ""), (std::vector<std::string>{"room:updated#3", "private", "room:state"}));
  EXPECT_TRUE(recorder.asked.empty());
}

TEST_F(NativeReplay, a_last_seen_that_is_no_integer_is_none) {
  for (const char* value : {"\"2\"", "2.5", "null", "[2]", "true"}) {
    const std::uint64_t a = server.join();
    miss_something(a);
    EXPECT_EQ(resume(a, std::string(R"(,"lastSeenSeq":)") + value).back(), "room:state") << value;
  }
  EXPECT_TRUE(recorder.asked.empty());
}

TEST_F(NativeReplay, nothing_seen_is_minus_one) {
  const std::uint64_t a = server.join();
  miss_something(a);
  (void)resume(a, R"(,"lastSeenSeq":-1)");
  ASSERT_EQ(recorder.asked.size(), 1U);
  EXPECT_TRUE(recorder.asked[0].ends_with(" -1"));
}

TEST_F(NativeReplay, turned_off_there_is_no_envelope) {
  recorder.replays = false;
  const std::uint64_t a = server.join();
  miss_something(a);
  EXPECT_EQ(resume(a, R"(,"lastSeenSeq":0)"), (std::vector<std::string>{"room:updated#2", "private", "room:state"}));
}

}  // namespace
}  // namespace sluice::testing_native
