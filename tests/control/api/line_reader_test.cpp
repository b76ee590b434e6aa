#include "control/api/line_reader.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluice {
namespace {

std::vector<std::string> lines_of(LineReader& reader, std::string_view bytes) {
  reader.feed(as_bytes(bytes));
  std::vector<std::string> result;
  while (const auto line = reader.next()) result.push_back(line->too_long ? "TOO LONG" : line->text);
  return result;
}
using Lines = std::vector<std::string>;

TEST(LineReader, CutsAtLineEndsHoweverBytesArrive) {
  const std::string text = "one\r\n\ntwo\nthree\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    LineReader reader(100);
    Lines lines = lines_of(reader, text.substr(0, cut));
    for (const std::string& line : lines_of(reader, text.substr(cut))) lines.push_back(line);
    EXPECT_EQ(lines, (Lines{"one", "two", "three"})) << cut;
    EXPECT_EQ(reader.size(), 0U);
  }
}

TEST(LineReader, TellsOnceOfALineThatIsTooLongAndGoesOnAfterIt) {
  LineReader reader(4);
  EXPECT_EQ(lines_of(reader, "1234\n12345\nab\n"), (Lines{"1234", "TOO LONG", "ab"}));
  EXPECT_EQ(lines_of(reader, "123456789"), (Lines{"TOO LONG"}));
  EXPECT_EQ(lines_of(reader, std::string(1000, 'x')), Lines{});
  EXPECT_LE(reader.size(), 6U) << "nothing is kept of it";
  EXPECT_EQ(lines_of(reader, "end\nok\n"), (Lines{"ok"}));
  EXPECT_EQ(lines_of(reader, "1234\r\n"), (Lines{"1234"}));
}

}  // namespace
}  // namespace sluice
