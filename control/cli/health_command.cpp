#include "control/cli/health_command.hpp"

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "control/cli/admin_client.hpp"
#include "control/cli/flags.hpp"

namespace sluice::cli {

using nlohmann::json;

namespace {

constexpr const char* usage =
    "usage: sluice health [URL] [--secret SECRET]\n\n"
    "  URL              default http://localhost:4000/admin/health\n"
    "  --secret SECRET  of the admin API; default: what SLUICE_ADMIN_SECRET says, if anything\n";

std::string shown(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

int fail(const std::string& url, const std::string& what) {
  std::fprintf(stderr, "✗ %s\n  %s\n", url.c_str(), what.c_str());
  return 1;
}

}  // namespace

int health(std::span<const std::string> arguments) {
  const CommandFlags flags(arguments, {"secret"}, {"help"});
  if (flags.has("help")) {
    std::fputs(usage, stdout);
    return 0;
  }
  if (!flags.complaint().empty() || flags.rest().size() > 1) {
    std::fprintf(stderr, "sluice health: %s.\n%s", flags.complaint().empty() ? "one URL at most" : flags.complaint().c_str(),
                 usage);
    return 2;
  }
  const std::string url = flags.rest().empty() ? "http://localhost:4000/admin/health" : flags.rest().front();
  const char* known = std::getenv("SLUICE_ADMIN_SECRET");
  const auto client = AdminClient::at(url, flags.text("secret", known == nullptr ? "" : known), std::chrono::seconds(5));
  if (!client) return fail(url, "That is no URL like http://localhost:4000/admin/health (https ends at a proxy).");
  const auto answer = client->call("GET", "");
  if (!answer) return fail(url, answer.error());
  if (answer->status == 401) return fail(url, "Unauthorized: give the admin API's secret by --secret.");
  if (answer->status != 200) return fail(url, "The server answers with status " + std::to_string(answer->status) + ".");
  std::printf("✓ %s\n", url.c_str());
  const json body = json::parse(answer->body, nullptr, false);
  if (!body.is_object()) {
    std::puts("  status: 200");
    return 0;
  }
  for (const char* name : {"status", "rooms", "peers", "uptime"}) {
    if (const auto found = body.find(name); found != body.end()) std::printf("  %s: %s\n", name, shown(*found).c_str());
  }
  if (const auto problems = body.find("problems"); problems != body.end() && problems->is_array()) {
    for (const json& one : *problems) {
      if (one.is_object()) std::printf("  ! %s\n", shown(one.value("problem", json("?"))).c_str());
    }
  }
  return 0;
}

}  // namespace sluice::cli
