#include "control/sdp/parser.hpp"

#include "control/sdp/writer.hpp"
#include "tests/control/sdp/offer_files.hpp"

namespace sluice::sdp {
namespace {

const std::string head = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
const std::string video = "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\n";

class RealOffers : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(All, RealOffers, testing::ValuesIn(offer_names()));

TEST_P(RealOffers, AreReadAndSurviveARoundTrip) {
  const auto first = parse(read_offer(GetParam()));
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_FALSE(first->media.empty());
  const auto second = parse(write(*first));
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_EQ(*first, *second);
}

TEST_P(RealOffers, GiveAValueOrAnErrorWhenCutAnywhere) {
  const std::string text = read_offer(GetParam());
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const auto parsed = parse(std::string_view(text).substr(0, size));
    if (!parsed) {
      EXPECT_GE(parsed.error().line, 1U);
    }
  }
}

TEST_P(RealOffers, AreReadWithBareLineFeedsToo) {
  const std::string text = read_offer(GetParam());
  const auto crlf = parse(text);
  const auto lf = parse(replaced(text, "\r\n", "\n"));
  ASSERT_TRUE(crlf);
  ASSERT_TRUE(lf);
  EXPECT_EQ(*crlf, *lf);
}

TEST(Parser, ReadsWhatChromiumSaysOfSimulcast) {
  const auto offer = parse(read_offer("chromium_publish.sdp"));
  ASSERT_TRUE(offer);
  ASSERT_EQ(offer->media.size(), 2U);
  const MediaDescription& m = offer->media[1];
  ASSERT_TRUE(m.simulcast);
  ASSERT_EQ(m.simulcast->send.size(), 3U);
  EXPECT_EQ(m.simulcast->send[0].rid, "q");
  EXPECT_EQ(m.rids.size(), 3U);
  EXPECT_EQ(m.direction, Direction::sendonly);
  ASSERT_NE(m.find_format(96), nullptr);
  EXPECT_EQ(m.find_format(96)->encoding, "VP8");
  EXPECT_EQ(m.find_format(97)->parameters, "apt=96");
  ASSERT_EQ(m.transport.fingerprints.size(), 1U);
  EXPECT_EQ(m.transport.fingerprints[0].value.size(), 32U);
}

struct Bad {
  std::string name;
  std::string text;
  ParseReason reason;
  std::size_t line;
};
void PrintTo(const Bad& bad, std::ostream* out) {
  *out << bad.name;
}
class BadDescriptions : public testing::TestWithParam<Bad> {};

std::string repeated(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += replaced(text, "%", std::to_string(i));
  return result;
}

INSTANTIATE_TEST_SUITE_P(
    All, BadDescriptions,
    testing::Values(
        Bad{"empty", "", ParseReason::bad_version, 1}, Bad{"other_version", "v=1\r\n", ParseReason::bad_version, 1},
        Bad{"no_origin", "v=0\r\ns=-\r\n", ParseReason::bad_origin, 2},
        Bad{"short_origin", "v=0\r\no=- 1\r\n", ParseReason::bad_origin, 2},
        Bad{"no_equals", head + "hello\r\n", ParseReason::bad_line, 5},
        Bad{"nul", head + std::string("a=x\0y\r\n", 7), ParseReason::bad_line, 5},
        Bad{"upper_case_type", head + "A=mid:0\r\n", ParseReason::bad_line, 5},
        Bad{"port", head + "m=audio 70000 UDP/TLS/RTP/SAVPF 0\r\n", ParseReason::bad_media, 5},
        Bad{"no_format", head + "m=audio 9 UDP/TLS/RTP/SAVPF\r\n", ParseReason::bad_media, 5},
        Bad{"payload_type_128", head + "m=audio 9 UDP/TLS/RTP/SAVPF 128\r\n", ParseReason::bad_media, 5},
        Bad{"payload_type_twice", head + "m=audio 9 UDP/TLS/RTP/SAVPF 0 0\r\n", ParseReason::duplicate, 5},
        Bad{"mid_twice_in_session", head + video + "a=mid:a\r\n" + video + "a=mid:a\r\n", ParseReason::duplicate, 10},
        Bad{"mid_twice_in_section", head + video + "a=mid:a\r\na=mid:b\r\n", ParseReason::duplicate, 8},
        Bad{"extension_twice", head + video + "a=extmap:1 u:a\r\na=extmap:1 u:b\r\n", ParseReason::duplicate, 8},
        Bad{"extension_zero", head + video + "a=extmap:0 u:a\r\n", ParseReason::bad_attribute, 7},
        Bad{"clock", head + video + "a=rtpmap:96 VP8/0\r\n", ParseReason::bad_attribute, 7},
        Bad{"setup", head + video + "a=setup:maybe\r\n", ParseReason::bad_attribute, 7},
        Bad{"fingerprint", head + video + "a=fingerprint:sha-256 0G\r\n", ParseReason::bad_attribute, 7},
        Bad{"fingerprint_odd", head + video + "a=fingerprint:sha-256 00:1\r\n", ParseReason::bad_attribute, 7},
        Bad{"ufrag_blank", head + video + "a=ice-ufrag:\r\n", ParseReason::bad_attribute, 7},
        Bad{"ssrc", head + video + "a=ssrc:4294967296 cname:x\r\n", ParseReason::bad_attribute, 7},
        Bad{"rid_direction", head + video + "a=rid:q both\r\n", ParseReason::bad_attribute, 7},
        Bad{"rid_twice", head + video + "a=rid:q send\r\na=rid:q send\r\n", ParseReason::duplicate, 8},
        Bad{"simulcast_twice", head + video + "a=simulcast:send q\r\na=simulcast:send q\r\n", ParseReason::duplicate, 8},
        Bad{"four_layers", head + video + "a=simulcast:send a;b;c;d\r\n", ParseReason::limit, 7},
        Bad{"four_rids", head + video + repeated("a=rid:% send\r\n", 4), ParseReason::limit, 10},
        Bad{"extensions", head + video + repeated("a=extmap:1% u:x\r\n", 33), ParseReason::limit, 39},
        Bad{"media", head + repeated("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n", 257), ParseReason::limit, 261},
        Bad{"ssrcs", head + video + repeated("a=ssrc:1% cname:x\r\n", 65), ParseReason::limit, 71},
        Bad{"feedback", head + video + repeated("a=rtcp-fb:96 x%\r\n", 513), ParseReason::limit, 519},
        Bad{"size", std::string(512 * 1024 + 1, 'v'), ParseReason::too_long, 1}),
    [](const auto& tested) { return tested.param.name; });

TEST_P(BadDescriptions, AreRefusedWithTheirLine) {
  const auto parsed = parse(GetParam().text);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().reason, GetParam().reason) << parsed.error().message();
  EXPECT_EQ(parsed.error().line, GetParam().line) << parsed.error().message();
  EXPECT_LT(parsed.error().message().size(), 128U);
}

TEST(Parser, RefusesTheSixtyFifthFormat) {
  std::string line = "m=audio 9 UDP/TLS/RTP/SAVPF";
  for (int i = 0; i < 65; ++i) line += " " + std::to_string(i);
  const auto parsed = parse(head + line + "\r\n");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().reason, ParseReason::limit);
}

TEST(Parser, GetsThroughTheWorstThatFits) {
  // Half a megabyte of the lines that look something up. Anything worse than linear would end in the test's time limit.
  for (const std::string line :
       {"a=rtpmap:96 VP8/90000x\r\n", "a=ssrc:1 cname:x\r\n", "a=mid\r\n", "a=candidate:x\r\n", "a=fmtp:9\r\n"}) {
    std::string text = head + video + repeated("a=ssrc:% cname:x\r\n", 64);
    while (text.size() + line.size() < 512 * 1024) text += line;
    for (int i = 0; i < 20; ++i) (void)parse(text);
  }
}

TEST(Parser, SkipsWhatItDoesNotKnow) {
  const auto parsed = parse(head + "b=AS:5\r\nz=0 0\r\n" + video +
                            "i=x\r\na=something:else\r\na=rtpmap:55 other/1\r\na=candidate:broken\r\n\r\n\r\n");
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->media.size(), 1U);
  EXPECT_TRUE(parsed->media[0].candidates.empty());
}

TEST(Parser, ReadsPausedStreamsAndTakesTheFirstAlternative) {
  const auto parsed = parse(head + video + "a=simulcast:recv x send 1,4;~2;3\r\n");
  ASSERT_TRUE(parsed);
  const Simulcast& s = *parsed->media[0].simulcast;
  ASSERT_EQ(s.send.size(), 3U);
  EXPECT_EQ(s.send[0], (SimulcastStream{"1", false}));
  EXPECT_EQ(s.send[1], (SimulcastStream{"2", true}));
  EXPECT_EQ(s.recv.size(), 1U);
}

}  // namespace
}  // namespace sluice::sdp
