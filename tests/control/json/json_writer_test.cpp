#include "control/json/json_writer.hpp"

#include <gtest/gtest.h>

#include "control/json/json_view.hpp"

namespace sluice {
namespace {

TEST(JsonWriter, writes_members_in_order) {
  JsonWriter out("error");
  out.string("code", "A\"b")
      .integer("n", -3)
      .boolean("yes", true)
      .null("none")
      .raw("list", JsonArrayWriter().string("x").raw("1").finish());
  EXPECT_EQ(out.finish(), R"({"type":"error","code":"A\"b","n":-3,"yes":true,"none":null,"list":["x",1]})");
  EXPECT_EQ(JsonWriter().finish(), "{}");
  EXPECT_EQ(JsonArrayWriter().finish(), "[]");
}

TEST(JsonWriter, escapes_so_that_any_text_comes_back) {
  std::string text;
  for (char c = 0; c < 127; ++c) text += c;
  text += "é😀\u2028";
  std::string json;
  append_json_string(json, text);
  const auto view = JsonView::parse(json);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->as_string(), text);
}

}  // namespace
}  // namespace sluice
