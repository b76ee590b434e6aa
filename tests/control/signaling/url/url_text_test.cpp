#include "control/signaling/url/url_text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::url {
namespace {

using Texts = std::vector<std::string>;

TEST(UrlText, percent_escapes_become_bytes_and_nothing_else_changes) {
  EXPECT_EQ(percent_decoded("a%20b%2Fc%2fd"), "a b/c/d");
  EXPECT_EQ(percent_decoded("%C3%A9"), "\xC3\xA9");
  EXPECT_EQ(percent_decoded("100%, %G0 %1 %"), "100%, %G0 %1 %");
  EXPECT_EQ(percent_decoded("%%41%25"), "%A%");
  EXPECT_EQ(percent_decoded("a+b"), "a+b");
  EXPECT_EQ(percent_decoded("a+b%2B", Plus::space), "a b+");
  EXPECT_EQ(percent_decoded("%00").size(), 1U);
}

TEST(UrlText, queries_give_the_first_value) {
  const std::string query = "roomId=a%26b&peerId=&x&roomId=2&p%65q=1&=5";
  EXPECT_EQ(query_value(query, "roomId"), "a&b");
  EXPECT_EQ(query_value(query, "peerId"), "");
  EXPECT_EQ(query_value(query, "x"), "");
  EXPECT_EQ(query_value(query, "peq"), "1");
  EXPECT_EQ(query_value(query, ""), "5");
  EXPECT_EQ(query_value(query, "y"), std::nullopt);
  EXPECT_EQ(query_value("", "y"), std::nullopt);
  EXPECT_EQ(query_value("y=a=b", "y"), "a=b");
}

TEST(UrlText, paths_are_cut_before_they_are_decoded) {
  EXPECT_EQ(path_segments("/parties/main/a%2Fb%20c"), (Texts{"parties", "main", "a/b c"}));
  EXPECT_EQ(path_segments("/a//b/"), (Texts{"a", "", "b", ""}));
  EXPECT_EQ(path_segments("/"), Texts{""});
  EXPECT_EQ(path_segments(""), Texts{""});
}

TEST(UrlText, utf8_is_checked_strictly) {
  for (const std::string good :
       {"", "abc", "\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const std::string bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "a\xE2\x82"})
    EXPECT_FALSE(is_utf8(bad)) << bad;
}

}  // namespace
}  // namespace sluice::url
