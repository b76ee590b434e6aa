#include "dataplane/srtp/index_window.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace sluice {
namespace {

using Verdict = IndexWindow::Verdict;

TEST(IndexWindow, agrees_with_a_set_over_random_walks) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 20; ++round) {
    IndexWindow window;
    std::set<std::uint64_t> seen;
    std::uint64_t highest = random() % 3000;
    for (int i = 0; i < 3000; ++i) {
      const std::uint64_t step = random() % 100 == 0 ? random() % 5000 : random() % 8;
      const std::uint64_t index = random() % 3 == 0 ? highest - std::min(highest, random() % 1500) : highest + step;
      const std::uint64_t next = seen.empty() ? 0 : *seen.rbegin() + 1;
      const Verdict expected = index >= next          ? Verdict::fresh
                               : next - index > 1024  ? Verdict::old
                               : seen.contains(index) ? Verdict::seen
                                                      : Verdict::fresh;
      ASSERT_EQ(window.check(index), expected) << "round " << round << " step " << i << " index " << index;
      if (expected == Verdict::fresh) {
        window.mark(index);
        seen.insert(index);
        highest = *seen.rbegin();
      }
    }
    EXPECT_EQ(window.next(), highest + 1);
  }
}

TEST(IndexWindow, counts_everything_below_the_adopted_index_as_seen) {
  IndexWindow window(5000);
  EXPECT_EQ(window.check(4999), Verdict::seen);
  EXPECT_EQ(window.check(5000 - 1024), Verdict::seen);
  EXPECT_EQ(window.check(5000 - 1025), Verdict::old);
  window.mark(5010);
  EXPECT_EQ(window.check(5005), Verdict::fresh);
  EXPECT_EQ(window.check(4999), Verdict::seen);
}

}  // namespace
}  // namespace sluice
