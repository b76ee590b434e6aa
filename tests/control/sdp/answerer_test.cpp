#include "control/sdp/answerer.hpp"

#include "control/sdp/parser.hpp"
#include "control/sdp/writer.hpp"
#include "tests/control/sdp/offer_files.hpp"

namespace sluice::sdp {
namespace {

using testing::HasSubstr;
using testing::Not;

LocalTransport local() {
  LocalTransport result;
  result.ice_ufrag = "localufr";
  result.ice_pwd = "localpasswordlocalpasswd";
  result.fingerprint.fill(0xAB);
  result.addresses = {*SocketAddress::parse("192.0.2.1", 40000), *SocketAddress::parse("2001:db8::1", 40000)};
  result.cname = "sluice";
  result.session_id = 77;
  result.session_version = 3;
  return result;
}

struct Answered {
  SessionDescription offer;
  Negotiation negotiation;
  SessionDescription answer;
  std::string text;
};

Result<Answered, std::string> answer_to(const std::string& text) {
  Answered result;
  const auto offer = parse(text);
  if (!offer) return tl::unexpected(offer.error().message());
  const auto negotiation = negotiate(*offer, {});
  if (!negotiation) return tl::unexpected(negotiation.error().message);
  std::vector<SendingLine> sending;
  for (std::uint32_t i = 0; i < offer->media.size(); ++i)
    sending.push_back({Ssrc{1000 + i}, Ssrc{2000 + i}, "stream", "track" + std::to_string(i)});
  result.offer = *offer;
  result.negotiation = *negotiation;
  result.answer = make_answer(*offer, *negotiation, {}, local(), sending);
  result.text = write(result.answer);
  return result;
}

class AnswersToRealOffers : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(All, AnswersToRealOffers, testing::ValuesIn(offer_names()));

TEST_P(AnswersToRealOffers, KeepMidsOrderAndPayloadTypesAndAreReadable) {
  const auto result = answer_to(read_offer(GetParam()));
  ASSERT_TRUE(result) << result.error();
  const auto reread = parse(result->text);
  ASSERT_TRUE(reread) << reread.error().message();
  EXPECT_EQ(*reread, result->answer);
  ASSERT_EQ(result->answer.media.size(), result->offer.media.size());
  EXPECT_TRUE(result->answer.ice_lite);
  bool first = true;
  for (std::size_t i = 0; i < result->answer.media.size(); ++i) {
    const MediaDescription& ours = result->answer.media[i];
    const MediaDescription& theirs = result->offer.media[i];
    EXPECT_EQ(ours.mid, theirs.mid);
    EXPECT_EQ(ours.medium, theirs.medium);
    EXPECT_EQ(ours.protocol, theirs.protocol);
    if (theirs.medium == Medium::application) {
      EXPECT_EQ(ours.port, 0);
      continue;
    }
    EXPECT_NE(ours.port, 0);
    EXPECT_EQ(ours.transport.setup, Setup::passive);
    EXPECT_EQ(ours.candidates.size(), first ? 2U : 0U);
    first = false;
    for (const Format& format : ours.formats) {
      const Format* offered = theirs.find_format(format.payload_type);
      ASSERT_NE(offered, nullptr);
      EXPECT_TRUE(equal_ignoring_case(offered->encoding, format.encoding));
    }
    for (const Extension& extension : ours.extensions) {
      const bool same = std::any_of(theirs.extensions.begin(), theirs.extensions.end(),
                                    [&](const Extension& e) { return e.id == extension.id && e.uri == extension.uri; });
      EXPECT_TRUE(same) << extension.uri;
    }
    EXPECT_EQ(ours.ssrcs.empty(), ours.direction == Direction::recvonly || ours.direction == Direction::inactive);
  }
}

TEST_P(AnswersToRealOffers, ComeOrAnErrorDoesWhenTheOfferIsCutAnywhere) {
  const std::string text = read_offer(GetParam());
  for (std::size_t size = 0; size <= text.size(); ++size) (void)answer_to(text.substr(0, size));
}

TEST(Answerer, RepeatsSimulcastSoThatChromiumSendsAllLayers) {
  const auto result = answer_to(read_offer("chromium_publish.sdp"));
  ASSERT_TRUE(result) << result.error();
  EXPECT_THAT(result->text, HasSubstr("a=simulcast:recv q;h;f\r\n"));
  EXPECT_THAT(result->text, HasSubstr("a=rid:q recv\r\n"));
  EXPECT_THAT(result->text, HasSubstr("a=rid:f recv\r\n"));
  EXPECT_THAT(result->text, HasSubstr("a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"));
  EXPECT_THAT(result->text, HasSubstr("a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 transport-cc\r\na=rtcp-fb:96 ccm "
                                      "fir\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n"));
  EXPECT_THAT(result->text, HasSubstr("a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"));
  EXPECT_THAT(result->text, Not(HasSubstr("goog-remb")));
  EXPECT_THAT(result->text, Not(HasSubstr("H264")));
  EXPECT_THAT(result->text, HasSubstr("a=fmtp:111 minptime=10;useinbandfec=1\r\n"));
  EXPECT_THAT(result->text, HasSubstr("a=group:BUNDLE 0 1\r\n"));
  EXPECT_THAT(result->text, HasSubstr("a=candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host\r\na=candidate:2 1 udp "
                                      "2130706175 2001:db8::1 40000 typ host\r\na=end-of-candidates\r\n"));
  EXPECT_THAT(result->text, HasSubstr("a=ice-lite\r\n"));
  EXPECT_THAT(result->text, HasSubstr("a=ice-options:ice2\r\n"));
  EXPECT_EQ(result->negotiation.lines[1].rids, (std::vector<std::string>{"q", "h", "f"}));
  EXPECT_FALSE(result->negotiation.lines[1].declared_ssrc);
}

TEST(Answerer, NamesItsSsrcsOnLinesThatItSendsOn) {
  const auto result = answer_to(read_offer("chromium_publish_and_receive.sdp"));
  ASSERT_TRUE(result) << result.error();
  EXPECT_THAT(
      result->text,
      HasSubstr(
          "a=msid:stream track3\r\na=ssrc-group:FID 1003 2003\r\na=ssrc:1003 cname:sluice\r\na=ssrc:2003 cname:sluice\r\n"));
  EXPECT_THAT(result->text, HasSubstr("m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
  EXPECT_THAT(result->text, HasSubstr("a=group:BUNDLE 0 1 2 3 4 5\r\n"));
  EXPECT_TRUE(result->negotiation.lines[3].sends);
  EXPECT_FALSE(result->negotiation.lines[3].receives);
}

TEST(Answerer, OmitsNackWithoutRtx) {
  const auto result = answer_to(replaced(read_offer("chromium_publish.sdp"), "a=fmtp:97 apt=96\r\n", ""));
  ASSERT_TRUE(result) << result.error();
  EXPECT_THAT(result->text, Not(HasSubstr("a=rtcp-fb:96 nack\r\n")));
  EXPECT_THAT(result->text, HasSubstr("a=rtcp-fb:96 nack pli\r\n"));
  EXPECT_FALSE(result->negotiation.lines[1].codecs[0].rtx_payload_type);
}

TEST(Answerer, KeepsOneIdPerExtensionWhereWeriftHasTwo) {
  const auto result = answer_to(read_offer("werift.sdp"));
  ASSERT_TRUE(result) << result.error();
  const auto id = [&](ExtensionKind kind) { return result->negotiation.extension_ids[static_cast<std::size_t>(kind)]; };
  EXPECT_EQ(id(ExtensionKind::mid), 4);
  EXPECT_EQ(id(ExtensionKind::rid), 7);
  EXPECT_TRUE(result->answer.media[0].extensions.empty());
  EXPECT_TRUE(result->negotiation.lines[0].declared_ssrc);
  ASSERT_TRUE(result->negotiation.lines[1].declared_ssrc);
  EXPECT_EQ(result->negotiation.lines[1].declared_ssrc->rtx_ssrc.value, 1573524918U);
}

TEST(Answerer, TurnsTheDtlsRoleAround) {
  const std::string offer = read_offer("chromium_publish.sdp");
  EXPECT_EQ(answer_to(replaced(offer, "setup:actpass", "setup:active"))->negotiation.setup, Setup::passive);
  EXPECT_EQ(answer_to(replaced(offer, "setup:actpass", "setup:passive"))->negotiation.setup, Setup::active);
  EXPECT_FALSE(answer_to(replaced(offer, "setup:actpass", "setup:holdconn")));
}

TEST(Answerer, RejectsLinesThatCannotBeCarried) {
  const std::string offer = read_offer("chromium_publish.sdp");
  const auto rejected = [](const Result<Answered, std::string>& result, std::size_t line) {
    return result && result->answer.media[line].port == 0;
  };
  EXPECT_TRUE(rejected(answer_to(replaced(offer, "BUNDLE 0 1", "BUNDLE 0")), 1));
  EXPECT_TRUE(rejected(answer_to(replaced(offer, "VP8/90000", "VPX/90000")), 1));
  EXPECT_TRUE(rejected(answer_to(replaced(offer, "m=video 9 ", "m=video 0 ")), 1));
  EXPECT_TRUE(rejected(answer_to(replaced(offer, "m=video 9 UDP/TLS/RTP/SAVPF", "m=video 9 RTP/AVP")), 1));
  EXPECT_TRUE(rejected(answer_to(replaced(offer, "a=mid:1", "a=mid:a-mid-that-is-too-long-for-a-header")), 1));
  const auto no_mux = answer_to(replaced(offer, "a=rtcp-mux\r\n", ""));
  ASSERT_TRUE(no_mux);
  EXPECT_FALSE(no_mux->negotiation.has_transport());
  const auto bundle_only =
      answer_to(replaced(replaced(offer, "m=video 9 ", "m=video 0 "), "a=mid:1\r\n", "a=mid:1\r\na=bundle-only\r\n"));
  ASSERT_TRUE(bundle_only);
  EXPECT_NE(bundle_only->answer.media[1].port, 0);
}

TEST(Answerer, RefusesATransportThatCannotWork) {
  const std::string offer = read_offer("chromium_publish.sdp");
  EXPECT_FALSE(answer_to(replaced(offer, "a=group:BUNDLE", "a=x:BUNDLE")));
  EXPECT_FALSE(answer_to(replaced(offer, "a=ice-ufrag:", "a=x:")));
  EXPECT_FALSE(answer_to(replaced(offer, "a=ice-pwd:", "a=x:")));
  EXPECT_FALSE(answer_to(replaced(offer, "a=fingerprint:", "a=x:")));
  EXPECT_FALSE(answer_to(replaced(offer, "a=fingerprint:sha-256", "a=fingerprint:sha-1")));
  EXPECT_FALSE(answer_to(replaced(offer, "t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n")));
  EXPECT_FALSE(answer_to("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"));
}

TEST(Answerer, NeverTakesPayloadTypesThatLookLikeRtcp) {
  const auto result = answer_to(replaced(replaced(read_offer("aiortc.sdp"), "SAVPF 97 98", "SAVPF 72 98"), ":97 ", ":72 "));
  ASSERT_TRUE(result) << result.error();
  EXPECT_EQ(result->answer.media[1].port, 0);
}

TEST(Answerer, MirrorsExtensionDirections) {
  const auto result = answer_to(replaced(read_offer("chromium_publish.sdp"), "a=extmap:4 ", "a=extmap:4/sendonly "));
  ASSERT_TRUE(result) << result.error();
  EXPECT_THAT(result->text, HasSubstr("a=extmap:4/recvonly urn:ietf:params:rtp-hdrext:sdes:mid\r\n"));
}

}  // namespace
}  // namespace sluice::sdp
