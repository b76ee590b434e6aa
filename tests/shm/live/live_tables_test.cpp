#include "shm/live/live_tables.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "shm/region/region.hpp"

namespace sluice {
namespace {

class LiveTablesTest : public testing::Test {
 protected:
  // Zero pages, as in a segment.
  Region region_ = *Region::create("live", sizeof(LiveTables));
  LiveTables& tables_ = *std::launder(reinterpret_cast<LiveTables*>(region_.bytes().data()));
};

TransportRow transport(TransportId id, std::uint64_t packets) {
  TransportRow row;
  row.id = id.packed();
  row.state = schema::TransportState::connected;
  row.srtp_profile = SrtpProfile::aead_aes_128_gcm;
  row.remote = SocketAddress::from_ipv4({192, 0, 2, 1}, 4000);
  row.packets_in = packets;
  return row;
}

TEST_F(LiveTablesTest, are_empty_at_first) {
  EXPECT_FALSE(tables_.transports.read({0, 1}));
  tables_.transports.for_each([](const TransportRow&) { FAIL(); });
}

TEST_F(LiveTablesTest, give_the_row_of_exactly_the_incarnation_asked_for) {
  const TransportId id{5, 2};
  ASSERT_TRUE(tables_.transports.write(transport(id, 10)));
  ASSERT_TRUE(tables_.transports.write(transport(id, 11)));
  const auto row = tables_.transports.read(id);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->packets_in, 11U);
  EXPECT_EQ(row->remote.to_string(), "192.0.2.1:4000");
  EXPECT_FALSE(tables_.transports.read({5, 1}));
  EXPECT_FALSE(tables_.transports.read({5, 3}));
  EXPECT_FALSE(tables_.transports.read({4, 2}));
}

TEST_F(LiveTablesTest, refuse_slots_that_do_not_exist_and_the_empty_id) {
  EXPECT_FALSE(tables_.transports.write(transport({SegmentCapacity::transports, 1}, 0)));
  EXPECT_FALSE(tables_.transports.write(transport({}, 0)));
  EXPECT_TRUE(tables_.transports.write(transport({SegmentCapacity::transports - 1, 1}, 0)));
  EXPECT_FALSE(tables_.transports.read({SegmentCapacity::transports, 1}));
  tables_.transports.erase({SegmentCapacity::transports, 1});
}

TEST_F(LiveTablesTest, erase_only_the_incarnation_named) {
  ASSERT_TRUE(tables_.transports.write(transport({7, 2}, 1)));
  tables_.transports.erase({7, 1});
  EXPECT_TRUE(tables_.transports.read({7, 2}));
  tables_.transports.erase({7, 2});
  EXPECT_FALSE(tables_.transports.read({7, 2}));
  tables_.transports.for_each([](const TransportRow&) { FAIL(); });
}

TEST_F(LiveTablesTest, visit_every_row_of_all_three_tables) {
  for (std::uint32_t slot = 0; slot < 50; slot += 7) {
    ASSERT_TRUE(tables_.transports.write(transport({slot, 1}, slot)));
    PublicationRow publication;
    publication.id = PublicationId{slot, 3}.packed();
    publication.layer_count = 3;
    publication.layers[2].bitrate_bps = slot;
    ASSERT_TRUE(tables_.publications.write(publication));
    SubscriptionRow subscription;
    subscription.id = SubscriptionId{slot * 100, 4}.packed();
    subscription.current_layer = 1;
    ASSERT_TRUE(tables_.subscriptions.write(subscription));
  }
  std::size_t transports = 0;
  std::size_t publications = 0;
  std::size_t subscriptions = 0;
  tables_.transports.for_each([&](const TransportRow& row) { EXPECT_EQ(row.packets_in, 7 * transports++); });
  tables_.publications.for_each(
      [&](const PublicationRow& row) { EXPECT_EQ(row.layers[2].bitrate_bps, 7 * publications++); });
  tables_.subscriptions.for_each(
      [&](const SubscriptionRow& row) { EXPECT_EQ(SubscriptionId::unpack(row.id).slot, 700 * subscriptions++); });
  EXPECT_EQ(transports, 8U);
  EXPECT_EQ(publications, 8U);
  EXPECT_EQ(subscriptions, 8U);
}

TEST_F(LiveTablesTest, are_not_believed_where_enums_or_ranges_are_impossible) {
  TransportRow row = transport({1, 1}, 0);
  row.state = static_cast<schema::TransportState>(99);
  ASSERT_TRUE(tables_.transports.write(row));
  EXPECT_FALSE(tables_.transports.read({1, 1}));
  row = transport({1, 1}, 0);
  row.srtp_profile = static_cast<SrtpProfile>(2);
  ASSERT_TRUE(tables_.transports.write(row));
  EXPECT_FALSE(tables_.transports.read({1, 1}));

  PublicationRow publication;
  publication.id = PublicationId{1, 1}.packed();
  publication.layer_count = 4;
  EXPECT_FALSE(plausible(publication));
  publication.layer_count = 3;
  EXPECT_TRUE(plausible(publication));
  publication.layers[0].active = 2;
  EXPECT_FALSE(plausible(publication));

  SubscriptionRow subscription;
  EXPECT_TRUE(plausible(subscription));
  subscription.target_layer = 3;
  EXPECT_FALSE(plausible(subscription));
  subscription.target_layer = 2;
  subscription.loss_per_mille = 1001;
  EXPECT_FALSE(plausible(subscription));
  subscription.loss_per_mille = 1000;
  subscription.active = 2;
  EXPECT_FALSE(plausible(subscription));
}

TEST_F(LiveTablesTest, show_how_loud_exactly_that_publication_is) {
  const PublicationId id{7, 3};
  EXPECT_FALSE(tables_.audio_levels.read(id));
  LoudnessMeter meter;
  meter.on_packet(id, 0, tables_.audio_levels.words[id.slot]);
  ASSERT_TRUE(tables_.audio_levels.read(id));
  EXPECT_EQ(tables_.audio_levels.read(id)->packets, 1U);
  EXPECT_FALSE(tables_.audio_levels.read({7, 4}));
  EXPECT_FALSE(tables_.audio_levels.read({8, 3}));
  EXPECT_FALSE(tables_.audio_levels.read({AudioLevels::capacity, 3}));
  EXPECT_FALSE(tables_.audio_levels.read({}));
}

TEST_F(LiveTablesTest, survive_a_scribbling_writer) {
  std::mt19937 random(1);
  for (std::byte& b : region_.bytes()) b = static_cast<std::byte>(random());
  std::size_t rows = 0;
  tables_.transports.for_each([&](const TransportRow&) { ++rows; });
  tables_.publications.for_each([&](const PublicationRow&) { ++rows; });
  tables_.subscriptions.for_each([&](const SubscriptionRow&) { ++rows; });
  EXPECT_EQ(rows, 0U);  // a row would need its own slot number in its id
  for (std::uint32_t slot = 0; slot < AudioLevels::capacity; ++slot) {
    for (std::uint32_t incarnation = 1; incarnation < 4; ++incarnation) {
      const auto level = tables_.audio_levels.read({slot, incarnation});
      if (level) {
        EXPECT_LE(level->below, Loudness::silence);
      }
    }
  }
}

}  // namespace
}  // namespace sluice
