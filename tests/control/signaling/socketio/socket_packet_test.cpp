#include "control/signaling/socketio/socket_packet.hpp"

#include <gtest/gtest.h>

#include "control/signaling/socketio/event_text.hpp"
#include "control/signaling/socketio/placeholders.hpp"

namespace sluice::socketio {
namespace {

std::string described(std::string_view text) {
  const auto packet = read_socket_packet(text);
  if (!packet) return std::string(to_string(packet.error()));
  return std::to_string(static_cast<int>(packet->type)) + " " + std::to_string(packet->attachments) + " " +
         std::string(packet->name_space) + " " + (packet->id ? std::to_string(*packet->id) : "-") + " " +
         (packet->payload ? std::string(packet->payload->raw()) : "none");
}

TEST(SocketPacket, WholePacketsAreRead) {
  EXPECT_EQ(described("0"), "0 0 / - none");
  EXPECT_EQ(described(R"(0{"token":"x"})"), R"(0 0 / - {"token":"x"})");
  EXPECT_EQ(described(R"(0/custom,{"a":1})"), R"(0 0 /custom - {"a":1})");
  EXPECT_EQ(described("0/custom"), "0 0 /custom - none");
  EXPECT_EQ(described("0/custom,"), "0 0 /custom - none");
  EXPECT_EQ(described("0/?a=1,"), "0 0 /?a=1 - none");
  EXPECT_EQ(described("1"), "1 0 / - none");
  EXPECT_EQ(described("1/custom,"), "1 0 /custom - none");
  EXPECT_EQ(described(R"(2["name",1,{"b":null}])"), R"(2 0 / - ["name",1,{"b":null}])");
  EXPECT_EQ(described(R"(2/custom,["name"])"), R"(2 0 /custom - ["name"])");
  EXPECT_EQ(described(R"(2456["name"])"), R"(2 0 / 456 ["name"])");
  EXPECT_EQ(described(R"(2/custom,0["name"])"), R"(2 0 /custom 0 ["name"])");
  EXPECT_EQ(described("2[7]"), "2 0 / - [7]");
  EXPECT_EQ(described("2"), "2 0 / - none");
  EXPECT_EQ(described("312[]"), "3 0 / 12 []");
  EXPECT_EQ(described("3"), "3 0 / - none");
  EXPECT_EQ(described(R"(51-["m",{"_placeholder":true,"num":0}])"), R"(5 1 / - ["m",{"_placeholder":true,"num":0}])");
  EXPECT_EQ(described("62-/custom,3[]"), "6 2 /custom 3 []");
}

TEST(SocketPacket, JsonTextPassesUnchanged) {
  for (const std::string payload : {R"(["a","\ud800"])", "[\"a\",\"\xe2\x80\xa8\"]", R"(["a","\u0000"])", R"(["a", 1.50 ])"})
    EXPECT_EQ(described("2" + payload), "2 0 / - " + payload);
}

TEST(SocketPacket, ViolationsAreTold) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "unknown_type"},
      {"7", "unknown_type"},
      {"abc", "unknown_type"},
      {R"(4{"message":"x"})", "unknown_type"},
      {"0null", "bad_payload"},
      {"0[]", "bad_payload"},
      {R"(0"text")", "bad_payload"},
      {"1{}", "bad_payload"},
      {"2{}", "bad_payload"},
      {"2[]", "bad_payload"},
      {"2[true]", "bad_payload"},
      {"2[null]", "bad_payload"},
      {"2[{}]", "bad_payload"},
      {R"(2["a")", "bad_json"},
      {R"(2["a"]x)", "bad_json"},
      {"2[\"\xff\"]", "bad_json"},
      {R"(2["connect"])", "reserved_event"},
      {R"(2["connect_error"])", "reserved_event"},
      {R"(2["disconnect"])", "reserved_event"},
      {R"(2["disconnecting"])", "reserved_event"},
      {R"(2["newListener"])", "reserved_event"},
      {R"(2["removeListener"])", "reserved_event"},
      {R"(2["\u0063onnect"])", "reserved_event"},
      {"3{}", "bad_payload"},
      {R"(21234567890123456["a"])", "bad_id"},
      {R"(5["a"])", "bad_attachments"},
      {R"(50-["a"])", "bad_attachments"},
      {R"(5x-["a"])", "bad_attachments"},
      {R"(5-["a"])", "bad_attachments"},
      {R"(511-["a"])", "bad_attachments"},
      {R"(599999999999-["a"])", "bad_attachments"},
  };
  for (const auto& [text, error] : rows) EXPECT_EQ(described(text), error) << text;
  EXPECT_EQ(described("2[\"a\"," + std::string(63, '[') + std::string(63, ']') + "]").substr(0, 3), "2 0");
  EXPECT_EQ(described("2[\"a\"," + std::string(64, '[') + std::string(64, ']') + "]"), "bad_json");
}

TEST(SocketPacket, EveryTruncationIsAValueOrAnError) {
  const std::string whole = R"(52-/custom,12["n",{"_placeholder":true,"num":0},["a",{"num":1,"_placeholder":true}]])";
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_NE(described(whole.substr(0, size)), described(whole));
}

TEST(Placeholders, AreFoundWhereverTheyStand) {
  const std::string json =
      R"(["n",{"_placeholder":true,"num":0},{"a":[{"num":1,"_placeholder":true}],"s":"{\"_placeholder\":true}"},{"_placeholder":false,"num":9}])";
  const auto places = find_placeholders(json, 2);
  ASSERT_TRUE(places);
  ASSERT_EQ(places->size(), 2U);
  EXPECT_EQ(json.substr((*places)[0].begin, (*places)[0].size), R"({"_placeholder":true,"num":0})");
  EXPECT_EQ(json.substr((*places)[1].begin, (*places)[1].size), R"({"num":1,"_placeholder":true})");
  EXPECT_EQ((*places)[1].number, 1U);
}

TEST(Placeholders, WithoutAnAttachmentAreAViolation) {
  for (const char* json : {R"([{"_placeholder":true,"num":1}])", R"([{"_placeholder":true}])",
                           R"([{"_placeholder":true,"num":"0"}])", R"([{"_placeholder":true,"num":-1}])",
                           R"([{"_placeholder":true,"num":0.5}])", R"([{"\u005fplaceholder":true,"num":7}])"})
    EXPECT_FALSE(find_placeholders(json, 1)) << json;
  EXPECT_TRUE(find_placeholders("[]", 1));
}

TEST(EventText, IsWrittenAsThePacketOfItsNamespace) {
  EventText event("join-ok");
  event.argument(R"({"roomId":"x"})");
  EXPECT_EQ(*event.event("/").text, R"(42["join-ok",{"roomId":"x"}])");
  EXPECT_EQ(*event.event("/", "Pb3kqaB").text, R"(42["join-ok",{"roomId":"x"},"Pb3kqaB"])");
  EXPECT_EQ(*event.event("/custom").text, R"(42/custom,["join-ok",{"roomId":"x"}])");
  EXPECT_EQ(*EventText::acknowledgement().acknowledge("/", 12).text, "4312[]");
  EXPECT_EQ(*EventText::acknowledgement().argument("1").text_argument("\"").acknowledge("/custom", 0).text,
            R"(43/custom,0[1,"\""])");
}

TEST(EventText, PassesBinaryOnNumberedAnew) {
  const Attachments attachments{std::make_shared<const std::string>("A"), std::make_shared<const std::string>("B"),
                                std::make_shared<const std::string>("C")};
  EventText event("m");
  event.relayed(R"({"x":{"_placeholder":true,"num":2},"y":[{"_placeholder":true,"num":1},{"_placeholder":true,"num":2}]})",
                attachments);
  const OutPacket packet = event.event("/");
  EXPECT_EQ(
      *packet.text,
      R"(452-["m",{"x":{"_placeholder":true,"num":0},"y":[{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]}])");
  ASSERT_EQ(packet.attachments.size(), 2U);
  EXPECT_EQ(*packet.attachments[0], "C");
  EXPECT_EQ(*packet.attachments[1], "B");
  // What only looks like binary stays what it is.
  EXPECT_EQ(*EventText("m").relayed(R"({"_placeholder":true,"num":0})", {}).event("/").text,
            R"(42["m",{"_placeholder":true,"num":0}])");
}

}  // namespace
}  // namespace sluice::socketio
