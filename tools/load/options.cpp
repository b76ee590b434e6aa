#include "tools/load/options.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <string_view>

namespace sluice::load {

namespace {

constexpr std::uint32_t lines_max = 256;  // m-lines of one description that the server takes

template <typename T>
T whole_number(std::string_view name, std::string_view text, T min, T max) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < min || value > max)
    throw UsageError("--" + std::string(name) + " takes a whole number from " + std::to_string(min) + " to " +
                     std::to_string(max) + ", not '" + std::string(text) + "'.");
  return value;
}

double positive_number(std::string_view name, std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value) || value < 0)
    throw UsageError("--" + std::string(name) + " takes a number that is not negative, not '" + std::string(text) + "'.");
  return value;
}

/// "30", "30s", "2m".
Duration seconds_of(std::string_view name, std::string_view text) {
  double factor = 1;
  if (text.ends_with('s')) {
    text.remove_suffix(1);
  } else if (text.ends_with('m')) {
    text.remove_suffix(1);
    factor = 60;
  }
  const double seconds = positive_number(name, text) * factor;
  constexpr double week = 7 * 24 * 3600;
  if (seconds > week) throw UsageError("--" + std::string(name) + " takes at most a week.");
  return Duration(static_cast<std::int64_t>(seconds * 1e9));
}

/// "500000", "500k", "1.5M".
std::int64_t bitrate_of(std::string_view text) {
  double factor = 1;
  if (text.ends_with('k') || text.ends_with('K')) factor = 1e3;
  if (text.ends_with('M')) factor = 1e6;
  if (factor > 1) text.remove_suffix(1);
  const double bits = positive_number("bitrate", text) * factor;
  if (bits < 10e3 || bits > 100e6) throw UsageError("--bitrate takes 10k to 100M bits per second.");
  return static_cast<std::int64_t>(bits);
}

SrtpProfile suite_of(std::string_view text) {
  for (const SrtpProfile suite :
       {SrtpProfile::aead_aes_128_gcm, SrtpProfile::aead_aes_256_gcm, SrtpProfile::aes128_cm_sha1_80}) {
    if (text == suite_name(suite)) return suite;
  }
  throw UsageError("--suite takes aes128-gcm, aes256-gcm or aes128-cm, not '" + std::string(text) + "'.");
}

struct Flag {
  std::string_view name;
  std::string_view value;  // its placeholder; empty: takes none
  std::string_view text;
  void (*apply)(LoadOptions&, std::string_view value);
};

constexpr std::array flags{
    Flag{"media", "", "measure media (the only benchmark of this version, and the default)",
         [](LoadOptions&, std::string_view) {}},
    Flag{"url", "URL", "signaling of the server (ws://127.0.0.1:3000)",
         [](LoadOptions& o, std::string_view v) { o.url = v; }},
    Flag{"admin", "URL", "admin API of the server, which makes the rooms (http://127.0.0.1:4000)",
         [](LoadOptions& o, std::string_view v) { o.admin = v; }},
    Flag{"admin-secret", "TEXT", "its secret, if it has one",
         [](LoadOptions& o, std::string_view v) { o.admin_secret = v; }},
    Flag{"rooms", "R", "rooms (1)",
         [](LoadOptions& o, std::string_view v) { o.rooms = whole_number<std::uint32_t>("rooms", v, 1, 10'000); }},
    Flag{"publishers", "P", "publishers in each room (2)",
         [](LoadOptions& o, std::string_view v) { o.publishers = whole_number<std::uint32_t>("publishers", v, 1, 256); }},
    Flag{"subscribers", "S", "subscribers in each room, each of which gets all streams of all its publishers (5)",
         [](LoadOptions& o, std::string_view v) { o.subscribers = whole_number<std::uint32_t>("subscribers", v, 1, 9000); }},
    Flag{"audio", "", "audio only, unless --video is given too (both is the default)", nullptr},
    Flag{"video", "", "video only, unless --audio is given too", nullptr},
    Flag{"bitrate", "BPS", "of each publisher's video, such as 250k or 1.5M (1M); audio is 32 kbit/s",
         [](LoadOptions& o, std::string_view v) { o.bitrate = bitrate_of(v); }},
    Flag{"suite", "NAME", "SRTP: aes128-gcm (default), aes256-gcm or aes128-cm",
         [](LoadOptions& o, std::string_view v) { o.suite = suite_of(v); }},
    Flag{"warmup", "TIME", "between the first packet of the last stream and the measurement, such as 3s (3s)",
         [](LoadOptions& o, std::string_view v) { o.warmup = seconds_of("warmup", v); }},
    Flag{"duration", "TIME", "of the measurement, such as 30s or 10m (30s); SIGTERM or SIGINT end it early, with a report",
         [](LoadOptions& o, std::string_view v) { o.duration = seconds_of("duration", v); }},
    Flag{"run-for", "TIME", "the same as --duration",
         [](LoadOptions& o, std::string_view v) { o.duration = seconds_of("run-for", v); }},
    Flag{"audit-indices", "", "check that no SRTP or SRTCP index is used twice under one key; status 3 if one is",
         [](LoadOptions& o, std::string_view) { o.audit_indices = true; }},
    Flag{"drop", "PERCENT", "lose this share of all media packets on purpose, both ways, as a bad network would (0)",
         [](LoadOptions& o, std::string_view v) {
           o.drop = positive_number("drop", v);
           if (o.drop > 50) throw UsageError("--drop takes at most 50 percent.");
         }},
    Flag{"max-loss", "PERCENT", "status 2 when more packets are lost, or a stream is dead",
         [](LoadOptions& o, std::string_view v) { o.max_loss = positive_number("max-loss", v); }},
    Flag{"max-gap-ms", "MS", "status 2 when a stream is silent for longer, or dead",
         [](LoadOptions& o, std::string_view v) {
           o.max_gap = Duration(static_cast<std::int64_t>(positive_number("max-gap-ms", v) * 1e6));
         }},
    Flag{"server-pid", "PID", "the server's process, for CPU and memory (found by the port of --url if it runs here)",
         [](LoadOptions& o, std::string_view v) { o.server_pid = whole_number<pid_t>("server-pid", v, 1, 1 << 22); }},
    Flag{"report", "FILE", "write the report as JSON", [](LoadOptions& o, std::string_view v) { o.report = v; }},
    Flag{"events", "FILE", "write gaps and other events as they happen, a line of JSON each",
         [](LoadOptions& o, std::string_view v) { o.events = v; }},
    Flag{"json", "", "print the report as JSON, and nothing else on standard output",
         [](LoadOptions& o, std::string_view) { o.json = true; }},
    Flag{"quiet", "", "no progress on standard error", [](LoadOptions& o, std::string_view) { o.quiet = true; }},
    Flag{"seed", "N", "of frame sizes and phases (1)",
         [](LoadOptions& o, std::string_view v) { o.seed = whole_number<std::uint64_t>("seed", v, 0, 1'000'000'000); }},
    Flag{"help", "", "print this", [](LoadOptions& o, std::string_view) { o.help = true; }},
};

}  // namespace

const char* suite_name(SrtpProfile suite) noexcept {
  switch (suite) {
    case SrtpProfile::aead_aes_128_gcm:
      return "aes128-gcm";
    case SrtpProfile::aead_aes_256_gcm:
      return "aes256-gcm";
    case SrtpProfile::aes128_cm_sha1_80:
      return "aes128-cm";
    case SrtpProfile::none:
      break;
  }
  return "none";
}

LoadOptions read_options(std::span<const std::string> arguments) {
  LoadOptions options;
  bool audio = false;
  bool video = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view word = arguments[i];
    const std::size_t equals = word.find('=');
    const std::string_view name = word.starts_with("--") ? word.substr(2, equals == word.npos ? word.npos : equals - 2) : "";
    const auto* const flag =
        std::find_if(flags.begin(), flags.end(), [&](const Flag& candidate) { return candidate.name == name; });
    if (flag == flags.end())
      throw UsageError("'" + std::string(word) + "' is no option; 'sluice benchmark --help' lists them.");
    std::string_view value;
    if (flag->value.empty()) {
      if (equals != word.npos) throw UsageError("--" + std::string(name) + " takes no value.");
    } else if (equals != word.npos) {
      value = word.substr(equals + 1);
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
    } else {
      throw UsageError("--" + std::string(name) + " needs a value.");
    }
    audio |= name == "audio";
    video |= name == "video";
    if (flag->apply != nullptr) flag->apply(options, value);
  }
  if (audio || video) {
    options.audio = audio;
    options.video = video;
  }
  if (options.publishers * options.kinds() > lines_max)
    throw UsageError("A subscriber takes at most " + std::to_string(lines_max) +
                     " streams: choose fewer --publishers, or more --rooms.");
  return options;
}

std::string help_text() {
  std::string text =
      "usage: sluice benchmark [--media] [OPTIONS]\n\n"
      "Makes rooms on a running server and fills each with synthetic publishers and with subscribers, every one of which\n"
      "receives every publisher's streams, and measures what arrives: loss, duplicates, one-way latency, gaps, and what "
      "the\n"
      "server's processes use.\n\n";
  for (const Flag& flag : flags) {
    std::string left = "  --" + std::string(flag.name) + (flag.value.empty() ? "" : " " + std::string(flag.value));
    left.resize(std::max<std::size_t>(left.size() + 1, 26), ' ');
    text += left + std::string(flag.text) + "\n";
  }
  text +=
      "\nExit status: 0 fine; 1 wrong options or no connection; 2 more loss, longer gaps or dead streams than allowed, or\n"
      "streams that never came up; 3 an index was used twice.\n";
  return text;
}

}  // namespace sluice::load
