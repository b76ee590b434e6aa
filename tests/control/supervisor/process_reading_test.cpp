#include "control/supervisor/process_reading.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace sluice::supervisor {
namespace {

constexpr const char* fields_4_to_52 =
    "1 500 500 0 -1 4194304 100 0 0 0 5 6 0 0 20 0 1 0 987654 1000 200 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 "
    "0 "
    "0 0 0 0 0 0 0 0 0 0 0";

TEST(ProcessReading, ReadsStateAndStartTime) {
  const auto reading = parse_process_stat(std::string("42 (sluice-work-0) S ") + fields_4_to_52);
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->state, 'S');
  EXPECT_EQ(reading->start_time, 987654U);
}

TEST(ProcessReading, IsNotFooledByTheName) {
  const auto reading = parse_process_stat(std::string("42 (x) T 1 1) R ) t ") + fields_4_to_52);
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->state, 't');
  EXPECT_EQ(reading->start_time, 987654U);
}

TEST(ProcessReading, RefusesWhatIsCutShort) {
  const std::string whole = std::string("42 (a) S ") + fields_4_to_52;
  const std::size_t start_time = whole.find("987654");
  for (std::size_t size = 0; size < start_time; ++size) EXPECT_FALSE(parse_process_stat(whole.substr(0, size))) << size;
  EXPECT_FALSE(parse_process_stat(""));
}

TEST(ProcessReading, ReadsTheEffectiveUser) {
  EXPECT_EQ(parse_user("Name:\tUid:\t7\nState:\tS\nUid:\t1\t60917\t3\t4\nGid:\t5\t6\n"), 60917U);
  for (const char* text : {"", "Name:\tx\n", "Name:\tx\nUid:\t1", "Name:\tx\nUid:\t1\tx\n"}) EXPECT_FALSE(parse_user(text));
}

TEST(ProcessReading, KnowsThisProcess) {
  EXPECT_EQ(read_user(::getpid()), ::geteuid());
  const auto reading = read_process(::getpid());
  ASSERT_TRUE(reading);
  EXPECT_NE(reading->start_time, 0U);
  ASSERT_TRUE(read_cpu_time(::getpid()));
  EXPECT_GT(*read_cpu_time(::getpid()), Duration::zero());
  EXPECT_FALSE(read_process(0));
}

}  // namespace
}  // namespace sluice::supervisor
