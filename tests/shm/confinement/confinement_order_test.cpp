#include "shm/confinement/confinement_order.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace sluice {
namespace {

ConfinementOrder read(std::vector<std::string> words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  return ConfinementOrder::from(pointers);
}

TEST(ConfinementOrder, ArrivesAsItWasSent) {
  ConfinementOrder order;
  order.user = UserIds{60901, 60902};
  order.filter = FilterMode::log;
  order.low_ports = true;
  const ConfinementOrder got = read(order.arguments());
  ASSERT_TRUE(got.user);
  EXPECT_EQ(got.user->user, 60901U);
  EXPECT_EQ(got.user->group, 60902U);
  EXPECT_EQ(got.filter, FilterMode::log);
  EXPECT_TRUE(got.low_ports);
}

TEST(ConfinementOrder, EnforcesFiltersWhereNothingIsSaid) {
  const ConfinementOrder order = read({"/bin/sluice-worker", "--engine=auto"});
  EXPECT_FALSE(order.user);
  EXPECT_EQ(order.filter, FilterMode::enforce);
  EXPECT_FALSE(order.low_ports);
}

TEST(ConfinementOrder, RefusesRootAndWhatIsMalformed) {
  for (const char* word : {"--user=0", "--user=", "--user=root", "--user=4294967295", "--user=-1", "--user=12 "}) {
    EXPECT_THROW((void)read({word, "--group=1"}), std::invalid_argument) << word;
  }
  EXPECT_THROW((void)read({"--user=5", "--group=0"}), std::invalid_argument);
  EXPECT_THROW((void)read({"--user=5"}), std::invalid_argument);
  EXPECT_THROW((void)read({"--group=5"}), std::invalid_argument);
  EXPECT_THROW((void)read({"--seccomp=perhaps"}), std::invalid_argument);
}

}  // namespace
}  // namespace sluice
