#include "dataplane/engine/train.hpp"

#include <gtest/gtest.h>
#include <netinet/udp.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "dataplane/memory/packet_pool.hpp"

namespace sluice {
namespace {

class TrainYardTest : public testing::Test {
 protected:
  static MediaSocketSet sockets() { return {{{3, AF_INET}, {4, AF_INET6}}, true, true}; }
  static Tuple peer(std::uint16_t port) { return {SocketAddress::from_ipv4({192, 0, 2, 1}, port), 0}; }
  PacketBuffer packet(std::size_t size) {
    PacketBuffer result = pool_.acquire();
    result.resize(size);
    return result;
  }
  void add(std::uint16_t port, std::initializer_list<std::size_t> sizes) {
    for (const std::size_t size : sizes) yard_.add(peer(port), packet(size));
  }
  std::vector<std::size_t> ready_counts() {
    std::vector<std::size_t> counts;
    for (std::size_t i = 0; i < yard_.ready(); ++i) counts.push_back(yard_.ready_at(i).count);
    return counts;
  }

  PacketPool pool_{256};
  EngineStatistics statistics_;
  TrainYard yard_{8, sockets(), statistics_};
};

using Counts = std::vector<std::size_t>;

TEST_F(TrainYardTest, JoinsEqualSizesAndEndsATrainWithAShorterPacket) {
  add(1, {100, 100, 100, 60, 60});
  yard_.close_open();
  EXPECT_EQ(ready_counts(), (Counts{4, 1}));
}

TEST_F(TrainYardTest, StartsANewTrainForALongerPacketOrAnotherTuple) {
  add(1, {100, 101});
  add(2, {101});
  add(1, {101});
  yard_.close_open();
  EXPECT_EQ(ready_counts(), (Counts{1, 1, 1, 1}));
}

TEST_F(TrainYardTest, EndsATrainAtSixteenPackets) {
  for (int i = 0; i < 33; ++i) add(1, {1200});
  yard_.close_open();
  EXPECT_EQ(ready_counts(), (Counts{16, 16, 1}));
}

TEST_F(TrainYardTest, TellsTheKernelTheSegmentSizeOnlyForSeveralPackets) {
  add(1, {700, 700, 10});
  add(2, {700});
  yard_.close_open();
  const msghdr& train = yard_.ready_at(0).header;
  ASSERT_EQ(train.msg_iovlen, 3U);
  const cmsghdr* segment = CMSG_FIRSTHDR(&train);
  ASSERT_NE(segment, nullptr);
  EXPECT_EQ(segment->cmsg_level, SOL_UDP);
  EXPECT_EQ(segment->cmsg_type, UDP_SEGMENT);
  std::uint16_t size = 0;
  std::memcpy(&size, CMSG_DATA(segment), sizeof(size));
  EXPECT_EQ(size, 700);
  EXPECT_EQ(train.msg_namelen, sizeof(sockaddr_in));
  EXPECT_EQ(yard_.ready_at(1).header.msg_control, nullptr);
}

TEST_F(TrainYardTest, KeepsPacketsUntilTheKernelIsDoneWithThem) {
  add(1, {50, 50});
  yard_.close_open();
  const std::uint32_t free_before = pool_.free_slots();
  const std::uint32_t index = *yard_.depart();
  EXPECT_EQ(pool_.free_slots(), free_before);
  EXPECT_EQ(yard_.departed(), 1U);
  yard_.completed(index);
  EXPECT_EQ(pool_.free_slots(), free_before + 2);
  EXPECT_EQ(yard_.departed(), 0U);
  EXPECT_EQ(statistics_.packets_sent, 2U);
  EXPECT_EQ(statistics_.messages_sent, 1U);
  EXPECT_EQ(statistics_.bytes_sent, 100U);
}

TEST_F(TrainYardTest, DropsTheNewestWhenAllTrainsAreTaken) {
  for (std::size_t i = 1; i <= 9; ++i) add(1, {100 + i});
  EXPECT_EQ(statistics_.send_queue_full, 1U);
  EXPECT_TRUE(yard_.exhausted());
  EXPECT_EQ(pool_.free_slots(), 256U - 8U);
}

TEST_F(TrainYardTest, SendsARefusedTrainSinglyOnce) {
  add(1, {1400, 1400, 1000});
  yard_.close_open();
  yard_.refused(*yard_.depart(), EINVAL);
  EXPECT_EQ(ready_counts(), (Counts{1, 1, 1}));
  EXPECT_EQ(yard_.ready_at(2).bytes, 1000U);
  EXPECT_EQ(statistics_.trains_split, 1U);
  yard_.refused(*yard_.depart(), EINVAL);
  EXPECT_EQ(statistics_.send_failures, 1U);
  EXPECT_EQ(yard_.ready(), 2U);
  add(1, {500, 500});
  yard_.close_open();
  EXPECT_EQ(yard_.ready_at(2).count, 2U) << "another route may take trains";
}

TEST_F(TrainYardTest, JoinsNoMoreAfterTheDeviceRefused) {
  add(1, {500, 500});
  yard_.close_open();
  yard_.refused(*yard_.depart(), EIO);
  add(1, {500, 500});
  yard_.close_open();
  EXPECT_EQ(ready_counts(), (Counts{1, 1, 1, 1}));
}

TEST_F(TrainYardTest, IgnoresEmptyPacketsAndCountsMissingSockets) {
  yard_.add(peer(1), packet(0));
  yard_.add({peer(1).remote, 2}, packet(10));
  yard_.close_open();
  EXPECT_EQ(yard_.ready(), 0U);
  EXPECT_EQ(statistics_.no_socket, 1U);
  EXPECT_EQ(pool_.free_slots(), 256U);
}

}  // namespace
}  // namespace sluice
