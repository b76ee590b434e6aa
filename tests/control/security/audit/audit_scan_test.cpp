#include "control/security/audit/audit_scan.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "control/security/audit/audit_chain.hpp"
#include "shm/descriptors/descriptor.hpp"

namespace sluice {
namespace {

/// A file in memory.
Descriptor file_of(const std::string& text) {
  Descriptor file(::memfd_create("lines", MFD_CLOEXEC));
  EXPECT_EQ(::write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  return file;
}

std::vector<std::string> backwards(const std::string& text, const std::string& wanted = "", std::size_t limit = 1'000'000) {
  const Descriptor file = file_of(text);
  std::vector<std::string> lines;
  for_each_line_backwards(file.get(), text.size(), {.wanted = wanted}, [&](std::string_view line) {
    lines.emplace_back(line);
    return lines.size() < limit;
  });
  return lines;
}

using Lines = std::vector<std::string>;

TEST(LinesBackwards, come_from_the_last_to_the_first) {
  EXPECT_EQ(backwards("a\nbb\nccc\n"), (Lines{"ccc", "bb", "a"}));
  EXPECT_EQ(backwards("a\nbb\nccc"), (Lines{"ccc", "bb", "a"}));
  EXPECT_EQ(backwards(""), Lines{});
  EXPECT_EQ(backwards("one\n"), Lines{"one"});
  EXPECT_EQ(backwards("a\nbb\nccc\n", "", 2), (Lines{"ccc", "bb"}));
}

TEST(LinesBackwards, only_those_that_hold_a_text) {
  EXPECT_EQ(backwards("ax\nb\ncx x\n", "x"), (Lines{"cx x", "ax"}));
  EXPECT_EQ(backwards("ax\nb\ncx x", "x"), (Lines{"cx x", "ax"}));
  EXPECT_EQ(backwards("ax\nb\n", "nothing"), Lines{});
}

TEST(LinesBackwards, are_whole_wherever_blocks_end) {
  std::mt19937 random(3);
  for (int round = 0; round < 6; ++round) {
    Lines expected;
    Lines marked;
    std::string text;
    while (text.size() < (std::size_t{5} << 19U)) {
      // Lines of all lengths, some of the size of a block.
      const std::size_t length = random() % (round < 3 ? 300 : 200'000);
      std::string line = std::to_string(expected.size()) + ":" + std::string(length, 'x');
      if (random() % 50 == 0) {
        line += "#mark";
        marked.push_back(line);
      }
      text += line + "\n";
      expected.push_back(std::move(line));
    }
    std::reverse(expected.begin(), expected.end());
    std::reverse(marked.begin(), marked.end());
    EXPECT_EQ(backwards(text), expected);
    EXPECT_EQ(backwards(text, "#mark"), marked);
  }
}

/// A log of some MiB in which time goes by one millisecond a line, from 1000 on.
struct TimedLog {
  explicit TimedLog(int lines) {
    AuditChain chain("");
    for (int i = 0; i < lines; ++i) {
      text += chain.seal(R"({"ts":)" + std::to_string(1000 + i) + R"(,"event":")" + (i % 2 == 0 ? "even" : "odd") + "\"" +
                         R"(,"padding":")" + std::string(static_cast<std::size_t>(i) % 500, 'x') + "\"");
      text += '\n';
    }
    file = file_of(text);
  }
  std::vector<std::int64_t> times(AuditScan scan) const {
    std::vector<std::int64_t> found;
    for_each_line_backwards(file.get(), text.size(), scan, [&](std::string_view line) {
      found.push_back(*audit_time_of(line));
      return true;
    });
    return found;
  }
  std::string text;
  Descriptor file;
};

TEST(LinesBackwards, of_times_only_the_blocks_that_may_hold_them_are_read_once_they_are_known) {
  const TimedLog log(40'000);  // 11 MB
  AuditBlocks blocks;
  std::uint64_t read = 0;
  AuditScan scan;
  scan.since = 1000 + 20'000;
  scan.until = 1000 + 20'100;
  scan.blocks = &blocks;
  scan.bytes_read = &read;
  const auto in_time = [&](std::vector<std::int64_t> times) {
    std::erase_if(times, [&](std::int64_t time) { return time < *scan.since || time > *scan.until; });
    return times;
  };
  const auto first = in_time(log.times(scan));
  ASSERT_EQ(first.size(), 101U);
  EXPECT_EQ(first.front(), 21'100);
  EXPECT_EQ(first.back(), 21'000);
  EXPECT_GE(read, log.text.size()) << "nothing was known";
  read = 0;
  EXPECT_EQ(in_time(log.times(scan)), first);
  EXPECT_LT(read, 5 * audit_block_bytes) << "the block or two of those lines, and the last one, which may still grow";
  scan.wanted = R"("event":"odd")";
  EXPECT_EQ(in_time(log.times(scan)).size(), 50U);
  // Any other time is found by what is known as well, the first and the last lines too.
  for (int at = 0; at < 40'000; at += 1'999) {
    scan.wanted = {};
    scan.since = scan.until = 1000 + at;
    EXPECT_EQ(in_time(log.times(scan)), std::vector<std::int64_t>{1000 + at});
  }
  scan.since = scan.until = 1000 + 39'999;
  EXPECT_EQ(in_time(log.times(scan)).size(), 1U);
}

TEST(LinesBackwards, what_is_known_holds_when_the_file_has_grown) {
  const TimedLog log(20'000);
  AuditBlocks blocks;
  AuditScan scan;
  scan.since = 0;
  scan.blocks = &blocks;
  // Ends of the log as it grew: at any line, and where a line ends with a block.
  std::vector<std::size_t> ends;
  for (std::size_t at = log.text.size() / 9; at < log.text.size(); at += log.text.size() / 9) {
    ends.push_back(log.text.find('\n', at) + 1);
  }
  ends.push_back(log.text.size());
  for (const std::size_t end : ends) {
    std::size_t lines = 0;
    for_each_line_backwards(log.file.get(), end, scan, [&](std::string_view) { return ++lines > 0; });
    EXPECT_EQ(lines, static_cast<std::size_t>(
                         std::count(log.text.begin(), log.text.begin() + static_cast<std::ptrdiff_t>(end), '\n')));
  }
}

TEST(LinesBackwards, a_line_that_ends_with_its_block_belongs_to_it_whenever_the_next_one_comes) {
  // Two lines of exactly a block each, times falling: the second is older.
  const auto line = [](int time, std::size_t size) {
    std::string text = R"({"ts":)" + std::to_string(time) + ",";
    return text + std::string(size - text.size() - 1, 'x') + "\n";
  };
  std::string text = line(500, audit_block_bytes);
  AuditBlocks blocks;
  AuditScan scan;
  scan.since = 400;
  scan.blocks = &blocks;
  int seen = 0;
  const auto count = [&](std::string_view) { return ++seen > 0; };
  for_each_line_backwards(file_of(text).get(), text.size(), scan, count);
  EXPECT_EQ(seen, 1);
  text += line(450, 100) + line(10, audit_block_bytes) + line(20, 100);
  seen = 0;
  scan.since = 451;
  for_each_line_backwards(file_of(text).get(), text.size(), scan, count);
  scan.since = 440;
  scan.until = 460;
  seen = 0;
  for_each_line_backwards(file_of(text).get(), text.size(), scan, [&](std::string_view found) {
    seen += audit_time_of(found) == 450 ? 1 : 0;
    return true;
  });
  EXPECT_EQ(seen, 1);
}

TEST(LinesBackwards, lines_beyond_all_measure_are_passed_over) {
  const std::string huge(5 * audit_block_bytes, 'h');
  EXPECT_EQ(backwards("a\n" + huge + "\nb\nc\n"), (Lines{"c", "b", "a"}));
  EXPECT_EQ(backwards(huge), Lines{});
  EXPECT_EQ(backwards("a\n" + huge), Lines{"a"});
}

TEST(LinesAfter, are_found_by_their_number) {
  const TimedLog log(20'000);
  for (const std::uint64_t after : {0U, 1U, 2U, 7'777U, 19'998U, 19'999U}) {
    std::vector<std::uint64_t> numbers;
    for_each_line_after(log.file.get(), log.text.size(), after, [&](std::uint64_t number, std::string_view line) {
      EXPECT_EQ(audit_time_of(line), static_cast<std::int64_t>(999 + number));
      numbers.push_back(number);
      return numbers.size() < 1'000;
    });
    ASSERT_FALSE(numbers.empty());
    EXPECT_EQ(numbers.front(), after + 1);
    EXPECT_EQ(numbers.back(), std::min<std::uint64_t>(20'000, after + 1'000));
  }
  for_each_line_after(log.file.get(), log.text.size(), 20'000, [](std::uint64_t, std::string_view) {
    ADD_FAILURE();
    return false;
  });
  EXPECT_EQ(first_number_in(log.file.get(), log.text.size()), 1U);
  EXPECT_EQ(first_number_in(log.file.get(), 0), 0U);
}

}  // namespace
}  // namespace sluice
