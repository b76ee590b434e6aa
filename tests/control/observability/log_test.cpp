#include "control/observability/log.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::log {
namespace {

std::string logged(LogFormat format, Level threshold, Level level, std::string_view what, Fields fields) {
  open("test", format, threshold);
  ::testing::internal::CaptureStderr();
  write(level, what, fields);
  return ::testing::internal::GetCapturedStderr();
}

TEST(Log, LinesBelowTheLevelAreNotWritten) {
  EXPECT_EQ(logged(LogFormat::line, Level::info, Level::debug, "x", {}), "");
  EXPECT_NE(logged(LogFormat::line, Level::debug, Level::debug, "x", {}), "");
}

TEST(Log, NoValueCanForgeALineOrAField) {
  const std::string line =
      logged(LogFormat::line, Level::info, Level::info, "x", {{"room", "a\n2026 error forged level=error"}, {"n", 3}});
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_TRUE(line.ends_with("level=info process=test message=\"x\" room=\"a\\u000a2026 error forged level=error\" n=3\n"))
      << line;
}

TEST(Log, JsonFieldsParseBackToTheirValues) {
  const std::string awkward = "quote\" back\\slash\n\x01 end";
  const auto parsed =
      nlohmann::json::parse(logged(LogFormat::json, Level::info, Level::warn, "what", {{"text", awkward}, {"n", 42}}));
  EXPECT_EQ(parsed["message"], "what");
  EXPECT_EQ(parsed["level"], "warn");
  EXPECT_EQ(parsed["text"], awkward);
  EXPECT_EQ(parsed["n"], 42);
}

}  // namespace
}  // namespace sluice::log
