#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/rooms/rooms.hpp"
#include "control/signaling/protoo/protoo_dialect.hpp"
#include "tests/control/signaling/recorded_clients.hpp"
#include "tests/support/seeded_entropy.hpp"

namespace sluice::testing_protoo {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

/// Refuses, admits or waits, as told.
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

/// Says what it is told to say, and notes what it was asked.
class Guard final : public MessageGuard {
 public:
  std::optional<std::string> refuse_connection(std::string_view, TimePoint) override { return refusal; }
  GuardVerdict check(const PeerId&, const GuardedMessage& message, TimePoint) override {
    asked.push_back(message);
    return verdict;
  }
  std::optional<std::string> refusal;
  GuardVerdict verdict = GuardVerdict::pass;
  std::vector<GuardedMessage> asked;
};

/// A server of protoo alone, and clients that are numbers.
class Server : public test::RecordedClients {
 public:
  explicit Server(ProtooOptions options = {}, BridgeGroups bridges = {{"native", "whip"}}, RoomsOptions room_options = {})
      : names(*RoomNames::bridging(bridges)),
        rooms(bus, entropy, room_options, [](TimePoint at) { return at.time_since_epoch() / 1ms; }),
        dialect(rooms, bus, sink, names, std::move(options), [](TimePoint at) { return at.time_since_epoch() / 1ms; }) {}

  std::uint64_t open(const std::string& room, const std::string& peer) {
    const std::uint64_t client = new_client();
    ProtooUrl url;
    if (!room.empty()) url.room = room;
    if (!peer.empty()) url.peer = peer;
    dialect.open({client}, url, "192.0.2.1", now);
    return client;
  }
  void send(std::uint64_t client, const std::string& text) {
    dialect.on_message({client}, as_bytes(text), MessageKind::text, now);
  }
  void request(std::uint64_t client, const std::string& method, const std::string& data = "{}",
               const std::string& id = "1") {
    send(client, R"({"request":true,"id":)" + id + R"(,"method":")" + method + R"(","data":)" + data + "}");
  }
  /// The answer to a request that is answered at once and alone.
  Json ask(std::uint64_t client, const std::string& method, const std::string& data = "{}") {
    request(client, method, data, "77");
    const Json answer = next(client);
    EXPECT_EQ(answer.value("id", 0), 77) << answer;
    return answer;
  }
  /// Opens and joins; forgets the messages of joining, all clients'.
  std::uint64_t join(const std::string& peer, const std::string& room = "r", const std::string& data = "{}") {
    const std::uint64_t client = open(room, peer);
    const Json answer = ask(client, "join", data);
    EXPECT_TRUE(answer.value("ok", false)) << answer;
    forget();
    return client;
  }
  void close(std::uint64_t client) { dialect.on_close({client}, now); }
  void pass(Duration time) {
    now += time;
    dialect.handle_timeout(now);
  }

  Bus bus;
  test::SeededEntropy entropy;
  RoomNames names;
  Rooms rooms;
  ProtooDialect dialect;
  TimePoint now = TimePoint{} + 1h;
};

using Closed = std::optional<std::pair<int, std::string>>;
inline const Closed closed_for_good{{4000, "closed by protoo-server"}};

inline Json error(int code, const std::string& reason, int id = 77) {
  return {{"response", true}, {"id", id}, {"ok", false}, {"errorCode", code}, {"errorReason", reason}};
}
inline Json success(const Json& data = Json::object(), int id = 77) {
  return {{"response", true}, {"id", id}, {"ok", true}, {"data", data}};
}
inline Json notification(const std::string& method, const Json& data) {
  return {{"notification", true}, {"method", method}, {"data", data}};
}

}  // namespace sluice::testing_protoo
