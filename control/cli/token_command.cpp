#include "control/cli/token_command.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "control/cli/flags.hpp"
#include "control/policy/policy_token.hpp"
#include "control/policy/room_token.hpp"
#include "control/policy/turn/turn_credentials.hpp"

namespace sluice::cli {

using nlohmann::json;

namespace {

constexpr const char* usage =
    "usage: sluice token policy --sub ID [--room ROOM] [--role ROLE] [--caps LIST] [--expires 1h] [--region R] [--tenant "
    "T] [--max-peers N]\n"
    "       sluice token room --room ROOM --sub ID [--no-publish] [--no-subscribe] [--meta JSON] [--expires 24h]\n"
    "       sluice token turn --urls LIST [--user ID] [--expires 24h]\n\n"
    "Prints a token as the server with the same secret takes it.\n"
    "  policy  for metadata.policyToken; secret: policyEngine.secret (SLUICE_POLICYENGINE_SECRET)\n"
    "  room    for metadata.token; secret: signaling.apiSecret (SLUICE_SIGNALING_APISECRET)\n"
    "  turn    an RTCIceServer as JSON; secret: signaling.turn.secret (SLUICE_SIGNALING_TURN_SECRET)\n\n"
    "  --secret S, --secret-file FILE   else the variable named above\n"
    "  --expires    30s, 15m, 1h, 7d, or seconds; 0: never (room only)\n"
    "  --caps       publish,subscribe,kick,record,moderate,data,admin; default subscribe,data\n";

int wrong(const std::string& sentence) {
  std::fprintf(stderr, "sluice token: %s\n%s", sentence.c_str(), usage);
  return 2;
}

std::vector<std::string> list(const std::string& text) {
  std::vector<std::string> items;
  std::size_t at = 0;
  while (at <= text.size()) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    if (end > at) items.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return items;
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Nothing: it cannot be read, or there is none.
std::optional<std::string> secret_of(const CommandFlags& flags, const char* variable) {
  if (flags.has("secret")) return flags.text("secret");
  if (flags.has("secret-file")) {
    std::ifstream file(flags.text("secret-file"));
    std::string line;
    if (!std::getline(file, line) || line.empty()) return std::nullopt;
    return line;
  }
  const char* known = std::getenv(variable);
  return known == nullptr || *known == '\0' ? std::nullopt : std::optional<std::string>(known);
}

/// Prints what was made, or says why not.
int told(const Result<std::string, std::string>& made) {
  if (!made) return wrong(made.error());
  std::puts(made->c_str());
  return 0;
}

int policy(CommandFlags& flags, const std::string& secret, std::int64_t expires_s) {
  PolicyRequest request;
  request.subject = flags.text("sub");
  request.room = flags.text("room", "*");
  request.role = flags.text("role", "viewer");
  if (flags.has("caps")) request.capabilities = list(flags.text("caps"));
  request.expires_in = expires_s * 1000;
  if (flags.has("region")) request.region = flags.text("region");
  if (flags.has("tenant")) request.tenant = flags.text("tenant");
  if (flags.has("max-peers")) request.max_peers = static_cast<std::size_t>(flags.number("max-peers", 1, 1, 10000));
  if (!flags.complaint().empty()) return wrong(flags.complaint() + ".");
  PolicyTokenOptions options;
  options.secret = secret;
  options.default_capabilities.add(Capability::subscribe);
  options.default_capabilities.add(Capability::data);
  return told(issue_policy_token(request, options, now_ms()));
}

int room(const CommandFlags& flags, const std::string& secret, std::int64_t expires_s) {
  RoomTokenRequest request;
  request.room = flags.text("room");
  request.subject = flags.text("sub");
  request.can_publish = !flags.has("no-publish");
  request.can_subscribe = !flags.has("no-subscribe");
  request.expires_in = expires_s == 0 ? std::nullopt : std::optional(expires_s);
  if (flags.has("meta")) {
    const json meta = json::parse(flags.text("meta"), nullptr, false);
    if (!meta.is_object()) return wrong("--meta takes a JSON object.");
    for (const auto& [key, value] : meta.items()) request.metadata.set(key, value.dump());
  }
  return told(issue_room_token(request, secret, now_ms() / 1000));
}

int turn(const CommandFlags& flags, const std::string& secret, std::int64_t expires_s) {
  TurnOptions options;
  options.urls = list(flags.text("urls"));
  options.secrets = {secret};
  options.ttl = std::chrono::seconds(expires_s);
  if (!options.usable()) return wrong("--urls names the TURN servers, such as turn:turn.example.org:3478.");
  const std::string servers =
      TurnCredentials(options).ice_servers(flags.text("user", "sluice"), now_ms() / 1000, TurnCredentials::WithTtl::yes);
  const json parsed = json::parse(servers, nullptr, false);
  if (!parsed.is_array() || parsed.empty()) return wrong("the credentials cannot be made.");
  std::puts(parsed[0].dump().c_str());
  return 0;
}

}  // namespace

int token(std::span<const std::string> arguments) {
  CommandFlags flags(arguments,
                     {"secret", "secret-file", "sub", "room", "role", "caps", "expires", "region", "tenant", "max-peers",
                      "meta", "urls", "user"},
                     {"help", "no-publish", "no-subscribe"});
  if (flags.has("help")) {
    std::fputs(usage, stdout);
    return 0;
  }
  if (!flags.complaint().empty()) return wrong(flags.complaint() + ".");
  if (flags.rest().size() != 1) return wrong("name one kind: policy, room or turn.");
  const std::string& kind = flags.rest().front();
  const bool is_policy = kind == "policy";
  if (!is_policy && kind != "room" && kind != "turn") return wrong("there are policy, room and turn, not '" + kind + "'.");
  const char* variable = is_policy        ? "SLUICE_POLICYENGINE_SECRET"
                         : kind == "room" ? "SLUICE_SIGNALING_APISECRET"
                                          : "SLUICE_SIGNALING_TURN_SECRET";
  const auto secret = secret_of(flags, variable);
  if (!secret) return wrong(std::string("give the server's secret by --secret, --secret-file or ") + variable + ".");
  const std::string lifetime = flags.text("expires", is_policy ? "1h" : "24h");
  const auto expires = parse_token_duration(lifetime);
  if (!expires || *expires < 0 || (*expires == 0 && kind != "room"))
    return wrong("--expires takes 30s, 15m, 1h, 7d or seconds.");
  if (is_policy) return policy(flags, *secret, *expires);
  return kind == "room" ? room(flags, *secret, *expires) : turn(flags, *secret, *expires);
}

}  // namespace sluice::cli
