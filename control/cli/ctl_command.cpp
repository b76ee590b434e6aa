#include "control/cli/ctl_command.hpp"

#include <csignal>
#include <cstdio>

#include "control/cli/control_client.hpp"
#include "control/cli/flags.hpp"
#include "control/cli/table.hpp"

namespace sluice::cli {

using nlohmann::json;

namespace {

constexpr const char* usage =
    "usage: sluice ctl [--control-socket PATH] [--json] METHOD [PARAMS]\n"
    "       sluice ctl [--control-socket PATH] [--json] --follow [PATTERN ...]\n\n"
    "Asks a running server over its control socket. PARAMS is one JSON object, or words name=value:\n"
    "  sluice ctl rooms.create roomId=standup maxPeers=8\n"
    "  sluice ctl peers.kick '{\"peerId\": \"...\", \"reason\": \"too loud\"}'\n"
    "  sluice ctl --follow 'peer:*' threat\n\n"
    "  --json                 the answer as JSON, on one line; for people without\n"
    "  --follow               print events as they happen, until Ctrl-C; room=ID words choose rooms\n"
    "  --timeout SECONDS      for an answer [30]\n"
    "  --control-socket PATH  default: SLUICE_CONTROL_SOCKET, else where a server has it by default\n\n"
    "Without METHOD: all methods. 'sluice ctl METHOD --help': what it takes.\n";

volatile std::sig_atomic_t interrupted = 0;
void interrupt(int) {
  interrupted = 1;
}

int fail(const std::string& sentence) {
  std::fprintf(stderr, "sluice ctl: %s\n", sentence.c_str());
  return 1;
}

void print(const json& value, bool as_json) {
  const std::string text = as_json ? value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n" : for_people(value);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

/// All methods, or one with its parameters.
int describe(ControlClient& client, const std::string& method) {
  const auto found = client.call("rpc.discover", nullptr);
  if (!found) return fail(found.error().message);
  for (const json& entry : (*found)["methods"]) {
    const std::string name = entry.value("name", "");
    if (method.empty()) {
      std::printf("%-24s %s\n", name.c_str(), entry.value("summary", "").c_str());
    } else if (name == method) {
      std::printf("%s: %s\n", name.c_str(), entry.value("summary", "").c_str());
      for (const json& parameter : entry["params"]) {
        std::printf("  %-16s %-8s %s%s\n", parameter.value("name", "").c_str(), parameter.value("type", "").c_str(),
                    parameter.value("required", false) ? "" : "(optional) ", parameter.value("summary", "").c_str());
      }
      std::printf("  -> %s\n", entry.value("result", "").c_str());
      return 0;
    }
  }
  return method.empty() ? 0 : fail("there is no method '" + method + "'; 'sluice ctl' lists them.");
}

int follow(ControlClient& client, std::span<const std::string> words, bool as_json) {
  json params = json::object();
  for (const std::string& word : words)
    params[word.starts_with("room=") ? "rooms" : "patterns"].push_back(word.starts_with("room=") ? word.substr(5) : word);
  const auto subscribed = client.call("events.subscribe", params);
  if (!subscribed) return fail(subscribed.error().message);
  struct sigaction action {};
  action.sa_handler = interrupt;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  while (interrupted == 0 && !client.ended()) {
    const auto message = client.next(std::chrono::seconds(1));
    if (!message) continue;
    const json what = message->value("params", json::object());
    if (as_json) {
      print(what, true);
    } else if (message->value("method", "") == "events.dropped") {
      std::printf("(%s events were dropped: this terminal is too slow)\n", what.value("count", json()).dump().c_str());
    } else {
      const std::string data = printable(what.value("data", json()).dump(-1, ' ', false, json::error_handler_t::replace));
      std::printf("%-20s %s\n", what.value("event", "").c_str(), data.c_str());
      std::fflush(stdout);
    }
  }
  return client.ended() ? fail("the server closed the connection.") : 0;
}

}  // namespace

Result<json, std::string> read_parameters(std::span<const std::string> words) {
  if (words.empty()) return json(nullptr);
  if (words.size() == 1 && words.front().starts_with("{")) {
    json params = json::parse(words.front(), nullptr, false);
    if (!params.is_object()) return unexpected(std::string("the parameters are no JSON object"));
    return params;
  }
  json params = json::object();
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      return unexpected("'" + word + "' is not understood; parameters look like name=value, or are one JSON object");
    const std::string text = word.substr(equals + 1);
    json value = json::parse(text, nullptr, false);
    params[word.substr(0, equals)] = value.is_discarded() ? json(text) : value;
  }
  return params;
}

int ctl(std::span<const std::string> arguments) {
  CommandFlags flags(arguments, {"control-socket", "timeout"}, {"json", "follow", "help"});
  const long patience = flags.number("timeout", 30, 1, 86400);
  if (flags.has("help") && flags.rest().empty()) {
    std::fputs(usage, stdout);
    return 0;
  }
  if (!flags.complaint().empty()) {
    std::fprintf(stderr, "sluice ctl: %s.\n%s", flags.complaint().c_str(), usage);
    return 2;
  }
  std::span<const std::string> words(flags.rest());
  auto client = ControlClient::connect(flags.text("control-socket"));
  if (!client) return fail(client.error());
  if (flags.has("follow")) return follow(*client, words, flags.has("json"));
  if (words.empty() || flags.has("help")) return describe(*client, words.empty() ? "" : words.front());
  const auto params = read_parameters(words.subspan(1));
  if (!params) {
    std::fprintf(stderr, "sluice ctl: %s.\n", params.error().c_str());
    return 2;
  }
  const auto result = client->call(words.front(), *params, std::chrono::seconds(patience));
  if (!result) {
    if (flags.has("json")) print({{"error", {{"code", result.error().code}, {"message", result.error().message}}}}, true);
    return fail(result.error().message);
  }
  print(*result, flags.has("json"));
  return 0;
}

}  // namespace sluice::cli
