// Every module of the library, for tests/browser/embedding.test.mjs: attached when members are there, then asked. Says what
// it sees as lines of JSON; each line of standard input is the name of a step.
#include <sluice/sluice.hpp>

#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

using namespace sluice::rooms;

namespace {

std::mutex output;
void say(const Json& line) {
  const std::lock_guard lock(output);
  std::cout << line.dump() << std::endl;
}
std::int64_t code_of(const std::function<void()>& work) {
  try {
    work();
    return -1;
  } catch (const Error& error) {
    return static_cast<std::int64_t>(error.code());
  }
}

/// An SFU that keeps books.
class Books final : public SFUInterface {
 public:
  std::string name() const override { return "books"; }
  std::string version() const override { return "1"; }
  std::vector<std::string> capabilities() const override { return {std::string(SIMULCAST)}; }
  void init() override { ++inits; }
  void close() override {}
  void createRoom(const std::string& roomId) override { made.insert(roomId); }
  void closeRoom(const std::string& roomId) override { made.erase(roomId); }
  Json createPeerTransports(const std::string& roomId, const std::string& peerId) override {
    if (roomId == "cursed") throw std::runtime_error("no ports left");
    return {{"sendTransport", {{"id", "s-" + peerId}}},
            {"recvTransport", {{"id", "r-" + peerId}}},
            {"routerRtpCapabilities", Json::object()}};
  }
  void connectTransport(const std::string&, const std::string&, const Json&) override {}
  void closePeerTransports(const std::string&, const std::string&) override { ++closed; }
  std::string produce(const std::string&, const std::string&, const Json&) override { return "p"; }
  Json consume(const std::string&, const std::string&, const Json&) override { return Json::object(); }
  void pauseConsumer(const std::string&) override {}
  void resumeConsumer(const std::string&) override {}
  Json health() const override { return {{"ok", true}}; }
  Json stats() const override { return {{"rooms", made.size()}}; }
  Json producerStats(const std::string&) const override { return Json::object(); }

  int inits = 0;
  int closed = 0;
  std::set<std::string> made;
};

struct Program {
  PolicyEngine policy{{.secret = "a policy secret", .defaultCaps = {{"subscribe", "data"}}}};
  ModerationBus moderation;
  RateLimiter limiter{{.maxMsgPerSec = 100}};
  ThreatDetector threats{
      {.thresholds = {{"maxDataMsgPerSecPerPeer", 1000}, {"maxMetadataPatchBytes", 64}}, .onThreat = [](const Json& threat) {
         say({{"threat", threat.at("threat")}});
       }}};
  AuditLogger audit{{.sink = [](const Json& entry) { say({{"entry", entry.at("event")}}); }, .redactIp = true}};
  ConsentFlow consent{{.required = {{"recording"}}, .consentTimeoutMs = 0}};
  DataResidency residency{
      {.localRegion = "eu", .geoLookup = [](const std::string& ip) { return ip == "192.0.2.1" ? "us" : "eu"; }}};
  RetentionPolicy retention{{.onExpiry =
                                 [](const Json& record) {
                                   say({{"expired", record.at("id")}});
                                 },
                             .onPurge =
                                 [](const Json& purge) {
                                   say({{"purge", purge.at("sub")}});
                                 }}};
  E2EKeyExchange keys;
  EventReplay replay;
  BackpressureController backpressure{{.maxPeers = 100}};
  MetricsCollector metrics;
  HealthMonitor health{{.serviceName = "operator"}};
  Tracer tracer{{.exporter = [](const Json& spans) { say({{"exported", spans.at(0).at("name")}}); }}};
  AlertManager alerts{{.channels = {{.type = "custom", .events = {"mine"}, .handler = [](const Json& alert) {
                                       say({{"alert", alert.at("event")}});
                                     }}}}};
  SessionManager sessions{{.reconnectTtl = 20000}};
  NativeSFUEngine sfu;
  AdaptiveBitrateController bitrate{{.mobileFirst = false}};
  WebhookDispatcher webhooks{{.endpoints = {{.url = "http://127.0.0.1:9/hook"}}}};
  AdminAPI admin;
  GovernanceEndpoints governance;
  ConfigManager config;
  FeatureFlags flags;
  Books books;
  SignalingServer server;

  std::vector<Module*> modules() {
    return {&policy,    &moderation, &limiter, &threats,      &audit,    &consent, &residency,
            &retention, &keys,       &replay,  &backpressure, &metrics,  &health,  &tracer,
            &alerts,    &sessions,   &sfu,     &bitrate,      &webhooks, &admin,   &governance};
  }

  explicit Program(ServerOptions options) : server(std::move(options)) {}

  Json before();
  Json attach();
  Json ask();
  Json configure();
};

/// What needs no server.
Json Program::before() {
  const std::string token = policy.issue({.sub = "alice", .roomId = "r", .caps = {{"publish", "subscribe", "data"}}});
  const PolicyVerdict verdict = policy.verify(token);
  const std::string secret(32, 's');
  const auto claims = RoomToken::verify(
      RoomToken(secret).forRoom("r").forPeer("alice").canPublish(false).withMetadata({{"team", 7}}).expires("15m").toJWT(),
      secret);
  const TurnCredentials turn({.secret = "turn", .urls = {"turn:turn.example.org"}, .ttl = 600});
  const Json credential = turn.issue("alice");
  FeatureFlags own;
  own.setGlobalFlag("a", true);
  own.setRoomFlag("r", "a", false);
  ConfigManager tree(Json({{"signaling", {{"maxPeersPerRoom", 9}}}}));
  tree.set("signaling.maxPeersPerRoom", 8);
  return {{"token", token},
          {"policy", verdict.policy},
          {"forged", policy.verify(token + "x").reason},
          {"unknownCap", code_of([&] { (void)policy.issue({.sub = "a", .caps = {{"fly"}}}); })},
          {"policyStats", policy.stats()},
          {"claims",
           {{"valid", claims.valid},
            {"room", *claims.room},
            {"sub", *claims.sub},
            {"canPublish", claims.canPublish},
            {"meta", claims.meta}}},
          {"badSecret", RoomToken::verify("a.b.c", secret).valid},
          {"turn", turn.verify(credential.at("username"), credential.at("credential")).valid},
          {"turnForged", turn.verify(credential.at("username"), "x").valid},
          {"turnTtl", credential.at("ttl")},
          {"unattached", code_of([&] { (void)sessions.stats(); })},
          {"notRunning", code_of([&] { (void)server.stats(); })},
          {"flagRoom", own.isEnabled("a", {.roomId = "r"})},
          {"flagElsewhere", own.isEnabled("a", {.roomId = "x"})},
          {"tree", tree.get("signaling.maxPeersPerRoom")},
          {"badTree", code_of([] {
             ConfigManager bad(Json({{"signaling", {{"maxPeersPerRoom", "many"}}}}));
           })},
          {"tagged", residency.tag({{"a", 1}})}};
}

Json Program::attach() {
  for (Module* module : modules()) module->attach(server);
  for (Module* module : modules()) module->attach(server);
  config.attach(server);
  flags.attach(server);
  books.on("sfu:peer:joined", [](const Json& data) { say({{"sfuPeer", data.at("peerId")}}); });
  books.on("error", [](const Json& data) { say({{"sfuError", data.at("message")}}); });
  books.attach(server);
  books.attach(server);
  policy.on("policy:violation", [](const Event& event) { say({{"violation", event.data.at("code")}}); });
  consent.on("consent:granted", [](const Event& event) { say({{"granted", event.data.at("peerId")}}); });
  PolicyEngine same({.secret = "a policy secret", .defaultCaps = {{"subscribe", "data"}}});
  same.attach(server);
  PolicyEngine other({.secret = "another secret"});
  // What only a starting server can do.
  AuditLogger file({.filePath = "/tmp/never.ndjson"});
  NativeSFUEngine region({.region = "moon"});
  return {{"inits", books.inits},
          {"other", code_of([&] {
             server.call("modules.attach", {{"module", "policyEngine"}, {"options", {{"secret", "another secret"}}}});
           })},
          {"unknown", code_of([&] {
             server.call("modules.attach", {{"module", "teleporter"}});
           })},
          {"badOption", code_of([&] {
             server.call("modules.attach", {{"module", "eventReplay"}, {"options", {{"capacity", "many"}}}});
           })},
          {"notBuilt", code_of([&] {
             server.call("modules.attach", {{"module", "regionRouter"}});
           })},
          {"region", code_of([&] {
             server.call("modules.attach", {{"module", "nativeSfu"}, {"options", {{"region", "moon"}}}});
           })},
          {"list", server.call("modules.list").at("modules")}};
}

Json Program::ask() {
  const Peer alice = server.getRoom("r").value().peers().at(0);
  const std::string id = alice.id();
  Json result;
  result["caps"] = policy.getCaps(alice);
  policy.setCaps(alice, {"publish", "subscribe", "data"});
  result["hasCap"] = policy.hasCap(alice, "publish");
  result["mute"] = moderation.mute({.roomId = "r", .targetId = id, .reason = "noise"});
  result["muted"] = moderation.isMuted("r", id);
  result["unmute"] = moderation.unmute({.roomId = "r", .targetId = id});
  result["warn"] = moderation.warn({.roomId = "r", .targetId = id, .reason = "careful"});
  result["warnNobody"] = moderation.warn({.roomId = "r", .targetId = "nobody"});
  result["lock"] = moderation.lockRoom("r");
  result["locked"] = moderation.isLocked("r");
  result["unlock"] = moderation.unlockRoom("r");
  result["moderationLog"] = moderation.log({.roomId = "r"}).size();
  limiter.ban("192.0.2.7", 60000);
  result["limiterBans"] = limiter.bans().at(0).ip;
  limiter.unban("192.0.2.7");
  result["limiterBansAfter"] = limiter.bans().size();
  threats.ban("192.0.2.8");
  result["banned"] = threats.isBanned("192.0.2.8");
  threats.unban("192.0.2.8");
  result["bannedAfter"] = threats.isBanned("192.0.2.8");
  result["threatStats"] = threats.stats().contains("trackedPeers");
  audit.log("operator:note", {{"why", "test"}});
  result["audited"] = audit.query({.event = "operator:note"}).at(0).at("why");
  result["consentBefore"] = consent.hasConsented("r", id, "recording");
  consent.recordConsent("r", id, {"recording"});
  result["consent"] = consent.getConsent("r", id).value().at("types");
  result["roomConsent"] = consent.roomHasConsent("r", "recording");
  result["consents"] = consent.getRoomConsents("r").size();
  result["noConsent"] = consent.getConsent("r", "nobody").has_value();
  result["consentStats"] = consent.stats().size();
  result["region"] = residency.resolveRegion("192.0.2.1").value_or("none");
  result["allowed"] = {residency.isAllowed("eu"), residency.isAllowed("us")};
  result["residency"] = residency.stats().at("localRegion");
  retention.registerRecord({.id = "x", .type = "session", .sub = "carl", .meta = {{"n", 1}}});
  retention.placeLegalHold("carl");
  result["held"] = retention.purge("carl");
  retention.releaseLegalHold("carl");
  result["records"] = retention.recordsFor("carl").size();
  result["expiring"] = retention.expiringWithin(1).size();
  result["dry"] = retention.purge(true);
  result["erased"] = retention.purge("carl");
  result["anonymised"] = retention.anonymise("nobody");
  result["retention"] = retention.stats().at("held");
  result["keys"] = keys.getRoomKeys("r").size();
  result["noKey"] = keys.getPeerKey("r", id).has_value();
  result["keyStats"] = keys.stats().size();
  result["recorded"] = replay.record("note", "r", std::nullopt, {{"a", 1}}).value().at("type");
  result["since"] = replay.since(0).empty();
  result["roomEvents"] = replay.roomEvents("r").back().at("type");
  result["replayed"] = replay.replayToPeer(alice, 0) > 0;
  result["seq"] = replay.currentSeq() > 0;
  result["load"] = backpressure.status().at("level");
  result["snapshot"] = metrics.snapshot().at("server").at("rooms");
  result["roomSnapshot"] = metrics.roomSnapshot("r").has_value();
  result["noRoomSnapshot"] = metrics.roomSnapshot("nowhere").has_value();
  result["allRooms"] = metrics.allRoomSnapshots().size();
  result["prometheus"] = metrics.prometheus().find("rooms_active") != std::string::npos;
  result["service"] = health.report().at("service");
  result["healthy"] = health.isHealthy() == health.breaches().empty();
  const Tracer::Span span = tracer.startSpan("operator.work", std::nullopt, {{"n", 1}});
  span.addEvent("half");
  span.end("error", "broke");
  result["span"] = tracer.getSpans({.name = "operator.work"}).at(0).at("attrs").at("error");
  result["spanTwice"] = code_of([&] { span.end(); });
  result["trace"] = tracer.getTraceId(id).value_or("").size();
  result["tracer"] = tracer.stats().contains("buffered");
  result["alert"] = alerts.alert({.event = "mine", .severity = "warning", .message = "look"}).has_value();
  result["alertAgain"] = alerts.alert({.event = "mine", .severity = "warning", .message = "look"}).has_value();
  alerts.clearSuppression();
  result["recent"] = alerts.recent().back().at("event");
  result["session"] = sessions.getSession(id).value().at("state");
  result["noSession"] = sessions.getSession("nobody").has_value();
  result["enqueue"] = sessions.enqueue(alice, {{"type", "x"}});
  result["sessions"] = sessions.stats().at("active");
  result["noExpire"] = sessions.expire("nobody");
  result["noMigrate"] = sessions.migrateSession("nobody", "eu");
  sfu.init();
  sfu.healthCheck();
  result["sfu"] = sfu.stats().at("initialized");
  result["producers"] = sfu.producers("r").size();
  result["consumers"] = sfu.consumers().size();
  result["bitrate"] = bitrate.stats().size();
  result["force"] = bitrate.forceLayer("nothing", "high");
  result["speaker"] = code_of([&] { bitrate.setActiveSpeaker("nothing"); });
  webhooks.dispatch("order.paid", {{"n", 1}});
  webhooks.clearDeadLetterQueue();
  result["letters"] = webhooks.deadLetterQueue().size();
  result["webhooks"] = webhooks.stats().contains("failed");
  result["simulcast"] = {books.hasCapability(SFUInterface::SIMULCAST), books.hasCapability(SFUInterface::SVC)};
  result["books"] = books.made.contains("r");
  return result;
}

Json Program::configure() {
  config.on("config:changed", [](const Json& change) { say({{"changed", change.at("path")}}); });
  flags.on("flag:changed", [](const Json& change) { say({{"flag", change.at("flag")}}); });
  Json result;
  result["restart"] = config.set("signaling.maxPeersPerRoom", 12);
  result["value"] = config.get("signaling.maxPeersPerRoom");
  result["all"] = config.all().contains("signaling");
  result["bad"] = code_of([&] { config.set("signaling.maxPeersPerRoom", "many"); });
  result["unset"] = {config.unset("signaling.maxPeersPerRoom"), config.unset("signaling.maxPeersPerRoom")};
  flags.setGlobalFlag("beta", true);
  flags.setTenantFlag("acme", "beta", false);
  flags.setRoomFlag("r", "beta", false);
  result["flags"] = {flags.isEnabled("beta"), flags.isEnabled("beta", {.tenantId = "acme"}),
                     flags.isEnabled("beta", {.roomId = "r"})};
  result["resolved"] = flags.resolve({.roomId = "r"}).at("beta");
  flags.clearRoomFlags("r");
  flags.clearTenantFlags("acme");
  result["cleared"] = flags.isEnabled("beta", {.roomId = "r", .tenantId = "acme"});
  result["flagStats"] = flags.stats().at("globalFlags");
  return result;
}

}  // namespace

int main(int, char** argv) try {
  ServerOptions options;
  options.port = 0;
  options.reconnectTtl = 0;
  options.configuration = Json::parse(argv[1]);
  options.logFile = argv[2];
  Program program(std::move(options));
  say({{"before", program.before()}});
  program.server.listen();
  say({{"ready", true}, {"port", program.server.port()}});
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "attach") say({{"attach", program.attach()}});
    if (line == "ask") say({{"ask", program.ask()}});
    if (line == "configure") say({{"configure", program.configure()}});
    if (line == "caps") say({{"caps", program.policy.stats()}, {"list", program.server.call("modules.list").at("modules")}});
    if (line == "close") {
      program.server.close();
      say({{"close", true}});
    }
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
