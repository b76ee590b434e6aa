#include "control/observability/troubles.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

using nlohmann::json;

TEST(Troubles, NameEachPartWithItsProblemSinceItBegan) {
  Bus bus;
  std::int64_t now = 1000;
  const Troubles troubles(bus, [&] { return now; });
  EXPECT_TRUE(troubles.empty());
  bus.publish(PartTroubled{"store", "the disk is full"});
  now = 2000;
  bus.publish(PartTroubled{"audit.http", "nobody listens", AlertSeverity::warning});
  bus.publish(PartTroubled{"store", "the disk is gone"});
  EXPECT_EQ(troubles.to_json(),
            (json{{{"part", "audit.http"}, {"problem", "nobody listens"}, {"severity", "warning"}, {"since", 2000}},
                  {{"part", "store"}, {"problem", "the disk is gone"}, {"severity", "critical"}, {"since", 1000}}}));
  bus.publish(PartTroubled{"store", ""});
  EXPECT_EQ(troubles.size(), 1U);
  bus.publish(PartTroubled{"nothing", ""});
  EXPECT_EQ(troubles.size(), 1U);
}

TEST(Troubles, AreBounded) {
  Bus bus;
  const Troubles troubles(bus, [] { return std::int64_t{0}; });
  for (std::size_t i = 0; i < 2 * Troubles::parts_max; ++i) bus.publish(PartTroubled{"part " + std::to_string(i), "broken"});
  EXPECT_EQ(troubles.size(), Troubles::parts_max);
}

}  // namespace
}  // namespace sluice
