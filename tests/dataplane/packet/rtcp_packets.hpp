#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "dataplane/packet/rtcp_compound.hpp"

namespace sluice {

/// The packets of one datagram, with the bytes that they borrow.
struct Packets {
  explicit Packets(std::vector<std::byte> bytes) : datagram(std::move(bytes)) {
    const auto compound = RtcpCompound::parse(datagram);
    EXPECT_TRUE(compound);
    if (compound) compound->for_each([&](const RtcpPacket& packet) { list.push_back(packet); });
  }
  [[nodiscard]] std::size_t size() const { return list.size(); }
  const RtcpPacket& operator[](std::size_t i) const { return list.at(i); }
  std::vector<std::byte> datagram;
  std::vector<RtcpPacket> list;
};

}  // namespace sluice
