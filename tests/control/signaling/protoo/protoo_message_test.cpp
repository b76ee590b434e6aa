// Contract protoo, sections 3 and 10.
#include "control/signaling/protoo/protoo_message.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::protoo {
namespace {

TEST(ProtooMessage, requests_keep_their_id_as_it_was_written) {
  for (const std::string id : {"1", "0", "-5", "1.5", "9007199254740993", "1e3", "-0.0", "10000000"}) {
    const std::string text = R"({"request":true,"id":)" + id + R"(,"method":"m","data":{"a":1}})";
    const auto message = parse(text);
    ASSERT_TRUE(message) << id;
    const auto& request = std::get<Request>(*message);
    EXPECT_EQ(request.id, id);
    EXPECT_EQ(request.method, "m");
    EXPECT_EQ(request.data.raw(), R"({"a":1})");
  }
}

TEST(ProtooMessage, flags_are_true_in_javascripts_sense_and_the_first_of_the_order_wins) {
  for (const std::string yes : {"true", "1", "-1", R"("x")", "{}", "[]", "0.1"})
    EXPECT_TRUE(parse(R"({"request":)" + yes + R"(,"id":1,"method":"m"})")) << yes;
  for (const std::string no : {"false", "0", "-0", R"("")", "null", "0.0", "0e5"})
    EXPECT_FALSE(parse(R"({"request":)" + no + R"(,"id":1,"method":"m"})")) << no;
  const std::string rest = R"("id":1,"method":"m"})";
  EXPECT_TRUE(std::holds_alternative<Request>(*parse(R"({"notification":true,"response":true,"request":true,)" + rest)));
  EXPECT_TRUE(std::holds_alternative<Response>(*parse(R"({"notification":true,"response":true,)" + rest)));
  EXPECT_TRUE(std::holds_alternative<Notification>(*parse(R"({"notification":true,"request":0,)" + rest)));
  // The first that is set decides, even if it then turns out to be unusable.
  EXPECT_FALSE(parse(R"({"request":true,"notification":true,"method":"m"})"));
}

TEST(ProtooMessage, what_is_no_message_is_ignored) {
  for (const std::string text : {"",
                                 "{bad",
                                 "[]",
                                 "5",
                                 R"("x")",
                                 "null",
                                 "{}",
                                 "true",
                                 R"({"request":true})",
                                 R"({"request":true,"id":1})",
                                 R"({"request":true,"method":"m"})",
                                 R"({"request":true,"id":"1","method":"m"})",
                                 R"({"request":true,"id":null,"method":"m"})",
                                 R"({"request":true,"id":1,"method":5})",
                                 R"({"request":true,"id":1,"method":null})",
                                 R"({"response":true})",
                                 R"({"response":true,"id":"1"})",
                                 R"({"notification":true})",
                                 R"({"notification":true,"method":{}})",
                                 R"([{"request":true,"id":1,"method":"m"}])",
                                 R"({"method":"m","id":1,"data":{}})",
                                 R"({"request":true,"id":1,"method":"m"}x)",
                                 R"({"request":true,"id":01,"method":"m"})",
                                 R"({"request":true,"id":NaN,"method":"m"})"})
    EXPECT_FALSE(parse(text)) << text;
}

TEST(ProtooMessage, data_that_is_absent_or_falsy_becomes_an_object_and_all_else_stays) {
  const auto data = [](const std::string& member) {
    const std::string text = R"({"notification":true,"method":"")" + member + "}";
    return std::string(std::get<Notification>(*parse(text)).data.raw());
  };
  for (const std::string falsy : {"", R"(,"data":null)", R"(,"data":0)", R"(,"data":false)", R"(,"data":"")"})
    EXPECT_EQ(data(falsy), "{}") << falsy;
  for (const std::string value : {"[ ]", R"("x")", "5", "true", R"({ "a":[1.50] })"})
    EXPECT_EQ(data(R"(,"data":)" + value), value);
}

TEST(ProtooMessage, unknown_keys_are_ignored_and_of_a_repeated_key_the_last_counts) {
  const auto message = parse(R"({"x":[{"id":9}],"request":true,"id":1,"method":"a","method":"b","y":null})");
  ASSERT_TRUE(message);
  EXPECT_EQ(std::get<Request>(*message).method, "b");
}

TEST(ProtooMessage, responses_are_successes_or_errors) {
  const std::string success = R"({"response":true,"id":7,"ok":true,"data":[1]})";
  const auto good = std::get<Response>(*parse(success));
  EXPECT_TRUE(good.ok);
  EXPECT_EQ(good.data.raw(), "[1]");
  // The reference server leaves `ok` out.
  const std::string failure = R"({"response":true,"id":7,"errorCode":404,"errorReason":"gone"})";
  const auto bad = std::get<Response>(*parse(failure));
  EXPECT_FALSE(bad.ok);
  EXPECT_EQ(bad.error_code->raw(), "404");
  EXPECT_EQ(bad.error_reason->raw(), R"("gone")");
  EXPECT_FALSE(std::get<Response>(*parse(R"({"response":true,"id":7})")).error_code);
}

TEST(ProtooMessage, texts_have_the_protocols_form) {
  EXPECT_EQ(request_text("5", "m\"", "{}"), R"({"request":true,"id":5,"method":"m\"","data":{}})");
  EXPECT_EQ(success_text("-1.50"), R"({"response":true,"id":-1.50,"ok":true,"data":{}})");
  EXPECT_EQ(error_text("1", 500, "no \n"), R"({"response":true,"id":1,"ok":false,"errorCode":500,"errorReason":"no \n"})");
  EXPECT_EQ(error_text_raw("1", "", ""), R"({"response":true,"id":1,"ok":false})");
  EXPECT_EQ(notification_text("m", "[1]"), R"({"notification":true,"method":"m","data":[1]})");
}

TEST(ProtooMessage, what_a_peer_said_is_an_ordinary_notification) {
  EXPECT_EQ(said_text("relayed", "a\"b", "[1.50]"), notification_text("relayed", R"({"peerId":"a\"b","data":[1.50]})"));
}

}  // namespace
}  // namespace sluice::protoo
