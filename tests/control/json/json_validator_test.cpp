#include "control/json/json_validator.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace sluice {
namespace {

TEST(JsonValidator, TakesEveryKindOfText) {
  for (const char* text : {"{}", "[]", "null", "true", "false", "0", "-0", "-1.5e+3", "1E5", "\"\"", R"("\u00e4\n\\\/\"")",
                           "\"\xf0\x9f\x98\x80\"", R"({"a":{"b":[1,2,{"c":null}]},"d":""})",
                           " \t\r\n[ 1 , { \"a\" : [ ] } ] \n", R"("\ud800")", "1e-400", "[[],{},[{}]]"})
    EXPECT_TRUE(is_valid_json(text, 64)) << text;
}

TEST(JsonValidator, RefusesWhatIsNone) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "}",
                           "[",
                           "]",
                           "[}",
                           "{]",
                           "[1,]",
                           "[,1]",
                           "{,}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{1:2}",
                           "nul",
                           "truefalse",
                           "[1 2]",
                           "1 2",
                           "01",
                           "-",
                           "+1",
                           ".5",
                           "1.",
                           "1e",
                           "1e+",
                           "0x1",
                           "NaN",
                           "Infinity",
                           "1e999",
                           "-1e999",
                           "'a'",
                           "\"a",
                           "\"\n\"",
                           "\"\\x\"",
                           "\"\\u12g4\"",
                           "\"\\u12",
                           "\"\\",
                           "\"\x80\"",
                           "\"\xc0\xaf\"",
                           "\"\xed\xa0\x80\"",
                           "\"\xf4\x90\x80\x80\"",
                           "\"\xe2\x82\"",
                           "\xEF\xBB\xBF{}",
                           "{\"a\":1}}",
                           "[[1]]]",
                           "/**/1"})
    EXPECT_FALSE(is_valid_json(text, 64)) << text;
  EXPECT_FALSE(is_valid_json(std::string_view("{}\0", 3), 64));
  EXPECT_FALSE(is_valid_json(std::string_view("\"\0\"", 3), 64));
}

TEST(JsonValidator, CountsDepthAcrossKinds) {
  EXPECT_TRUE(is_valid_json(R"([{"a":[1]}])", 3));
  EXPECT_FALSE(is_valid_json(R"([{"a":[1]}])", 2));
  EXPECT_TRUE(is_valid_json("1", 0));
  EXPECT_FALSE(is_valid_json("[]", 0));
  const std::string deep = std::string(1024, '[') + std::string(1024, ']');
  EXPECT_TRUE(is_valid_json(deep, 1024));
  EXPECT_FALSE(is_valid_json("[" + deep + "]", 100'000));
}

TEST(JsonValidator, AgreesWithThePackageOnEveryTruncationAndFlip) {
  const std::string whole = R"({"k\u00e9y":[-1.25e-3,true,{"x":"\ud83d\ude00 \"q\""},[],{}],"z":null} )";
  const auto agrees = [](const std::string& text) {
    const bool package = text.find('\0') == std::string::npos && nlohmann::json::accept(text);
    EXPECT_EQ(is_valid_json(text, 64), package) << text;
  };
  for (std::size_t i = 0; i <= whole.size(); ++i) {
    agrees(whole.substr(0, i));
    for (const char c : {'"', '\\', '{', ']', ',', ':', '0', '-', 'e', ' ', '\x80'}) {
      std::string changed = whole;
      if (i < whole.size()) changed[i] = c;
      // The package refuses escapes of lone surrogates, which JavaScript takes.
      if (changed.find("\\ud83d\\ude00") != std::string::npos) agrees(changed);
    }
  }
}

}  // namespace
}  // namespace sluice
