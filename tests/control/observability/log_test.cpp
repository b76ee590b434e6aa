#include "control/observability/log.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::log {
namespace {

TEST(Log, LinesHoldPlainValuesBareAndOthersQuoted) {
  EXPECT_EQ(compose(Format::line, "peer joined", {{"peer", "6f-1"}, {"members", 3}, {"room", "a b"}}),
            "peer joined peer=6f-1 members=3 room=\"a b\"");
}

TEST(Log, NoValueCanForgeALineOrAField) {
  const std::string line = compose(Format::line, "x", {{"room", "a\n2026 error forged level=error"}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line, "x room=\"a\\u000a2026 error forged level=error\"");
}

TEST(Log, JsonFieldsParseBackToTheirValues) {
  const std::string awkward = "quote\" back\\slash\n\x01 end";
  const auto parsed = nlohmann::json::parse("{" + compose(Format::json, "what", {{"text", awkward}, {"n", 42}}) + "}");
  EXPECT_EQ(parsed["message"], "what");
  EXPECT_EQ(parsed["text"], awkward);
  EXPECT_EQ(parsed["n"], 42);
}

}  // namespace
}  // namespace sluice::log
