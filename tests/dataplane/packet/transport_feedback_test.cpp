#include "dataplane/packet/transport_feedback.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "dataplane/packet/rtcp_compound.hpp"
#include "dataplane/packet/rtcp_writer.hpp"
#include "tests/dataplane/packet/packet_bytes.hpp"

namespace sluice {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::optional<TransportFeedback> parse(Bytes body) {
  return TransportFeedback::parse({1}, {2}, body);
}

std::vector<PacketStatus> statuses_of(const TransportFeedback& feedback) {
  std::vector<PacketStatus> statuses;
  feedback.for_each([&](const PacketStatus& status) { statuses.push_back(status); });
  return statuses;
}

/// Writes, parses as a compound, and returns arrival times in ticks by sequence number; missing packets are absent.
std::map<std::uint16_t, std::int64_t> round_trip(const TransportFeedbackWriter& writer) {
  std::array<std::byte, 1400> out;
  RtcpWriter rtcp(out);
  EXPECT_TRUE(rtcp.transport_feedback({1}, {2}, writer));
  const auto exact = cut(rtcp.written(), rtcp.size());
  std::map<std::uint16_t, std::int64_t> arrivals;
  const auto compound = RtcpCompound::parse(exact);
  EXPECT_TRUE(compound);
  if (!compound) return arrivals;
  compound->for_each([&](const RtcpPacket& packet) {
    const auto* feedback = std::get_if<TransportFeedback>(&packet);
    ASSERT_NE(feedback, nullptr);
    EXPECT_EQ(feedback->status_count, writer.size());
    std::int64_t ticks = std::int64_t{feedback->reference_time_64ms} * 256;
    feedback->for_each([&](const PacketStatus& status) {
      if (!status.received) return;
      ticks += status.delta_ticks;
      arrivals[status.sequence_number.value] = ticks;
    });
  });
  return arrivals;
}

TEST(TransportFeedback, ReadsEachKindOfChunk) {
  // base 10, 3 + 14 + 7 packets, reference 5, count 9: a run of three small deltas, a one-bit vector, a two-bit vector.
  const auto good = bytes_of_hex(
      "000a 0018 000005 09"
      "2003"      // run
      "a001"      // received, 12 missing, received
      "d860"      // small, large, missing, small, large, missing, missing
      "04 08 0c"  // of the run
      "10 14"     // of the one-bit vector
      "01 ff38 02 c000");
  const auto feedback = parse(good);
  ASSERT_TRUE(feedback);
  EXPECT_EQ(feedback->base_sequence_number.value, 10);
  EXPECT_EQ(feedback->reference_time_64ms, 5);
  EXPECT_EQ(feedback->feedback_count, 9);
  const auto statuses = statuses_of(*feedback);
  ASSERT_EQ(statuses.size(), 24U);
  EXPECT_EQ(statuses[0].sequence_number.value, 10);
  EXPECT_EQ(statuses[2].delta_ticks, 12);
  EXPECT_TRUE(statuses[3].received);
  EXPECT_EQ(statuses[3].delta_ticks, 16);
  EXPECT_FALSE(statuses[4].received);
  EXPECT_TRUE(statuses[16].received);
  EXPECT_EQ(statuses[17].delta_ticks, 1);
  EXPECT_EQ(statuses[18].delta_ticks, -200);
  EXPECT_FALSE(statuses[19].received);
  EXPECT_EQ(statuses[20].delta_ticks, 2);
  EXPECT_EQ(statuses[21].delta_ticks, -16384);
  EXPECT_FALSE(statuses[23].received);
}

TEST(TransportFeedback, RefusesTheReservedSymbolAndMissingBytes) {
  EXPECT_FALSE(parse(bytes_of_hex("000a 0001 000005 09 6001 00")));  // a run of reserved symbols
  EXPECT_FALSE(parse(bytes_of_hex("000a 0001 000005 09 f000 00")));  // the same in a vector
  const auto good = bytes_of_hex("000a 0010 000005 09 2002 c800 2007 01 02 8000 01020304050607");
  ASSERT_TRUE(parse(good));
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(parse(cut(good, size))) << size;
}

TEST(TransportFeedback, SurvivesCountsThatClaimMoreThanThereIs) {
  // 65535 packets in nine runs of missing ones: long, but bounded and cheap.
  const auto body = bytes_of_hex("0000 ffff 000000 00 1fff1fff1fff1fff1fff1fff1fff1fff0007");
  const auto feedback = parse(body);
  ASSERT_TRUE(feedback);
  EXPECT_EQ(statuses_of(*feedback).size(), 65535U);
  std::size_t walked = 0;
  feedback->for_each([&](const PacketStatus&) { return ++walked < 10; });
  EXPECT_EQ(walked, 10U);
  EXPECT_FALSE(parse(bytes_of_hex("0000 ffff 000000 00 0000 0000 0000 0000")));  // runs of nothing
  EXPECT_TRUE(parse(bytes_of_hex("0000 0000 000000 00")));
}

TEST(TransportFeedback, ReadsANegativeReferenceTime) {
  EXPECT_EQ(parse(bytes_of_hex("0000 0000 ffffff 00"))->reference_time_64ms, -1);
  EXPECT_EQ(parse(bytes_of_hex("0000 0000 800000 00"))->reference_time_64ms, -0x800000);
}

TEST(TransportFeedbackWriter, TellsOfGapsOverTheWrapOfTheSequenceNumber) {
  TransportFeedbackWriter writer;
  const TimePoint start(seconds(10));
  writer.begin({65533}, start, 0);
  EXPECT_TRUE(writer.add({65533}, start));
  EXPECT_TRUE(writer.add({1}, start + microseconds(2500)));
  EXPECT_TRUE(writer.add({2}, start + microseconds(2750)));
  EXPECT_EQ(writer.size(), 6U);
  const auto arrivals = round_trip(writer);
  ASSERT_EQ(arrivals.size(), 3U);
  EXPECT_EQ(arrivals.at(1) - arrivals.at(65533), 10);
  EXPECT_EQ(arrivals.at(2) - arrivals.at(1), 1);
}

TEST(TransportFeedbackWriter, CarriesLargeAndNegativeDeltasAndRefusesLarger) {
  TransportFeedbackWriter writer;
  const TimePoint start(seconds(64));  // on a multiple of 64 ms: the first delta is zero
  writer.begin({0}, start, 0);
  EXPECT_TRUE(writer.add({0}, start));
  EXPECT_TRUE(writer.add({1}, start + microseconds(250) * 32767));
  EXPECT_FALSE(writer.add({2}, start + microseconds(250) * (32767 + 32768)));
  EXPECT_TRUE(writer.add({2}, start - microseconds(250)));  // exactly -32768
  EXPECT_FALSE(writer.add({3}, start - microseconds(250) * 32770));
  const auto arrivals = round_trip(writer);
  ASSERT_EQ(arrivals.size(), 3U);
  EXPECT_EQ(arrivals.at(1) - arrivals.at(0), 32767);
  EXPECT_EQ(arrivals.at(2) - arrivals.at(0), -1);
}

TEST(TransportFeedbackWriter, RefusesDuplicatesOldNumbersAndTooManyPackets) {
  TransportFeedbackWriter writer;
  const TimePoint start(seconds(1));
  writer.begin({100}, start, 0);
  EXPECT_TRUE(writer.add({105}, start));
  EXPECT_FALSE(writer.add({105}, start));
  EXPECT_FALSE(writer.add({104}, start));
  EXPECT_FALSE(writer.add({99}, start));
  EXPECT_FALSE(writer.add({static_cast<std::uint16_t>(100 + TransportFeedbackWriter::statuses_max)}, start));
  EXPECT_TRUE(writer.add({static_cast<std::uint16_t>(100 + TransportFeedbackWriter::statuses_max - 1)}, start));
  EXPECT_EQ(round_trip(writer).size(), 2U);
}

TEST(TransportFeedbackWriter, DoesNotDriftByRounding) {
  TransportFeedbackWriter writer;
  const TimePoint start(seconds(64));
  writer.begin({0}, start, 0);
  for (std::uint16_t i = 0; i < 300; ++i) EXPECT_TRUE(writer.add({i}, start + microseconds(333) * i));
  const auto arrivals = round_trip(writer);
  for (std::uint16_t i = 0; i < 300; ++i) EXPECT_EQ(arrivals.at(i) - arrivals.at(0), 333 * i / 250);
}

TEST(TransportFeedbackWriter, WritesWhatIsReadBackWhateverThePattern) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    const auto lost_of_100 = random() % 101;
    const auto large_of_100 = random() % 4 == 0 ? random() % 101 : random() % 5;
    TransportFeedbackWriter writer;
    const auto base = static_cast<std::uint16_t>(random());
    TimePoint now = TimePoint(seconds(random() % 1000000)) + microseconds(random() % 1000000);
    std::map<std::uint16_t, std::int64_t> expected;
    writer.begin({base}, now, static_cast<std::uint8_t>(seed));
    for (std::uint16_t i = 0; i < TransportFeedbackWriter::statuses_max; ++i) {
      if (random() % 100 < lost_of_100) continue;
      if (random() % 100 < large_of_100) {
        now += milliseconds(static_cast<int>(random() % 16000) - 8000);
      } else {
        now += microseconds(random() % 60000);
      }
      const auto number = static_cast<std::uint16_t>(base + i);
      if (!writer.add({number}, now)) break;
      expected[number] = now.time_since_epoch() / microseconds(250);
    }
    if (writer.empty()) continue;
    const auto arrivals = round_trip(writer);
    ASSERT_EQ(arrivals.size(), expected.size()) << "seed " << seed;
    // The reference time wraps at 24 bits: compare by difference.
    for (const auto& [number, ticks] : expected)
      ASSERT_EQ(arrivals.at(number) - arrivals.begin()->second, ticks - expected.begin()->second) << "seed " << seed;
  }
}

TEST(TransportFeedbackWriter, KeepsItsWorstCaseBelowItsBound) {
  TransportFeedbackWriter writer;
  TimePoint now(seconds(64));
  writer.begin({0}, now, 0);
  for (std::uint16_t i = 0; i < TransportFeedbackWriter::statuses_max; ++i) {
    // Large deltas broken up by small ones and losses: no run is worth it.
    if (i % 7 == 3) continue;
    now += i % 7 == 5 ? microseconds(250) : milliseconds(100);
    ASSERT_TRUE(writer.add({i}, now));
  }
  std::array<std::byte, TransportFeedbackWriter::body_size_max> body;
  ByteWriter out(body);
  writer.write_body(out);
  EXPECT_TRUE(out.ok());
  EXPECT_LE(TransportFeedbackWriter::body_size_max + 12, 1000U);
}

}  // namespace
}  // namespace sluice
