#include "control/observability/span_exporter.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using Outcome = SpanExporter::Outcome;

struct ExporterFixture : ::testing::Test {
  SpanExporterOptions options;
  std::vector<std::string> bodies;
  std::vector<SpanExporter::Done> answers;
  std::unique_ptr<SpanExporter> exporter;
  TimePoint now{};

  void make() {
    exporter = std::make_unique<SpanExporter>(
        [this](std::string body, SpanExporter::Done done) {
          bodies.push_back(std::move(body));
          answers.push_back(std::move(done));
        },
        options);
  }
  void SetUp() override { make(); }
  void add(const std::string& name) {
    Span span;
    span.name = name;
    exporter->add(span, now);
  }
  std::vector<std::string> names_in(const std::string& body) {
    std::vector<std::string> names;
    const json request = json::parse(body);
    for (const json& span : request["resourceSpans"][0]["scopeSpans"][0]["spans"]) names.push_back(span["name"]);
    return names;
  }
};
using Names = std::vector<std::string>;

TEST_F(ExporterFixture, spans_wait_for_company_and_go_as_one_batch) {
  EXPECT_EQ(exporter->next_deadline(), never);
  add("a");
  now += 1s;
  add("b");
  EXPECT_EQ(exporter->next_deadline(), TimePoint{} + 5s);
  exporter->handle_timeout(TimePoint{} + 4999ms);
  EXPECT_TRUE(bodies.empty());
  exporter->handle_timeout(TimePoint{} + 5s);
  ASSERT_EQ(bodies.size(), 1U);
  EXPECT_EQ(names_in(bodies[0]), (Names{"a", "b"}));
  answers[0](Outcome::delivered, now);
  EXPECT_EQ(exporter->stats().exported, 2U);
  EXPECT_EQ(exporter->next_deadline(), never);
}

TEST_F(ExporterFixture, a_full_batch_goes_at_once_and_one_at_a_time) {
  options.batch_max = 2;
  make();
  for (const char* name : {"a", "b", "c", "d", "e"}) add(name);
  exporter->handle_timeout(now);
  exporter->handle_timeout(now + 1h);
  ASSERT_EQ(bodies.size(), 1U);
  answers[0](Outcome::delivered, now);
  exporter->handle_timeout(now);
  ASSERT_EQ(bodies.size(), 2U);
  EXPECT_EQ(names_in(bodies[1]), (Names{"c", "d"}));
}

TEST_F(ExporterFixture, what_may_work_later_is_tried_again_with_the_same_bytes) {
  add("a");
  exporter->flush(now);
  answers[0](Outcome::try_again, now);
  EXPECT_EQ(exporter->next_deadline(), now + 1s);
  exporter->handle_timeout(now + 1s);
  answers[1](Outcome::try_again, now + 1s);
  EXPECT_EQ(exporter->next_deadline(), now + 3s);
  exporter->handle_timeout(now + 3s);
  answers[2](Outcome::try_again, now + 3s);
  exporter->handle_timeout(now + 7s);
  ASSERT_EQ(bodies.size(), 4U);
  EXPECT_EQ(bodies[3], bodies[0]);
  answers[3](Outcome::try_again, now + 7s);
  EXPECT_EQ(exporter->stats().dropped, 1U);
  EXPECT_EQ(exporter->stats().retries, 3U);
  EXPECT_EQ(exporter->next_deadline(), never);
}

TEST_F(ExporterFixture, what_was_refused_is_dropped) {
  add("a");
  exporter->flush(now);
  answers[0](Outcome::refused, now);
  answers[0](Outcome::delivered, now);  // a second answer does nothing
  EXPECT_EQ(exporter->stats().dropped, 1U);
  EXPECT_EQ(exporter->stats().exported, 0U);
}

TEST_F(ExporterFixture, the_queue_is_bounded) {
  options.queue_max = 3;
  make();
  for (int i = 0; i < 10; ++i) add("x");
  EXPECT_EQ(exporter->stats().waiting, 3U);
  EXPECT_EQ(exporter->stats().dropped, 7U);
}

TEST_F(ExporterFixture, a_callback_gets_the_contracts_spans) {
  options.format = SpanExporterOptions::Format::contract;
  make();
  add("a");
  exporter->flush(now);
  EXPECT_EQ(json::parse(bodies[0])["spans"][0]["name"], "a");
  EXPECT_EQ(json::parse(bodies[0])["spans"][0]["status"], "ok");
}

TEST_F(ExporterFixture, an_answer_after_its_end_does_nothing) {
  add("a");
  exporter->flush(now);
  exporter.reset();
  answers[0](Outcome::delivered, now);
}

}  // namespace
}  // namespace sluice
