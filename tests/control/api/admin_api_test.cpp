#include "control/api/admin_api.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "control/api/bearer.hpp"
#include "control/api/core_operations.hpp"
#include "control/observability/room_metrics.hpp"
#include "tests/control/api/api_request.hpp"

namespace sluice {
namespace {

using loop::HttpMethod;
using nlohmann::json;

class AdminApiTest : public ::testing::Test {
 protected:
  loop::HttpResponse call(HttpMethod method, const std::string& path, const std::string& body = "",
                          const std::string& query = "") {
    return test::ask(api, method, path, body, query);
  }
  json get(const std::string& path) { return json::parse(call(HttpMethod::get, path).body); }
  PeerId join(const std::string& room) {
    const PeerId peer = rooms.connect("native", "127.0.0.1");
    rooms.join(peer, RoomId(room), {{"displayName", "\"Alice\""}}, now, [](const JoinOutcome&, TimePoint) {});
    return peer;
  }

  TimePoint now{std::chrono::seconds(100)};
  Bus bus;
  SystemEntropy entropy;
  Rooms rooms{bus, entropy, {}, [](TimePoint) { return std::int64_t{1714000000123}; }};
  RoomMetrics metrics{bus, rooms, [this] { return now; }};
  CoreAccess access() {
    return {.rooms = rooms, .now = [this] { return now; }, .unix_ms = [] { return std::int64_t{1714000000123}; }};
  }
  Operations operations = [this] {
    Operations all;
    add_core_operations(all, access());
    return all;
  }();
  AdminApi api{operations, [this](PrometheusText& out) { metrics.write(out); }, {}};
};

TEST_F(AdminApiTest, HealthHasStatusUptimeAndTime) {
  now += std::chrono::milliseconds(2500);
  const json health = get("/admin/health");
  EXPECT_EQ(health["status"], "ok");
  EXPECT_EQ(health["uptime"], 2.5);
  EXPECT_EQ(health["timestamp"], "2024-04-24T23:06:40.123Z");
  EXPECT_EQ(get("/health")["status"], "ok") << "paths work without the prefix too";
}

TEST_F(AdminApiTest, StatsListRoomsAndMemory) {
  join("standup");
  const json stats = get("/admin/stats");
  EXPECT_EQ(stats["rooms"], 1);
  EXPECT_EQ(stats["peers"], 1);
  EXPECT_EQ(stats["roomList"][0]["id"], "standup");
  EXPECT_EQ(stats["roomList"][0]["peerCount"], 1);
  EXPECT_GT(stats["memory"]["rss"], 1000);
  for (const char* field : {"rss", "heapTotal", "heapUsed", "external", "arrayBuffers"})
    EXPECT_TRUE(stats["memory"].contains(field));
  EXPECT_TRUE(stats["nodeVersion"].is_string());
}

TEST_F(AdminApiTest, RoomsAreCreatedReturnedPatchedAndDestroyed) {
  const auto created = call(HttpMethod::post, "/admin/rooms", R"({"roomId":"a/b ü","metadata":{"topic":"x"},"maxPeers":3})");
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(json::parse(created.body)["room"]["metadata"]["topic"], "x");
  EXPECT_EQ(rooms.find_room(RoomId("a/b ü"))->capacity(), 3U);
  EXPECT_EQ(call(HttpMethod::post, "/admin/rooms", R"({"roomId":"a/b ü"})").status, 201) << "an existing room is returned";
  EXPECT_EQ(json::parse(call(HttpMethod::post, "/admin/rooms").body)["room"]["id"].get<std::string>().size(), 36U);
  EXPECT_EQ(call(HttpMethod::patch, "/admin/rooms/a/b ü", R"({"metadata":{"topic":null}})").status, 200);
  EXPECT_EQ(get("/admin/rooms/a/b ü")["metadata"]["topic"], nullptr);
  EXPECT_EQ(json::parse(call(HttpMethod::del, "/admin/rooms/a/b ü").body)["destroyed"], "a/b ü");
  EXPECT_EQ(call(HttpMethod::del, "/admin/rooms/a/b ü").status, 404);
}

TEST_F(AdminApiTest, RoomsWhoseIdsCannotStandInAPathAreNamedByEscapingTwice) {
  const json wanted = {{"roomId", "a\n//../%41/broadcast"}};
  EXPECT_EQ(call(HttpMethod::post, "/admin/rooms", wanted.dump()).status, 201);
  const std::string path = "/admin/rooms/a%0A%2F%2F..%2F%2541%2Fbroadcast";  // as it comes, unescaped once
  EXPECT_EQ(get(path)["id"], wanted["roomId"]);
  EXPECT_EQ(json::parse(call(HttpMethod::post, path + "/broadcast", R"({"payload":1})").body)["sent"], 0);
  EXPECT_EQ(call(HttpMethod::post, "/admin/rooms", R"({"roomId":"x%41"})").status, 201);
  EXPECT_EQ(call(HttpMethod::post, "/admin/rooms", R"({"roomId":"xA"})").status, 201);
  EXPECT_EQ(get("/admin/rooms/x%41")["id"], "x%41") << "the id as given first";
  EXPECT_EQ(get("/admin/rooms/xA")["id"], "xA");
  EXPECT_EQ(call(HttpMethod::get, "/admin/rooms/%zz%4").status, 404);
  EXPECT_EQ(call(HttpMethod::del, path).status, 200);
  EXPECT_EQ(call(HttpMethod::del, path).status, 404);
}

TEST_F(AdminApiTest, PeersAreListedWithoutSecretsAndKicked) {
  const PeerId peer = join("r");
  const json list = get("/admin/peers")["peers"];
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0],
            (json{{"id", peer.value}, {"roomId", "r"}, {"state", "joined"}, {"metadata", {{"displayName", "Alice"}}}}));
  const auto kicked = call(HttpMethod::del, "/admin/peers/" + peer.value, "", "reason=too%20loud");
  EXPECT_EQ(json::parse(kicked.body), (json{{"kicked", peer.value}, {"reason", "too loud"}}));
  EXPECT_EQ(call(HttpMethod::del, "/admin/peers/" + peer.value).status, 404);
}

TEST_F(AdminApiTest, BadInputIsAnswered) {
  EXPECT_EQ(call(HttpMethod::post, "/admin/rooms", "{").status, 400);
  EXPECT_EQ(call(HttpMethod::post, "/admin/rooms", std::string(100000, '[')).status, 400);
  EXPECT_EQ(call(HttpMethod::post, "/admin/rooms", "[]").status, 400);
  EXPECT_EQ(call(HttpMethod::post, "/admin/rooms", R"({"roomId":5})").status, 400);
  EXPECT_EQ(call(HttpMethod::post, "/admin/rooms", R"({"roomId":"  "})").status, 400);
  EXPECT_EQ(call(HttpMethod::post, "/admin/rooms", R"({"roomId":"x","maxPeers":0})").status, 400);
  EXPECT_EQ(call(HttpMethod::get, "/admin/rooms/none").status, 404);
  EXPECT_EQ(call(HttpMethod::get, "/admin/nothing").status, 404);
  EXPECT_EQ(call(HttpMethod::get, "/").status, 404);
}

TEST_F(AdminApiTest, MetricsHaveOneTypeLineForEachFamily) {
  join("r\"1");
  const std::string text = call(HttpMethod::get, "/metrics").body;
  EXPECT_NE(text.find("webrtc_rooms_joins_total 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("webrtc_rooms_room_peers_current{room=\"r\\\"1\"} 1\n"), std::string::npos) << text;
  std::map<std::string, int> families;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) ++families[line.substr(7, line.find(' ', 7) - 7)];
  }
  for (const auto& [name, times] : families) EXPECT_EQ(times, 1) << name;
}

TEST_F(AdminApiTest, AWebPageCannotUseTheOpenLoopbackApi) {
  const auto status = [&](const std::string& host, const std::string& origin) {
    loop::HttpRequest request;
    request.path = "/admin/health";
    request.host = host;
    request.origin = origin;
    return test::ask(api, request).status;
  };
  EXPECT_EQ(status("127.0.0.1:4000", ""), 200);
  EXPECT_EQ(status("localhost:4000", "http://localhost:4000"), 200);
  EXPECT_EQ(status("[::1]:4000", ""), 200);
  EXPECT_EQ(status("127.0.0.1:4000", "https://evil.example"), 403);
  EXPECT_EQ(status("rebound.example:4000", ""), 403);
}

TEST(Bearer, ComparesTheWholeSecret) {
  EXPECT_TRUE(bearer_allows("", ""));
  EXPECT_TRUE(bearer_allows("Bearer abc", "abc"));
  for (const char* wrong : {"", "abc", "Bearer ab", "Bearer abcd", "Bearer abd", "bearer abc", "Basic abc"}) {
    EXPECT_FALSE(bearer_allows(wrong, "abc")) << wrong;
  }
}

class FakeUpkeep final : public Upkeep {
 public:
  [[nodiscard]] std::vector<WorkerState> workers() const override {
    return {{WorkerId{0}, 3, 7, true}, {WorkerId{1}, 0, 0, false}};
  }
  Result<void, Refusal> migrate(const RoomId& room, WorkerId to) override {
    asked = "migrate " + room.value + " " + std::to_string(to.value);
    if (to.value == 9) return unexpected(Refusal{Refusal::Kind::unknown, "there is no such worker"});
    if (to.value == 8) return unexpected(Refusal{Refusal::Kind::conflict, "the room is being moved already"});
    if (to.value == 7) return unexpected(Refusal{Refusal::Kind::unavailable, "full"});
    return {};
  }
  Result<void, Refusal> drain_worker(WorkerId worker, bool undo) override {
    asked = "drain " + std::to_string(worker.value) + (undo ? " undo" : "");
    return {};
  }
  void drain_server(std::optional<Duration> deadline, bool undo) override {
    state.draining = !undo;
    state.left = deadline;
  }
  [[nodiscard]] DrainState draining() const override { return state; }
  std::string asked;
  DrainState state;
};

TEST_F(AdminApiTest, RoomsAreMovedAndWorkersDrained) {
  (void)join("r");
  EXPECT_EQ(call(HttpMethod::get, "/admin/workers").status, 404) << "a server without workers to tell of";
  FakeUpkeep upkeep;
  Operations with_workers;
  CoreAccess more = access();
  more.upkeep = &upkeep;
  add_core_operations(with_workers, more);
  operations = with_workers;
  const json workers = get("/admin/workers")["workers"];
  ASSERT_EQ(workers.size(), 2U);
  EXPECT_EQ(workers[0], (json{{"id", 0}, {"rooms", 3}, {"transports", 7}, {"draining", true}}));
  EXPECT_EQ(call(HttpMethod::post, "/admin/rooms/r/migrate", R"({"worker":1})").status, 202);
  EXPECT_EQ(upkeep.asked, "migrate r 1");
  EXPECT_EQ(call(HttpMethod::post, "/admin/rooms/none/migrate", R"({"worker":1})").status, 404);
  EXPECT_EQ(call(HttpMethod::post, "/admin/rooms/r/migrate", R"({"worker":9})").status, 404);
  EXPECT_EQ(call(HttpMethod::post, "/admin/rooms/r/migrate", R"({"worker":8})").status, 409);
  EXPECT_EQ(call(HttpMethod::post, "/admin/rooms/r/migrate", R"({"worker":7})").status, 503);
  for (const char* body : {"", "{}", R"({"worker":-1})", R"({"worker":"1"})", R"({"worker":65536})", "["})
    EXPECT_EQ(call(HttpMethod::post, "/admin/rooms/r/migrate", body).status, 400) << body;
  EXPECT_EQ(call(HttpMethod::post, "/admin/workers/1/drain").status, 202);
  EXPECT_EQ(upkeep.asked, "drain 1");
  EXPECT_EQ(call(HttpMethod::post, "/admin/workers/1/drain", R"({"undo":true})").status, 202);
  EXPECT_EQ(upkeep.asked, "drain 1 undo");
  for (const char* path : {"/admin/workers/x/drain", "/admin/workers//drain", "/admin/workers/-1/drain"})
    EXPECT_EQ(call(HttpMethod::post, path).status, 400) << path;
  EXPECT_EQ(call(HttpMethod::post, "/admin/workers/drain").status, 404);
}

TEST_F(AdminApiTest, TheServerIsDrainedAndSaysHowLong) {
  FakeUpkeep upkeep;
  Operations with_workers;
  CoreAccess more = access();
  more.upkeep = &upkeep;
  add_core_operations(with_workers, more);
  operations = with_workers;
  EXPECT_EQ(get("/admin/drain")["draining"], false);
  EXPECT_EQ(call(HttpMethod::post, "/admin/drain", R"({"deadline":90})").status, 202);
  EXPECT_EQ(get("/admin/drain")["secondsLeft"], 90.0);
  EXPECT_EQ(get("/admin/drain")["draining"], true);
  EXPECT_EQ(call(HttpMethod::post, "/admin/drain", R"({"undo":true})").status, 202);
  EXPECT_FALSE(get("/admin/drain").contains("secondsLeft"));
  for (const char* body : {R"({"deadline":-1})", R"({"deadline":1e9})", R"({"deadline":"soon"})", R"({"undo":1})"})
    EXPECT_EQ(call(HttpMethod::post, "/admin/drain", body).status, 400) << body;
}

}  // namespace
}  // namespace sluice
