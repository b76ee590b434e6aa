#include "tools/load/report.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdarg>
#include <cstdio>

namespace sluice::load {

namespace {

using Json = nlohmann::ordered_json;
constexpr std::size_t gaps_shown = 20;

double rounded(double value, double unit) {
  return std::round(value / unit) * unit;
}
double milliseconds(Duration value) {
  return rounded(static_cast<double>(value.count()) / 1e6, 1e-3);
}
double microseconds(Duration value) {
  return rounded(static_cast<double>(value.count()) / 1e3, 1e-1);
}
double seconds(Duration value) {
  return rounded(static_cast<double>(value.count()) / 1e9, 1e-3);
}

double percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

double loss_percent(const MediaResults& results) {
  return percent(results.lost, results.unique + results.lost);
}

std::int64_t per(std::int64_t total, std::uint64_t count) {
  return count == 0 ? 0 : total / static_cast<std::int64_t>(count);
}

Json gap_json(const MediaResults& results) {
  Json histogram = Json::array();
  for (std::size_t i = 0; i < results.gap_histogram.counts.size(); ++i) {
    Json row;
    row["from_ms"] = i == 0 ? 0 : milliseconds(GapHistogram::bounds[i - 1]);
    if (i < GapHistogram::bounds.size()) row["to_ms"] = milliseconds(GapHistogram::bounds[i]);
    row["count"] = results.gap_histogram.counts[i];
    histogram.push_back(std::move(row));
  }
  Json longest = Json::array();
  for (const GapRecord& gap : results.longest_gaps) {
    if (longest.size() == gaps_shown) break;
    longest.push_back({{"ms", milliseconds(gap.length)},
                       {"begin_ms", static_cast<double>(gap.begin_wall_ns / 1000) / 1000},
                       {"room", gap.label.room},
                       {"publisher", gap.label.publisher},
                       {"subscriber", gap.label.subscriber},
                       {"kind", gap.label.kind == MediaKind::video ? "video" : "audio"},
                       {"generator_late_ms", milliseconds(gap.generator_late)}});
  }
  return {{"counted", results.gap_histogram.total()},
          {"longest_between_packets_ms", milliseconds(results.longest_gap)},
          {"p50_ms", milliseconds(results.gaps.quantile(0.5))},
          {"p99_ms", milliseconds(results.gaps.quantile(0.99))},
          {"histogram", std::move(histogram)},
          {"longest", std::move(longest)}};
}

Json server_json(const LoadOptions& options, const MediaResults& results, const RunFacts& facts) {
  if (facts.processes.empty()) return nullptr;
  Json processes = Json::array();
  for (const ProcessGroup& group : facts.processes) {
    processes.push_back({{"name", group.name},
                         {"processes", group.processes},
                         {"cpu_ms", milliseconds(Duration(group.cpu_ns))},
                         {"cpu_ns_per_packet", per(group.cpu_ns, results.received)},
                         {"rss_before_bytes", group.rss_before},
                         {"rss_after_bytes", group.rss_after}});
  }
  const std::uint64_t subscribers = std::uint64_t{options.rooms} * options.subscribers;
  return {{"processes", std::move(processes)},
          {"memory_growth_bytes", facts.memory_growth},
          {"memory_per_subscriber_bytes", per(facts.memory_growth, subscribers)}};
}

std::string line(const char* format, ...) __attribute__((format(printf, 1, 2)));
std::string line(const char* format, ...) {
  std::array<char, 400> text{};
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text.data(), text.size(), format, arguments);
  va_end(arguments);
  return std::string(text.data()) + "\n";
}

}  // namespace

Json make_report(const LoadOptions& options, const MediaResults& results, const RunFacts& facts) {
  Json report;
  report["setup"] = {{"rooms", options.rooms},
                     {"publishers_per_room", options.publishers},
                     {"subscribers_per_room", options.subscribers},
                     {"audio", options.audio},
                     {"video", options.video},
                     {"video_bits_per_second", options.bitrate},
                     {"suite", suite_name(options.suite)},
                     {"drop_percent", options.drop},
                     {"seed", options.seed}};
  report["measured_s"] = seconds(results.measured);
  report["ended_early"] = facts.ended_early;
  report["streams"] = {{"expected", options.streams()}, {"never_up", results.never_up}, {"dead", results.dead}};
  report["packets"] = {
      {"sent", results.peers.sent},
      {"forwarded", results.received},
      {"forwarded_per_second",
       results.measured.count() <= 0
           ? 0.0
           : rounded(static_cast<double>(results.received) * 1e9 / static_cast<double>(results.measured.count()), 0.1)},
      {"lost", results.lost},
      {"loss_percent", rounded(loss_percent(results), 1e-6)},
      {"duplicates", results.duplicates},
      {"repaired", results.repaired},
      {"asked_again_by_server", results.peers.nacked},
      {"asked_again_by_subscribers", results.peers.nacks_sent},
      {"undecryptable", results.peers.undecryptable},
      {"replays", results.peers.replays},
      {"misrouted", results.misrouted},
      {"unknown_ssrc", results.peers.unknown_ssrc},
      {"unstamped", results.unstamped},
      {"malformed", results.peers.malformed},
      {"dropped_on_purpose", results.peers.dropped}};
  report["latency_us"] = {{"p50", microseconds(results.latency.quantile(0.5))},
                          {"p99", microseconds(results.latency.quantile(0.99))},
                          {"p99_9", microseconds(results.latency.quantile(0.999))},
                          {"largest", microseconds(results.latency.largest())},
                          {"mean", microseconds(results.latency.mean())}};
  report["gaps"] = gap_json(results);
  report["video"] = {{"frames_decodable", results.frames.decoded},
                     {"key_frames", results.frames.key_frames},
                     {"frames_skipped", results.frames.skipped},
                     {"freezes", results.frames.freezes},
                     {"longest_still_ms", milliseconds(results.frames.longest_still)},
                     {"picture_id_breaks", results.frames.picture_id_breaks},
                     {"key_frames_asked_by_subscribers", results.frames.requests},
                     {"key_frames_asked_by_server", results.peers.key_requests}};
  if (options.audit_indices) {
    report["index_audit"] = {{"ssrcs", results.audit.ssrcs},
                             {"srtp_indices", results.audit.rtp},
                             {"srtcp_indices", results.audit.rtcp},
                             {"repeats", results.audit.repeats},
                             {"network_duplicates", results.audit.network_duplicates}};
  } else {
    report["index_audit"] = nullptr;
  }
  report["server"] = server_json(options, results, facts);
  report["generator"] = {
      {"cpu_ms", milliseconds(Duration(facts.generator_cpu_ns))},
      {"media_thread_cpu_ns_per_packet", per(results.generator_cpu_ns, results.received + results.peers.sent)},
      {"send_lateness_p99_ms", milliseconds(results.send_lateness.quantile(0.99))},
      {"send_lateness_largest_ms", milliseconds(results.send_lateness.largest())},
      {"frames_left_out", results.frames_left_out},
      {"receive_overflows", results.overflowed},
      {"sends_refused", results.send_refused}};
  report["signaling"] = {{"reconnects", facts.reconnects},
                         {"sessions_lost", facts.sessions_lost},
                         {"errors", facts.errors},
                         {"consumers_closed", facts.consumers_closed},
                         {"dtls_problems", facts.problems}};
  return report;
}

std::string report_text(const Json& report) {
  const auto count = [](const Json& value) { return static_cast<unsigned long long>(value.get<std::uint64_t>()); };
  const auto real = [](const Json& value) { return value.get<double>(); };
  const Json& setup = report["setup"];
  const Json& streams = report["streams"];
  const Json& packets = report["packets"];
  const Json& latency = report["latency_us"];
  const Json& gaps = report["gaps"];
  const Json& video = report["video"];
  const Json& generator = report["generator"];
  std::string text;
  text += line("%llu rooms of %llu publishers and %llu subscribers, %s, %.1f s measured%s", count(setup["rooms"]),
               count(setup["publishers_per_room"]), count(setup["subscribers_per_room"]),
               setup["suite"].get_ref<const std::string&>().c_str(), real(report["measured_s"]),
               report["ended_early"].get<bool>() ? " (ended early)" : "");
  text += line("streams     %llu, %llu never up, %llu dead at the end", count(streams["expected"]),
               count(streams["never_up"]), count(streams["dead"]));
  text +=
      line("packets     %llu sent, %llu forwarded (%.0f/s), %llu lost (%.4f %%), %llu duplicates, %llu repaired",
           count(packets["sent"]), count(packets["forwarded"]), real(packets["forwarded_per_second"]),
           count(packets["lost"]), real(packets["loss_percent"]), count(packets["duplicates"]), count(packets["repaired"]));
  text += line("            %llu undecryptable, %llu replays, %llu misrouted, %llu unknown SSRC, %llu unstamped",
               count(packets["undecryptable"]), count(packets["replays"]), count(packets["misrouted"]),
               count(packets["unknown_ssrc"]), count(packets["unstamped"]));
  if (packets["dropped_on_purpose"] != 0) {
    text += line("            %llu dropped on purpose; %llu asked again by the server, %llu by subscribers",
                 count(packets["dropped_on_purpose"]), count(packets["asked_again_by_server"]),
                 count(packets["asked_again_by_subscribers"]));
  }
  text += line("latency     p50 %.0f us, p99 %.0f us, p99.9 %.0f us, largest %.0f us", real(latency["p50"]),
               real(latency["p99"]), real(latency["p99_9"]), real(latency["largest"]));
  text += line("gaps        longest %.1f ms; %llu beyond three intervals, p99 of those %.1f ms",
               real(gaps["longest_between_packets_ms"]), count(gaps["counted"]), real(gaps["p99_ms"]));
  for (const Json& row : gaps["histogram"]) {
    if (row["count"].get<std::uint64_t>() == 0) continue;
    text += row.contains("to_ms")
                ? line("            %6.0f to %.0f ms: %llu", real(row["from_ms"]), real(row["to_ms"]), count(row["count"]))
                : line("            %6.0f ms and more: %llu", real(row["from_ms"]), count(row["count"]));
  }
  if (setup["video"].get<bool>()) {
    text +=
        line("video       %llu frames decodable, %llu skipped, %llu freezes, longest still %.0f ms, %llu picture id breaks",
             count(video["frames_decodable"]), count(video["frames_skipped"]), count(video["freezes"]),
             real(video["longest_still_ms"]), count(video["picture_id_breaks"]));
  }
  if (const Json& audit = report["index_audit"]; !audit.is_null()) {
    text += line("indices     %llu SRTP and %llu SRTCP of %llu SSRCs: %llu repeats, %llu network duplicates",
                 count(audit["srtp_indices"]), count(audit["srtcp_indices"]), count(audit["ssrcs"]), count(audit["repeats"]),
                 count(audit["network_duplicates"]));
  }
  if (const Json& server = report["server"]; server.is_null()) {
    text += "server      its processes were not found on this machine\n";
  } else {
    for (const Json& process : server["processes"]) {
      text += line("server      %-16s %6lld ns CPU per forwarded packet, %.1f MiB resident (%.1f before)%s",
                   process["name"].get_ref<const std::string&>().c_str(),
                   static_cast<long long>(process["cpu_ns_per_packet"].get<std::int64_t>()),
                   static_cast<double>(process["rss_after_bytes"].get<std::int64_t>()) / (1 << 20),
                   static_cast<double>(process["rss_before_bytes"].get<std::int64_t>()) / (1 << 20),
                   process["processes"].get<std::uint64_t>() > 1
                       ? (", " + std::to_string(process["processes"].get<std::uint64_t>()) + " processes").c_str()
                       : "");
    }
    text += line("            %.1f KiB more memory per subscriber",
                 static_cast<double>(server["memory_per_subscriber_bytes"].get<std::int64_t>()) / 1024);
  }
  text += line(
      "generator   %llu ns CPU per packet, frames late p99 %.1f ms, largest %.1f ms; %llu overflows, %llu sends refused",
      count(generator["media_thread_cpu_ns_per_packet"]), real(generator["send_lateness_p99_ms"]),
      real(generator["send_lateness_largest_ms"]), count(generator["receive_overflows"]), count(generator["sends_refused"]));
  const Json& signaling = report["signaling"];
  if (signaling["reconnects"] != 0 || signaling["sessions_lost"] != 0 || signaling["errors"] != 0) {
    text += line("signaling   %llu came back, %llu sessions lost, %llu errors", count(signaling["reconnects"]),
                 count(signaling["sessions_lost"]), count(signaling["errors"]));
  }
  return text;
}

Judgement judge(const LoadOptions& options, const MediaResults& results) {
  Judgement judgement;
  const auto fault = [&](int status, std::string reason) {
    judgement.status = std::max(judgement.status, status);
    judgement.reasons.push_back(std::move(reason));
  };
  constexpr int too_bad = 2;
  constexpr int index_repeat = 3;
  if (results.audit.repeats > 0)
    fault(index_repeat, std::to_string(results.audit.repeats) + " packets came under an index that was used before.");
  if (results.never_up > 0 || results.streams < options.streams())
    fault(too_bad, std::to_string(std::max(results.never_up, options.streams() - results.streams)) + " of " +
                       std::to_string(options.streams()) + " streams never came up.");
  if ((options.max_loss || options.max_gap) && results.dead > results.never_up)
    fault(too_bad, std::to_string(results.dead - results.never_up) + " streams were dead at the end.");
  if (options.max_loss && loss_percent(results) > *options.max_loss)
    fault(too_bad, std::to_string(results.lost) + " packets were lost, more than --max-loss allows.");
  if (options.max_gap && results.longest_gap > *options.max_gap)
    fault(too_bad, "A stream was silent for " + std::to_string(milliseconds(results.longest_gap)) +
                       " ms, longer than --max-gap-ms allows.");
  return judgement;
}

}  // namespace sluice::load
