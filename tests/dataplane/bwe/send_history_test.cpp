#include "dataplane/bwe/send_history.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>

#include "dataplane/bwe/transport_feedback_generator.hpp"

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint start{std::chrono::seconds(1000)};
constexpr DataSize packet{1200};

struct Subscriber {
  SendHistoryState state;
  SendHistory history{state};
  ExtendedSequenceNumber send(TimePoint now, SendClass send_class = SendClass::video) {
    const auto sequence = history.claim();
    history.on_sent(now, sequence, packet, send_class);
    return sequence;
  }
};

/// A feedback message on the wire.
class Feedback {
 public:
  Feedback(std::uint16_t base, TimePoint first) { writer_.begin({base}, first, 0); }
  Feedback& received(std::uint16_t number, TimePoint arrival) {
    EXPECT_TRUE(writer_.add({number}, arrival));
    return *this;
  }
  TransportFeedback parsed() {
    ByteWriter out(room_);
    writer_.write_body(out);
    return *TransportFeedback::parse({1}, {2}, out.written());
  }

 private:
  TransportFeedbackWriter writer_;
  std::array<std::byte, 1500> room_{};
};

std::vector<PacketResult> apply(SendHistory& history, TimePoint now, Feedback& feedback) {
  std::vector<PacketResult> out(2048);
  out.resize(history.on_feedback(now, feedback.parsed(), out));
  return out;
}

TEST(SendHistory, NumbersWithoutGapAndGoesOnAfterAdoption) {
  Subscriber s;
  for (std::int64_t i = 0; i < 70'000; ++i) EXPECT_EQ(s.history.claim().value, i);
  SendHistory successor(s.state);
  EXPECT_EQ(successor.claim().value, 70'000);
}

TEST(SendHistory, JoinsFeedbackWithWhatWasSent) {
  Subscriber s;
  s.send(start, SendClass::audio);
  s.send(start + milliseconds(1));
  s.send(start + milliseconds(2), SendClass::rtx);
  EXPECT_EQ(s.history.in_flight().bytes, 3600);
  Feedback feedback(0, start + milliseconds(50));
  feedback.received(0, start + milliseconds(50)).received(2, start + milliseconds(53));
  const auto results = apply(s.history, start + milliseconds(100), feedback);
  ASSERT_EQ(results.size(), 3U);
  EXPECT_TRUE(results[0].arrived);
  EXPECT_EQ(results[0].send_class, SendClass::audio);
  EXPECT_FALSE(results[1].arrived);
  EXPECT_TRUE(results[2].arrived);
  EXPECT_EQ(results[2].sent, start + milliseconds(2));
  EXPECT_EQ(results[2].received - results[0].received, milliseconds(3));
  EXPECT_EQ(results[2].size, packet);
  EXPECT_EQ(s.history.in_flight().bytes, 0);
}

TEST(SendHistory, JudgesOnceButHearsOfALateArrival) {
  Subscriber s;
  for (int i = 0; i < 3; ++i) s.send(start);
  Feedback first(0, start);
  first.received(0, start).received(2, start);
  EXPECT_EQ(apply(s.history, start, first).size(), 3U);
  EXPECT_TRUE(apply(s.history, start, first).empty());
  EXPECT_NEAR(s.history.rates(start).loss, 1.0 / 3, 1e-9);
  Feedback late(1, start);
  late.received(1, start).received(2, start);
  const auto results = apply(s.history, start, late);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].sequence.value, 1);
  EXPECT_EQ(s.history.rates(start).loss, 0);
}

TEST(SendHistory, IgnoresWhatWasNeverSent) {
  Subscriber s;
  Feedback nothing(0, start);
  nothing.received(0, start);
  EXPECT_TRUE(apply(s.history, start, nothing).empty());
  for (int i = 0; i < 10; ++i) s.send(start);
  (void)s.history.claim();  // claimed, but the packet was dropped
  Feedback beyond(8, start);
  for (std::uint16_t i = 8; i < 30; ++i) beyond.received(i, start);
  EXPECT_EQ(apply(s.history, start, beyond).size(), 2U);
  Feedback future(20'000, start);
  future.received(20'000, start);
  EXPECT_TRUE(apply(s.history, start, future).empty());
  Feedback past(60'000, start);
  past.received(60'000, start);
  EXPECT_TRUE(apply(s.history, start, past).empty());
  EXPECT_EQ(s.history.ignored_total(), 1U + 20U + 1U + 1U);
  EXPECT_EQ(s.history.rates(start).packets, 2U);
}

TEST(SendHistory, ForgetsTheOldestAndBelievesNothingAboutThem) {
  Subscriber s;
  for (std::size_t i = 0; i < s.history.capacity() + 100; ++i) s.send(start);
  EXPECT_EQ(s.history.in_flight().bytes, 1200 * static_cast<std::int64_t>(s.history.capacity()));
  Feedback old(50, start);
  old.received(50, start);
  EXPECT_TRUE(apply(s.history, start, old).empty());
  Feedback recent(200, start);
  recent.received(200, start);
  EXPECT_EQ(apply(s.history, start, recent).size(), 1U);
}

TEST(SendHistory, MeasuresTheLastSecond) {
  Subscriber s;
  TimePoint now = start;
  // 100 packets a second of 1200 bytes, one in ten lost.
  for (int i = 0; i < 300; ++i, now += milliseconds(10)) {
    const auto sequence = s.send(now).on_wire();
    if (i % 10 == 5) continue;
    Feedback feedback(i % 10 == 6 ? static_cast<std::uint16_t>(sequence.value - 1) : sequence.value, now);
    feedback.received(sequence.value, now);
    (void)apply(s.history, now, feedback);
  }
  const DeliveryRates rates = s.history.rates(now - milliseconds(10));
  EXPECT_NEAR(static_cast<double>(rates.acknowledged.bits_per_second), 864'000, 20'000);
  EXPECT_NEAR(rates.loss, 0.1, 0.01);
  EXPECT_EQ(s.history.rates(now + std::chrono::seconds(5)).packets, 0U);
}

TEST(SendHistory, ASmallResultBufferLosesResultsButNotTheFigures) {
  Subscriber s;
  Feedback feedback(0, start);
  for (std::uint16_t i = 0; i < 20; ++i) {
    s.send(start);
    feedback.received(i, start);
  }
  std::array<PacketResult, 4> out{};
  EXPECT_EQ(s.history.on_feedback(start, feedback.parsed(), out), 4U);
  EXPECT_EQ(s.history.rates(start).packets, 20U);
}

TEST(SendHistory, AgreesWithTheOtherEndOverALossyNetwork) {
  for (std::uint32_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    Subscriber s;
    s.state.next = {static_cast<std::int64_t>(random() % 200'000)};
    const std::int64_t first = s.state.next.value;
    TransportFeedbackGenerator receiver;
    std::vector<bool> arrived;
    std::vector<int> judged;
    TimePoint now = start;
    const auto give_back = [&](TimePoint at) {
      TransportFeedbackWriter writer;
      while (receiver.poll(at, writer)) {
        std::array<std::byte, 1500> room{};
        ByteWriter out(room);
        writer.write_body(out);
        const auto parsed = TransportFeedback::parse({1}, {2}, out.written());
        ASSERT_TRUE(parsed);
        std::array<PacketResult, 512> results{};
        const std::size_t count = s.history.on_feedback(at, *parsed, results);
        for (std::size_t i = 0; i < count; ++i) {
          const auto index = static_cast<std::size_t>(results[i].sequence.value - first);
          ASSERT_EQ(results[i].arrived, arrived[index]);
          ++judged[index];
        }
      }
    };
    for (int i = 0; i < 5000; ++i) {
      now += milliseconds(1);
      const auto sequence = s.send(now);
      arrived.push_back(random() % 10 != 0 || i == 0 || i == 4999);
      judged.push_back(0);
      if (arrived.back()) receiver.on_packet(now, sequence.on_wire());
      give_back(now);
    }
    give_back(now + std::chrono::seconds(1));
    for (const int times : judged) ASSERT_EQ(times, 1);
    EXPECT_EQ(s.history.in_flight().bytes, 0);
    EXPECT_EQ(s.history.ignored_total(), 0U);
  }
}

}  // namespace
}  // namespace sluice
