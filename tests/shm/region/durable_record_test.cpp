#include "shm/region/durable_record.hpp"

#include <gtest/gtest.h>

#include <new>
#include <thread>

#include "shm/region/region.hpp"
#include "tests/support/doomed_child.hpp"

namespace sluice {
namespace {

// Its size is no multiple of 8 on purpose.
struct Values {
  std::uint32_t numbers[7];
  friend bool operator==(const Values&, const Values&) = default;
};

Values values(std::uint32_t seed) {
  Values result{};
  for (std::uint32_t& number : result.numbers) number = seed++;
  return result;
}

class DurableRecordTest : public testing::Test {
 protected:
  void SetUp() override { renew(); }
  void renew() {
    region_ = *Region::create("record", 4096);
    record_ = new (region_.bytes().data()) DurableRecord<Values>{};
  }
  Region region_;
  DurableRecord<Values>* record_ = nullptr;
};

TEST_F(DurableRecordTest, is_empty_until_it_is_written) {
  EXPECT_FALSE(record_->read());
  record_->write(values(1));
  EXPECT_EQ(record_->read(), values(1));
}

TEST_F(DurableRecordTest, gives_the_newest_value) {
  for (std::uint32_t i = 0; i < 100; ++i) {
    record_->write(values(i));
    EXPECT_EQ(record_->read(), values(i));
  }
}

TEST_F(DurableRecordTest, falls_back_to_the_older_half_when_any_byte_of_the_newer_is_damaged) {
  const std::size_t half = sizeof(DurableRecord<Values>::Half);
  for (std::size_t at = 0; at < half; ++at) {
    renew();
    record_->write(values(1));
    record_->write(values(2));  // lies in the second half
    region_.bytes()[half + at] ^= std::byte{0x10};
    const auto found = record_->read();
    // Bytes 44..47 pad the last word of the value: the checksum covers them as well.
    EXPECT_EQ(found, values(1)) << at;
  }
}

TEST_F(DurableRecordTest, is_empty_when_both_halves_are_damaged_or_it_was_wiped) {
  record_->write(values(1));
  record_->write(values(2));
  record_->halves[0].value.words[0] = 99;
  record_->halves[1].value.words[0] = 99;
  EXPECT_FALSE(record_->read());
  record_->wipe();
  EXPECT_FALSE(record_->read());
  record_->write(values(3));
  EXPECT_EQ(record_->read(), values(3));
}

TEST_F(DurableRecordTest, keeps_a_valid_value_whenever_its_writer_dies_and_whenever_the_successor_does) {
  const unsigned first_steps = test::for_every_fatal_step([&](unsigned first_fatal) {
    test::ChildEnd first_end = test::ChildEnd::crashed;
    const unsigned second_steps = test::for_every_fatal_step([&](unsigned second_fatal) {
      renew();
      record_->write(values(1));
      record_->write(values(2));
      first_end = test::run_doomed(first_fatal, [&](auto step) { record_->write(values(3), step); });
      const auto after_first = record_->read();
      EXPECT_TRUE(after_first == values(2) || after_first == values(3));
      const auto second_end = test::run_doomed(second_fatal, [&](auto step) { record_->write(values(4), step); });
      const auto after_second = record_->read();
      EXPECT_TRUE(after_second == after_first || after_second == values(4));
      EXPECT_TRUE(second_end != test::ChildEnd::finished || after_second == values(4));
      record_->write(values(5));
      EXPECT_EQ(record_->read(), values(5));
      return second_end;
    });
    EXPECT_GT(second_steps, 4U);
    return first_end;
  });
  EXPECT_GT(first_steps, 4U);
}

TEST_F(DurableRecordTest, is_whole_for_a_reader_beside_the_living_writer) {
  record_->write(values(0));
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (std::uint32_t i = 1; i < 20'000; ++i) record_->write(values(i));
    done = true;
  });
  std::uint32_t last = 0;
  while (!done) {
    const auto seen = record_->read();
    if (!seen) continue;  // overtaken sixteen times
    const std::uint32_t seed = seen->numbers[0];
    ASSERT_EQ(*seen, values(seed));
    ASSERT_GE(seed, last);
    last = seed;
  }
  writer.join();
}

}  // namespace
}  // namespace sluice
