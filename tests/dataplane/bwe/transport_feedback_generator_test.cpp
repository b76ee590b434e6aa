#include "dataplane/bwe/transport_feedback_generator.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>

#include "dataplane/packet/transport_feedback.hpp"

namespace sluice {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint start{std::chrono::seconds(1000)};

/// What a sender learns from a message.
struct Message {
  std::uint16_t base = 0;
  std::uint8_t count = 0;
  std::vector<std::pair<std::uint16_t, bool>> statuses;
  std::vector<TimePoint> arrivals;  // of the received ones
};

std::vector<Message> poll(TransportFeedbackGenerator& generator, TimePoint now) {
  std::vector<Message> result;
  TransportFeedbackWriter writer;
  while (generator.poll(now, writer)) {
    std::array<std::byte, 1500> room{};
    ByteWriter out(room);
    writer.write_body(out);
    const auto parsed = TransportFeedback::parse({1}, {2}, out.written());
    EXPECT_TRUE(parsed);
    if (!parsed) return result;
    Message message{parsed->base_sequence_number.value, parsed->feedback_count, {}, {}};
    TimePoint at{parsed->reference_time_64ms * TransportFeedback::reference_unit};
    parsed->for_each([&](const PacketStatus& status) {
      message.statuses.emplace_back(status.sequence_number.value, status.received);
      if (!status.received) return;
      at += status.delta_ticks * TransportFeedback::tick;
      message.arrivals.push_back(at);
    });
    result.push_back(message);
    EXPECT_LT(result.size(), 100U);
  }
  return result;
}

TEST(TransportFeedbackGenerator, IsIdleUntilAPacketCame) {
  TransportFeedbackGenerator generator;
  EXPECT_EQ(generator.next_deadline(), never);
  EXPECT_TRUE(poll(generator, start).empty());
}

TEST(TransportFeedbackGenerator, TellsWhatArrivedAndWhatIsMissing) {
  TransportFeedbackGenerator generator;
  generator.on_packet(start, {65'534});
  generator.on_packet(start + milliseconds(2), {65'535});
  generator.on_packet(start + milliseconds(7), {2});
  const auto messages = poll(generator, generator.next_deadline());
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].statuses, (std::vector<std::pair<std::uint16_t, bool>>{
                                      {65'534, true}, {65'535, true}, {0, false}, {1, false}, {2, true}}));
  ASSERT_EQ(messages[0].arrivals.size(), 3U);
  EXPECT_EQ(messages[0].arrivals[1] - messages[0].arrivals[0], milliseconds(2));
  EXPECT_EQ(messages[0].arrivals[2] - messages[0].arrivals[1], milliseconds(5));
  EXPECT_EQ(generator.next_deadline(), never);
}

TEST(TransportFeedbackGenerator, WaitsLongerWhileLittleArrives) {
  TransportFeedbackGenerator generator;
  generator.on_packet(start, {1});
  EXPECT_EQ(generator.next_deadline(), start + milliseconds(100));
  for (std::uint16_t i = 2; i < 20; ++i) generator.on_packet(start + milliseconds(i), {i});
  EXPECT_EQ(generator.next_deadline(), start + milliseconds(50));
  EXPECT_EQ(poll(generator, start + milliseconds(50)).size(), 1U);
  generator.on_packet(start + milliseconds(60), {20});
  EXPECT_EQ(generator.next_deadline(), start + milliseconds(150));
}

TEST(TransportFeedbackGenerator, BeginsWhereTheLastMessageEnded) {
  TransportFeedbackGenerator generator;
  generator.on_packet(start, {10});
  EXPECT_EQ(poll(generator, start + milliseconds(100))[0].count, 0);
  generator.on_packet(start + milliseconds(110), {13});
  const auto messages = poll(generator, start + milliseconds(300));
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].count, 1);
  EXPECT_EQ(messages[0].statuses, (std::vector<std::pair<std::uint16_t, bool>>{{11, false}, {12, false}, {13, true}}));
}

TEST(TransportFeedbackGenerator, TellsOfAReorderedPacketAfterAll) {
  TransportFeedbackGenerator generator;
  generator.on_packet(start, {10});
  generator.on_packet(start + milliseconds(1), {12});
  (void)poll(generator, start + milliseconds(100));
  generator.on_packet(start + milliseconds(120), {11});
  const auto messages = poll(generator, start + milliseconds(300));
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].statuses, (std::vector<std::pair<std::uint16_t, bool>>{{11, true}, {12, true}}));
  EXPECT_EQ(messages[0].arrivals[1] - messages[0].arrivals[0], -milliseconds(119));
}

TEST(TransportFeedbackGenerator, AReorderedPacketThatIsTooLateOrADuplicateIsNoNews) {
  TransportFeedbackGenerator generator;
  generator.on_packet(start, {10});
  generator.on_packet(start + milliseconds(1), {12});
  (void)poll(generator, start + milliseconds(100));
  generator.on_packet(start + milliseconds(502), {11});
  generator.on_packet(start + milliseconds(502), {12});
  EXPECT_EQ(generator.next_deadline(), never);
}

TEST(TransportFeedbackGenerator, SplitsWhatOneMessageCannotHold) {
  TransportFeedbackGenerator generator;
  for (std::uint16_t i = 0; i < 1000; ++i) generator.on_packet(start, {i});
  EXPECT_EQ(generator.next_deadline(), start);  // too many to wait
  std::size_t told = 0;
  for (const Message& message : poll(generator, start)) {
    EXPECT_LE(message.statuses.size(), 400U);
    told += message.statuses.size();
  }
  EXPECT_EQ(told, 1000U);
}

TEST(TransportFeedbackGenerator, SurvivesLongSilencesAndGaps) {
  TransportFeedbackGenerator generator;
  generator.on_packet(start, {0});
  generator.on_packet(start + std::chrono::seconds(20), {1});     // a delta that does not fit
  generator.on_packet(start + std::chrono::seconds(21), {1000});  // more missing than a message holds
  generator.on_packet(start + std::chrono::seconds(22), {5000});  // beyond the history
  const auto messages = poll(generator, start + std::chrono::seconds(23));
  ASSERT_FALSE(messages.empty());
  EXPECT_EQ(messages.back().statuses, (std::vector<std::pair<std::uint16_t, bool>>{{5000, true}}));
  EXPECT_EQ(generator.next_deadline(), never);
}

TEST(TransportFeedbackGenerator, ToldTimesAreTrueToATickWhateverTheNetworkDoes) {
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    TransportFeedbackGenerator generator;
    std::map<std::uint16_t, TimePoint> arrived;  // at most 3000 numbers: no wrap of the keys
    std::map<std::uint16_t, TimePoint> told;
    std::vector<std::pair<TimePoint, std::uint16_t>> network;
    const std::uint32_t base = random() % 65'536;
    TimePoint now = start;
    for (std::uint32_t i = 0; i < 3000; ++i) {
      now += std::chrono::microseconds(random() % 4000);
      if (random() % 20 == 0) continue;
      network.emplace_back(now + std::chrono::microseconds(random() % 10 == 0 ? random() % 30'000 : 0),
                           static_cast<std::uint16_t>(base + i));
    }
    std::sort(network.begin(), network.end());
    for (const auto& [time, sequence] : network) {
      generator.on_packet(time, {sequence});
      arrived[sequence] = time;
      if (generator.next_deadline() > time) continue;
      for (const Message& message : poll(generator, time)) {
        std::size_t received = 0;
        for (const auto& [number, was] : message.statuses) {
          if (was) told[number] = message.arrivals[received++];
        }
      }
    }
    for (const Message& message : poll(generator, network.back().first + std::chrono::seconds(1))) {
      std::size_t received = 0;
      for (const auto& [number, was] : message.statuses) {
        if (was) told[number] = message.arrivals[received++];
      }
    }
    ASSERT_EQ(told.size(), arrived.size());
    for (const auto& [number, time] : told) ASSERT_LE(std::chrono::abs(time - arrived[number]), TransportFeedback::tick);
  }
}

}  // namespace
}  // namespace sluice
