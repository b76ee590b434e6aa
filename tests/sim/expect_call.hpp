#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/sim/call.hpp"

namespace sluice::sim {

/// Nothing that the network cannot excuse happened to any of `members`. `world` is a SimWorld or a SimPair.
template <typename World>
void expect_clean(const World& world, const std::vector<SimPeer*>& members, const std::string& where) {
  EXPECT_EQ(world.repeated_indices, 0U) << where;
  for (const SimPeer* peer : members) {
    EXPECT_EQ(peer->bad_srtp, 0U) << where;
    EXPECT_EQ(peer->unknown_ssrc, 0U) << where;
    EXPECT_EQ(peer->byes, 0U) << where;
    for (const ReceivedStream& stream : peer->receiving) {
      for (const std::string& fault : judge(stream).faults) ADD_FAILURE() << where << ": " << fault;
    }
  }
}

/// Every stream still arrives at each of `members`.
template <typename World>
void expect_flowing(const World& world, const std::vector<SimPeer*>& members, const std::string& where) {
  for (const SimPeer* peer : members) {
    for (const ReceivedStream& stream : peer->receiving) {
      EXPECT_LT(world.now - stream.last, std::chrono::milliseconds(250)) << where << " ssrc " << stream.ssrc;
    }
  }
}

/// How many seeds a test of bad networks takes: `usual`, or $SLUICE_SIM_SEEDS.
inline std::uint64_t seeds(std::uint64_t usual) {
  const char* more = std::getenv("SLUICE_SIM_SEEDS");
  return more != nullptr ? std::strtoull(more, nullptr, 10) : usual;
}

}  // namespace sluice::sim
