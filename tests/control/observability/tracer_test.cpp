#include "control/observability/tracer.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/room_world.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

struct TracerFixture : ::testing::Test {
  test::RoomWorld world;
  TracerOptions options;
  std::unique_ptr<Tracer> tracer = make();
  std::vector<Span> finished;

  std::unique_ptr<Tracer> make() {
    auto made = std::make_unique<Tracer>(world.bus, world.rooms, world.entropy, world.clock(), test::RoomWorld::unix_clock(),
                                         options);
    made->on_finished([this](const Span& span) { finished.push_back(span); });
    return made;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> list;
    for (const Span& span : finished) list.push_back(span.name);
    return list;
  }
  const Span& last(const std::string& name) const {
    const auto found = std::find_if(finished.rbegin(), finished.rend(), [&](const Span& span) { return span.name == name; });
    EXPECT_NE(found, finished.rend()) << name;
    return *found;
  }
};
using Names = std::vector<std::string>;

TEST_F(TracerFixture, a_life_is_one_trace_of_ended_spans) {
  Metadata metadata;
  const PeerId peer = world.connect();
  const auto trace = tracer->trace_id_of(peer);
  ASSERT_TRUE(trace);
  world.now += 40ms;
  world.rooms.join(peer, RoomId("r"), metadata, world.now, [](const JoinOutcome&, TimePoint) {});
  world.now += 2s;
  world.rooms.suspend(peer, world.now + 10s);
  world.rooms.resume(peer);
  world.leave(peer);
  EXPECT_EQ(names(), (Names{"room.created", "peer.connected", "peer.join", "peer.reconnect", "peer.leave"}));
  const Span& connected = last("peer.connected");
  for (const char* name : {"peer.connected", "peer.join", "peer.reconnect", "peer.leave"})
    EXPECT_EQ(last(name).trace_id, *trace) << name;
  EXPECT_EQ(last("peer.join").parent_id, connected.span_id);
  EXPECT_EQ(connected.parent_id, "");
  EXPECT_EQ(connected.duration_ms, 40.0);
  EXPECT_EQ(last("peer.join").attributes,
            (json{{"peerId", peer.value}, {"roomId", "r"}, {"role", "unknown"}, {"service", "webrtc-rooms"}}));
  EXPECT_EQ(last("peer.leave").attributes["duration"], 2000.0);
  EXPECT_EQ(last("room.created").attributes["roomId"], "r");
  const Tracer::Stats stats = tracer->stats();
  EXPECT_EQ(stats.active_spans, 0U);
  EXPECT_EQ(stats.active_peer_traces, 0U);
  EXPECT_FALSE(tracer->trace_id_of(peer));
}

TEST_F(TracerFixture, the_role_is_that_of_the_policy) {
  struct Role final : AdmissionStep {
    [[nodiscard]] AdmissionStage stage() const override { return AdmissionStage::policy; }
    void decide(const AdmissionRequest& request, AdmissionReply reply) override {
      reply(Admit{{{"__role", "\"moderator\""}}, {}}, request.now);
    }
  } step;
  world.rooms.add_admission_step(step);
  world.join("r");
  EXPECT_EQ(last("peer.join").attributes["role"], "moderator");
}

TEST_F(TracerFixture, a_refused_join_is_an_error_and_the_connection_ends_too) {
  test::RefusingStep refusing;
  refusing.reason = "not today";
  world.rooms.add_admission_step(refusing);
  const PeerId peer = world.join("r");
  EXPECT_EQ(last("peer.join.rejected").status, Span::Status::error);
  EXPECT_EQ(last("peer.join.rejected").attributes["error"], "not today");
  EXPECT_EQ(last("peer.join.rejected").attributes["reason"], "not today");
  EXPECT_EQ(last("peer.connected").attributes["peerId"], peer.value);
  EXPECT_EQ(tracer->stats().active_spans, 0U);
}

TEST_F(TracerFixture, a_connection_that_never_joins_ends_its_span_when_it_closes) {
  const PeerId peer = world.connect();
  EXPECT_EQ(tracer->stats().active_spans, 1U);
  world.rooms.discard(peer);
  EXPECT_EQ(names(), (Names{"peer.connected"}));
  EXPECT_EQ(tracer->stats().active_spans, 0U);
}

TEST_F(TracerFixture, ids_have_the_lengths_of_opentelemetry_and_differ) {
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) {
    auto span = tracer->start_span("x");
    EXPECT_EQ(span.trace_id().size(), 32U);
    EXPECT_EQ(span.span_id().size(), 16U);
    EXPECT_EQ(span.trace_id().find_first_not_of("0123456789abcdef"), std::string::npos);
    ids.insert(span.trace_id());
    ids.insert(span.span_id());
    span.end();
  }
  EXPECT_EQ(ids.size(), 200U);
}

TEST_F(TracerFixture, spans_of_other_modules_carry_events_and_end_once) {
  auto span = tracer->start_span("hook", "0123456789abcdef0123456789abcdef", {{"url", "x"}});
  world.now += 5ms;
  span.add_event("sent", {{"bytes", 3}});
  world.now += 5ms;
  span.end(Span::Status::error, "timeout");
  span.end();
  ASSERT_EQ(finished.size(), 1U);
  const json shown = span_json(finished[0]);
  EXPECT_EQ(shown["traceId"], "0123456789abcdef0123456789abcdef");
  EXPECT_TRUE(shown["parentSpanId"].is_null());
  EXPECT_EQ(shown["durationMs"], 10.0);
  EXPECT_EQ(shown["startMs"], world.unix_now() - 10);
  EXPECT_EQ(shown["status"], "error");
  EXPECT_EQ(shown["attrs"], (json{{"url", "x"}, {"error", "timeout"}, {"service", "webrtc-rooms"}}));
  EXPECT_EQ(shown["events"], json::array({{{"name", "sent"}, {"ts", world.unix_now() - 5}, {"bytes", 3}}}));
}

TEST_F(TracerFixture, a_span_let_go_is_ended_as_abandoned) {
  { const auto span = tracer->start_span("x"); }
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].status, Span::Status::error);
  EXPECT_EQ(finished[0].attributes["error"], "abandoned");
}

TEST_F(TracerFixture, an_endless_span_keeps_a_bounded_number_of_events) {
  auto span = tracer->start_span("x");
  for (int i = 0; i < 1000; ++i) span.add_event("e");
  span.end();
  EXPECT_EQ(finished[0].events.size(), 128U);
}

TEST_F(TracerFixture, the_buffer_is_a_ring_with_filters) {
  options.buffer_size = 3;
  tracer->set_options(options);
  for (const char* name : {"a", "b", "a", "c"}) tracer->start_span(name, "ffffffffffffffffffffffffffffffff").end();
  const auto of = [&](Tracer::Filter filter) {
    Names list;
    for (const Span* span : tracer->spans(filter)) list.push_back(span->name);
    return list;
  };
  EXPECT_EQ(of({}), (Names{"b", "a", "c"}));
  EXPECT_EQ(of({.limit = 2}), (Names{"a", "c"}));
  EXPECT_EQ(of({.name = "a"}), (Names{"a"}));
  EXPECT_EQ(of({.trace_id = "0"}), Names{});
  EXPECT_EQ(tracer->stats().buffered, 3U);
}

TEST_F(TracerFixture, noop_makes_nothing) {
  options.mode = TracerMode::noop;
  tracer->set_options(options);
  world.leave(world.join("r"));
  tracer->start_span("x").end();
  EXPECT_TRUE(finished.empty());
  EXPECT_EQ(tracer->stats().active_peer_traces, 0U);
}

TEST(OtlpRequest, IsTheJsonOfOpenTelemetry) {
  Span span{"0123456789abcdef0123456789abcdef",
            "0123456789abcdef",
            "fedcba9876543210",
            "peer.join",
            1714000000000.25,
            1.5,
            Span::Status::error,
            {{"peerId", "p"}, {"n", 3}, {"f", 0.5}, {"b", true}, {"error", "no"}, {"service", "s"}},
            {}};
  span.events.push_back({"e", 1714000000001, {{"k", "v"}}});
  const json request = otlp_request({span}, "my-service");
  const json resource = request["resourceSpans"][0]["resource"];
  EXPECT_EQ(resource, json::parse(R"({"attributes":[{"key":"service.name","value":{"stringValue":"my-service"}}]})"));
  EXPECT_EQ(request["resourceSpans"][0]["scopeSpans"][0]["spans"][0], json::parse(R"({
    "traceId":"0123456789abcdef0123456789abcdef","spanId":"0123456789abcdef","parentSpanId":"fedcba9876543210",
    "name":"peer.join","kind":1,"startTimeUnixNano":"1714000000000250000","endTimeUnixNano":"1714000000001750000",
    "attributes":[{"key":"b","value":{"boolValue":true}},{"key":"error","value":{"stringValue":"no"}},
      {"key":"f","value":{"doubleValue":0.5}},{"key":"n","value":{"intValue":"3"}},{"key":"peerId","value":{"stringValue":"p"}}],
    "events":[{"timeUnixNano":"1714000000001000000","name":"e","attributes":[{"key":"k","value":{"stringValue":"v"}}]}],
    "status":{"code":2,"message":"no"}})"));
  span.status = Span::Status::ok;
  span.parent_id.clear();
  const json ok = otlp_request({span}, "s")["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
  EXPECT_EQ(ok["status"], json::parse(R"({"code":1})"));
  EXPECT_FALSE(ok.contains("parentSpanId"));
}

}  // namespace
}  // namespace sluice
