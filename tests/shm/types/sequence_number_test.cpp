#include "shm/types/sequence_number.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(SequenceNumber, ExtendsForwardOverTheWrap) {
  const ExtendedSequenceNumber reference{65535};
  EXPECT_EQ(extend({0}, reference).value, 65536);
  EXPECT_EQ(extend({5}, reference).value, 65541);
}

TEST(SequenceNumber, ExtendsBackwardOverTheWrap) {
  const ExtendedSequenceNumber reference{65536 + 2};
  EXPECT_EQ(extend({65534}, reference).value, 65534);
}

TEST(SequenceNumber, TakesTheNearestOfTwoCandidates) {
  for (std::int64_t reference = 0; reference < 200000; reference += 997) {
    for (std::int64_t delta = -32768; delta <= 32767; delta += 1021) {
      const ExtendedSequenceNumber expected{reference + delta};
      EXPECT_EQ(extend(expected.on_wire(), {reference}), expected);
    }
  }
}

}  // namespace
}  // namespace sluice
