#include "shm/region/seqlock_row.hpp"

#include <gtest/gtest.h>

#include <new>
#include <thread>

#include "shm/region/region.hpp"
#include "tests/support/doomed_child.hpp"

namespace sluice {
namespace {

struct Row {
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  std::uint8_t c = 0;
};

TEST(SeqlockRow, reads_zeros_before_the_first_write_and_the_last_value_after) {
  SeqlockRow<Row> row{};
  ASSERT_TRUE(row.read());
  EXPECT_EQ(row.read()->a, 0U);
  row.write({1, 2, 3});
  row.write({4, 5, 6});
  const auto seen = row.read();
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->a, 4U);
  EXPECT_EQ(seen->b, 5U);
  EXPECT_EQ(seen->c, 6U);
}

TEST(SeqlockRow, gives_up_after_bounded_attempts_when_the_writer_is_inside) {
  SeqlockRow<Row> row{};
  row.sequence = 5;
  EXPECT_FALSE(row.read());
  EXPECT_FALSE(row.read(0));
}

TEST(SeqlockRow, is_whole_or_unreadable_whenever_its_writer_dies_and_good_again_after_the_next_write) {
  auto region = Region::create("row", 4096);
  ASSERT_TRUE(region);
  const unsigned steps = test::for_every_fatal_step([&](unsigned fatal) {
    auto* const row = new (region->bytes().data()) SeqlockRow<Row>{};
    row->write({1, 1, 1});
    const auto end = test::run_doomed(fatal, [&](auto step) { row->write({2, 2, 2}, step); });
    if (const auto seen = row->read()) {
      EXPECT_EQ(seen->a, seen->b);
      EXPECT_EQ(seen->a, seen->c);
    } else {
      EXPECT_EQ(end, test::ChildEnd::killed);
    }
    row->write({3, 3, 3});
    const auto seen = row->read(1);
    EXPECT_TRUE(seen && seen->a == 3 && seen->b == 3 && seen->c == 3);
    return end;
  });
  EXPECT_EQ(steps, 5U);
}

TEST(SeqlockRow, never_shows_half_a_value_to_concurrent_readers) {
  SeqlockRow<Row> row{};
  std::atomic<bool> done = false;
  std::atomic<unsigned> satisfied = 0;
  const auto reader = [&] {
    unsigned seen_count = 0;
    while (!done) {
      const auto seen = row.read();
      if (!seen) continue;
      ASSERT_EQ(seen->b, seen->a * 3);
      ASSERT_EQ(seen->c, static_cast<std::uint8_t>(seen->a));
      if (++seen_count == 1000) ++satisfied;
    }
  };
  std::thread first(reader);
  std::thread second(reader);
  for (std::uint64_t i = 1; satisfied < 2 && !HasFailure(); ++i) row.write({i, i * 3, static_cast<std::uint8_t>(i)});
  done = true;
  first.join();
  second.join();
}

}  // namespace
}  // namespace sluice
