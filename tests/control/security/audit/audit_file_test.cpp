#include "control/security/audit/audit_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

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
  for_each_line_backwards(file.get(), text.size(), wanted, [&](std::string_view line) {
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

}  // namespace
}  // namespace sluice
