#include "tools/load/report.hpp"

#include <gtest/gtest.h>

#include "tools/load/options.hpp"
#include "tools/load/session_description.hpp"
#include "tools/load/signaling.hpp"

namespace sluice::load {
namespace {

using std::chrono::milliseconds;

LoadOptions options_of(std::initializer_list<std::string> words) {
  return read_options(std::vector<std::string>(words));
}

MediaResults healthy(const LoadOptions& options) {
  MediaResults results;
  results.streams = options.streams();
  results.peers.sent = 1000;
  results.received = 5000;
  results.unique = 5000;
  for (int i = 0; i < 100; ++i) results.latency.record(std::chrono::microseconds(i));
  results.measured = std::chrono::seconds(10);
  results.longest_gap = milliseconds(40);
  return results;
}

TEST(OptionsTest, ReadsBothFormsAndUnits) {
  const LoadOptions options = options_of(
      {"--rooms", "3", "--bitrate=1.5M", "--duration", "2m", "--suite=aes128-cm", "--audio", "--max-gap-ms=250", "--media"});
  EXPECT_EQ(options.rooms, 3U);
  EXPECT_EQ(options.bitrate, 1'500'000);
  EXPECT_EQ(options.duration, std::chrono::minutes(2));
  EXPECT_EQ(options.suite, SrtpProfile::aes128_cm_sha1_80);
  EXPECT_TRUE(options.audio);
  EXPECT_FALSE(options.video);
  EXPECT_EQ(options.max_gap, milliseconds(250));
}

TEST(OptionsTest, SendsAudioAndVideoUnlessToldOtherwise) {
  EXPECT_EQ(options_of({}).kinds(), 2U);
  EXPECT_EQ(options_of({"--audio", "--video"}).kinds(), 2U);
  EXPECT_EQ(options_of({"--rooms=10", "--publishers=2", "--subscribers=5"}).streams(), 200U);
}

TEST(OptionsTest, RefusesWithOneSentence) {
  for (const char* word : {"--nonsense", "rooms", "--rooms=0", "--rooms=x", "--bitrate=5", "--suite=none", "--rooms",
                           "--audio=yes", "--duration=-1", "--drop=60", "--publishers=200"}) {
    try {
      (void)options_of({word});
      FAIL() << word;
    } catch (const UsageError& error) {
      EXPECT_TRUE(std::string(error.what()).ends_with(".")) << error.what();
    }
  }
}

TEST(OptionsTest, HelpNamesEveryOption) {
  const std::string help = help_text();
  for (const char* name : {"--publishers", "--audit-indices", "--events", "--max-loss", "--server-pid"})
    EXPECT_NE(help.find(name), std::string::npos) << name;
}

TEST(UrlTest, ReadsHostPortAndPath) {
  const ServerUrl url = parse_url("wss://[::1]:3443/ws?a=b");
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, 3443);
  EXPECT_EQ(url.path, "/ws?a=b");
  EXPECT_EQ(parse_url("ws://example").port, 80);
  for (const char* bad : {"", "example:3000", "ftp://a", "ws://", "ws://a:b", "ws://a:0", "ws://a:99999"})
    EXPECT_THROW((void)parse_url(bad), std::invalid_argument) << bad;
}

TEST(JudgementTest, AHealthyRunIsFine) {
  const LoadOptions options = options_of({"--max-loss=0", "--max-gap-ms=100"});
  EXPECT_EQ(judge(options, healthy(options)).status, 0);
}

TEST(JudgementTest, LossGapsAndDeadStreamsCountWhenAskedFor) {
  const LoadOptions lax = options_of({});
  const LoadOptions strict = options_of({"--max-loss=0.1", "--max-gap-ms=100"});
  const auto status = [](const LoadOptions& options, auto&& change) {
    MediaResults results = healthy(options);
    change(results);
    return judge(options, results).status;
  };
  const auto loss = [](MediaResults& r) { r.lost = 100; };
  const auto gap = [](MediaResults& r) { r.longest_gap = milliseconds(101); };
  const auto dead = [](MediaResults& r) { r.dead = 1; };
  EXPECT_EQ(status(lax, loss) + status(lax, gap) + status(lax, dead), 0);
  EXPECT_EQ(status(strict, loss), 2);
  EXPECT_EQ(status(strict, gap), 2);
  EXPECT_EQ(status(strict, dead), 2);
  EXPECT_EQ(status(strict, [](MediaResults& r) { r.lost = 5; }), 0);  // 0.0999 %
  EXPECT_EQ(status(lax, [](MediaResults& r) { r.never_up = r.dead = 1; }), 2);
}

TEST(JudgementTest, AnIndexRepeatIsWorst) {
  const LoadOptions options = options_of({"--audit-indices", "--max-loss=0"});
  MediaResults results = healthy(options);
  results.lost = 10;
  results.audit.repeats = 1;
  const Judgement judgement = judge(options, results);
  EXPECT_EQ(judgement.status, 3);
  EXPECT_EQ(judgement.reasons.size(), 2U);
}

TEST(ReportTest, HoldsTheFiguresAndTheTextShowsThem) {
  const LoadOptions options = options_of({"--audit-indices"});
  MediaResults results = healthy(options);
  results.lost = 5;
  results.longest_gaps.push_back({.label = {.room = 0, .publisher = 1, .subscriber = 4, .kind = MediaKind::video},
                                  .begin_wall_ns = 1'700'000'000'000'000'000,
                                  .length = milliseconds(320)});
  results.gap_histogram.record(milliseconds(320));
  RunFacts facts;
  facts.processes.push_back(
      {.name = "sluice-worker", .cpu_ns = 5'000'000, .rss_before = 1 << 20, .rss_after = 6 << 20, .processes = 2});
  facts.memory_growth = 5 << 20;
  const auto report = make_report(options, results, facts);
  EXPECT_EQ(report["packets"]["forwarded"], 5000);
  EXPECT_NEAR(report["packets"]["loss_percent"].get<double>(), 0.0999, 0.0001);
  EXPECT_EQ(report["server"]["processes"][0]["cpu_ns_per_packet"], 1000);
  EXPECT_EQ(report["server"]["memory_per_subscriber_bytes"], (5 << 20) / 5);
  EXPECT_EQ(report["gaps"]["longest"][0]["subscriber"], 4);
  EXPECT_EQ(report["gaps"]["longest"][0]["ms"], 320.0);
  EXPECT_EQ(report["index_audit"]["repeats"], 0);
  const std::string text = report_text(report);
  for (const char* part : {"5 lost", "sluice-worker", "1000 ns", "250 to 500 ms: 1", "0 repeats", "2 processes"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
}

TEST(ReportTest, AnEmptyRunHasAReportToo) {
  const LoadOptions options = options_of({"--audio"});
  const auto report = make_report(options, {}, {});
  EXPECT_TRUE(report["server"].is_null());
  EXPECT_TRUE(report["index_audit"].is_null());
  EXPECT_NE(report_text(report).find("not found on this machine"), std::string::npos);
}

TEST(AnswerTest, ReadsWhatTheServerWrites) {
  const std::string sdp =
      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-lite\r\na=group:BUNDLE 0 1\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
      "a=fingerprint:sha-256 "
      "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:FF\r\n"
      "a=candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host\r\na=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
      "a=rtpmap:111 opus/48000/2\r\na=ssrc:77 cname:x\r\n"
      "m=video 0 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:1\r\na=rtpmap:97 rtx/90000\r\na=ssrc-group:FID 88 89\r\n"
      "a=ssrc:88 cname:x\r\na=ssrc:89 cname:x\r\n";
  const std::optional<Answer> answer = read_answer(sdp);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->ice.ufrag, "abcd");
  EXPECT_EQ(answer->fingerprint[31], 0xff);
  EXPECT_EQ(answer->candidates.size(), 1U);
  ASSERT_EQ(answer->lines.size(), 2U);
  EXPECT_TRUE(answer->lines[0].accepted);
  EXPECT_EQ(answer->lines[0].ssrc, Ssrc{77});
  EXPECT_EQ(answer->lines[0].mid_extension, 1);
  EXPECT_FALSE(answer->lines[1].accepted);
  EXPECT_EQ(answer->lines[1].rtx_ssrc, Ssrc{89});
  EXPECT_TRUE(answer->lines[1].rtx);
  EXPECT_FALSE(read_answer("v=0\r\n"));
}

}  // namespace
}  // namespace sluice::load
