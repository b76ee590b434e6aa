#include "control/json/json_view.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

namespace sluice {
namespace {

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST(JsonView, refuses_what_is_not_json) {
  for (const std::string_view text : {"",
                                      " ",
                                      "{",
                                      "}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "[1,]",
                                      "{'a':1}",
                                      "nul",
                                      "NaN",
                                      "01",
                                      "1.",
                                      "+1",
                                      "\"\t\"",
                                      "{}{}",
                                      "{} x",
                                      "\xEF\xBB\xBF{}",
                                      "\"\x80\"",
                                      "\"\xC0\xAF\"",
                                      "\"\xED\xA0\x80\"",
                                      "\"\\u12g4\"",
                                      "// c\n{}",
                                      "\"abc"}) {
    EXPECT_FALSE(JsonView::parse(text)) << text;
  }
  EXPECT_FALSE(JsonView::parse(std::string_view("{}\0{}", 5)));
  EXPECT_FALSE(JsonView::parse(std::string_view("\0", 1)));
}

TEST(JsonView, knows_kinds_and_truth) {
  struct Case {
    std::string_view text;
    JsonKind kind;
    bool truthy;
  };
  for (const Case& c :
       {Case{"null", JsonKind::null, false}, Case{"true", JsonKind::boolean, true}, Case{"false", JsonKind::boolean, false},
        Case{"0", JsonKind::number, false}, Case{"-0.0e9", JsonKind::number, false}, Case{"0.001", JsonKind::number, true},
        Case{"-7", JsonKind::number, true}, Case{"\"\"", JsonKind::string, false}, Case{"\"0\"", JsonKind::string, true},
        Case{"[]", JsonKind::array, true}, Case{" {} ", JsonKind::object, true}}) {
    const auto view = JsonView::parse(c.text);
    ASSERT_TRUE(view) << c.text;
    EXPECT_EQ(view->kind(), c.kind) << c.text;
    EXPECT_EQ(view->truthy(), c.truthy) << c.text;
  }
}

TEST(JsonView, bounds_the_depth) {
  EXPECT_TRUE(JsonView::parse(nested(64)));
  EXPECT_FALSE(JsonView::parse(nested(65)));
  EXPECT_FALSE(JsonView::parse(std::string(1'000'000, '[')));
  EXPECT_FALSE(JsonView::parse("{\"a\":" + nested(64) + "}"));
}

TEST(JsonView, keeps_the_bytes_of_values) {
  const std::string_view text =
      " { \"s\" : \"a\\\"]}\\\\\" , \"n\":1.500e+01,\"o\": {\"x\": [1, {\"y\":\"}\"}]} ,\"a\":[ ] , \"\\u0074\":true } ";
  const auto view = JsonView::parse(text);
  ASSERT_TRUE(view);
  const auto object = JsonObject::of(*view);
  ASSERT_TRUE(object);
  ASSERT_EQ(object->members().size(), 5U);
  EXPECT_EQ(object->find("s")->raw(), R"("a\"]}\\")");
  EXPECT_EQ(object->find("s")->as_string(), R"(a"]}\)");
  EXPECT_EQ(object->find("n")->raw(), "1.500e+01");
  EXPECT_EQ(object->find("o")->raw(), R"({"x": [1, {"y":"}"}]})");
  EXPECT_EQ(object->find("a")->raw(), "[ ]");
  EXPECT_TRUE(object->truthy("t"));
  EXPECT_FALSE(object->find("missing"));
}

TEST(JsonView, takes_lone_surrogates_as_JavaScript_does) {
  const auto view = JsonView::parse(R"({"a":"\\ud800 \uD800","b":"\udc00\ud83d\ude00\u00e9","c":"\ud800\ud83d\ude00"})");
  ASSERT_TRUE(view);
  const auto object = JsonObject::of(*view);
  ASSERT_TRUE(object);
  EXPECT_EQ(object->find("a")->raw(), R"("\\ud800 \uD800")");
  EXPECT_EQ(object->find("a")->well_formed(), R"("\\ud800 \ufffd")");
  EXPECT_EQ(object->find("a")->as_string(), "\\ud800 \xEF\xBF\xBD");
  EXPECT_EQ(object->find("b")->well_formed(), R"("\ufffd\ud83d\ude00\u00e9")");
  EXPECT_EQ(object->find("c")->well_formed(), R"("\ufffd\ud83d\ude00")");
  for (const std::string_view text : {R"("\ud8")", R"("\ud80")", R"("\ud80g")", R"("\ud800)", R"(\ud800)", R"("\)"})
    EXPECT_FALSE(JsonView::parse(text)) << text;
}

TEST(JsonObject, refuses_keys_that_come_twice_and_too_many_members) {
  const auto of = [](std::string_view text) { return JsonObject::of(*JsonView::parse(text)); };
  EXPECT_FALSE(of(R"({"a":1,"b":2,"a":3})"));
  EXPECT_FALSE(of(R"({"a":1,"\u0061":3})"));
  EXPECT_TRUE(of(R"({"a":{"b":1,"b":2}})"));  // not looked into
  EXPECT_FALSE(of("[]"));
  EXPECT_FALSE(of("null"));
  std::string text = "{";
  for (int i = 0; i < 1024; ++i) text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":0";
  EXPECT_TRUE(of(text + "}"));
  EXPECT_FALSE(of(text + ",\"more\":0}"));
}

TEST(JsonView, reads_integers_only_as_written) {
  const auto integer = [](std::string_view text) { return JsonView::parse(text)->as_integer(); };
  EXPECT_EQ(integer("-1"), -1);
  EXPECT_EQ(integer("9223372036854775807"), 9223372036854775807);
  for (const std::string_view text : {"9223372036854775808", "1.0", "1e3", "\"1\"", "true", "null"})
    EXPECT_FALSE(integer(text)) << text;
}

TEST(JsonView, reads_arrays_up_to_a_bound) {
  const auto view = JsonView::parse(R"([1, "two,]" ,[3,[4]],{}])");
  const auto elements = view->as_array();
  ASSERT_TRUE(elements);
  ASSERT_EQ(elements->size(), 4U);
  EXPECT_EQ((*elements)[1].raw(), R"("two,]")");
  EXPECT_EQ((*elements)[2].raw(), "[3,[4]]");
  EXPECT_FALSE(view->as_array(3));
  EXPECT_TRUE(JsonView::parse("[ ]")->as_array()->empty());
}

TEST(JsonView, picks_members_as_javascript_would) {
  const auto pick = [](std::string_view text) {
    std::vector<std::string> found;
    for (const auto& member : JsonView::parse(text)->pick(std::array<std::string_view, 3>{"id", "data", "gone"}))
      found.emplace_back(member ? member->raw() : "-");
    return found;
  };
  using Found = std::vector<std::string>;
  EXPECT_EQ(pick(R"({"id":1,"x":{"data":5},"data" : [ 2 ] })"), (Found{"1", "[ 2 ]", "-"}));
  EXPECT_EQ(pick(R"({"id":1,"id":2.50})"), (Found{"2.50", "-", "-"}));
  EXPECT_EQ(pick(R"({"\u0069d":"}","da\u0074a":"\\"})"), (Found{R"("}")", R"("\\")", "-"}));
  for (const std::string_view none : {"{}", "{ }", "[1]", "\"id\"", "5", "null"})
    EXPECT_EQ(pick(none), (Found{"-", "-", "-"})) << none;
  std::string many = "{";
  for (int i = 0; i < 5000; ++i) many += "\"" + std::to_string(i) + "\":0,";
  EXPECT_EQ(pick(many + R"("id":7})"), (Found{"7", "-", "-"}));
}

}  // namespace
}  // namespace sluice
