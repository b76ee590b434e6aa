#include "control/cli/drain_command.hpp"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "control/cli/admin_client.hpp"

namespace sluice::cli {
namespace {

using nlohmann::json;

constexpr const char* usage =
    "usage: sluice drain [--worker K] [--deadline SECONDS] [--undo] [--admin URL] [--secret-file FILE]\n\n"
    "  --worker K          move all rooms of worker K to the others and give it no new ones; waits until it has none\n"
    "  --deadline SECONDS  whole server: end after this long though calls go on (without it: with the last peer)\n"
    "  --undo              take it back: worker K, or the server, is open again\n"
    "  --admin URL         of the server's admin API; default http://127.0.0.1:4000/admin\n"
    "  --secret-file FILE  holds adminApi.adminSecret; default: what SLUICE_ADMIN_SECRET says, if anything\n\n"
    "Without --worker nobody can join any more, calls go on, and the server ends with the last of them.\n";

struct Options {
  std::optional<unsigned> worker;
  std::optional<unsigned> deadline;
  bool undo = false;
  std::string admin = "http://127.0.0.1:4000/admin";
  std::string secret;
};

std::optional<unsigned> number(const std::string& text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

int wrong(const std::string& sentence) {
  std::fprintf(stderr, "sluice drain: %s\n%s", sentence.c_str(), usage);
  return 2;
}

/// Nothing: it was wrong, and has been said.
std::optional<Options> parse(std::span<const std::string> arguments, int& status) {
  Options options;
  if (const char* secret = std::getenv("SLUICE_ADMIN_SECRET")) options.secret = secret;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    if (name == "--help") {
      std::fputs(usage, stdout);
      status = 0;
      return std::nullopt;
    }
    if (name == "--undo") {
      options.undo = true;
      continue;
    }
    if (name != "--worker" && name != "--deadline" && name != "--admin" && name != "--secret-file") {
      status = wrong("there is no option '" + argument + "'.");
      return std::nullopt;
    }
    if (equals == std::string::npos && i + 1 == arguments.size()) {
      status = wrong(name + " needs a value.");
      return std::nullopt;
    }
    const std::string value = equals == std::string::npos ? arguments[++i] : argument.substr(equals + 1);
    if (name == "--admin") {
      options.admin = value;
    } else if (name == "--secret-file") {
      std::ifstream file(value);
      if (!std::getline(file, options.secret)) {
        status = wrong("the file " + value + " cannot be read or is empty.");
        return std::nullopt;
      }
    } else if (const auto parsed = number(value)) {
      (name == "--worker" ? options.worker : options.deadline) = parsed;
    } else {
      status = wrong(name + " takes a whole number, not '" + value + "'.");
      return std::nullopt;
    }
  }
  if (options.worker && options.deadline) {
    status = wrong("--deadline is for the whole server; a worker is emptied by moving its rooms.");
    return std::nullopt;
  }
  return options;
}

/// The answer's body, or nothing after saying what went wrong.
std::optional<json> ask(const AdminClient& client, const std::string& method, const std::string& path,
                        const json& body = nullptr) {
  const auto answer = client.call(method, path, body.is_null() ? "" : body.dump());
  if (!answer) {
    std::fprintf(stderr, "sluice drain: %s\n", answer.error().c_str());
    return std::nullopt;
  }
  json parsed = json::parse(answer->body, nullptr, false);
  if (answer->status < 300 && parsed.is_object()) return parsed;
  const std::string why = parsed.is_object() ? parsed.value("error", "") : "";
  const bool forbidden = answer->status == 401;
  std::fprintf(stderr, "sluice drain: the server refused (%d%s%s).%s\n", answer->status, why.empty() ? "" : ": ",
               why.c_str(), forbidden ? " Give its secret by SLUICE_ADMIN_SECRET or --secret-file." : "");
  return std::nullopt;
}

void rest() {
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
}

int drain_worker(const AdminClient& client, const Options& options) {
  const unsigned worker = *options.worker;
  if (!ask(client, "POST", "/workers/" + std::to_string(worker) + "/drain", {{"undo", options.undo}})) return 1;
  if (options.undo) {
    std::printf("worker %u takes rooms again\n", worker);
    return 0;
  }
  long told = -1;
  for (;;) {
    const auto list = ask(client, "GET", "/workers");
    if (!list) return 1;
    for (const json& entry : list->value("workers", json::array())) {
      if (entry.value("id", ~0U) != worker) continue;
      const long rooms = entry.value("rooms", 0L);
      const long transports = entry.value("transports", 0L);
      if (!entry.value("draining", false)) {
        std::fprintf(stderr, "sluice drain: somebody else took it back.\n");
        return 1;
      }
      if (rooms != told) std::printf("worker %u: %ld rooms left\n", worker, rooms);
      std::fflush(stdout);
      told = rooms;
      if (rooms == 0 && transports == 0) {
        std::printf("worker %u is empty\n", worker);
        return 0;
      }
    }
    rest();
  }
}

int drain_server(const AdminClient& client, const Options& options) {
  json body{{"undo", options.undo}};
  if (options.deadline) body["deadline"] = *options.deadline;
  const auto begun = ask(client, "POST", "/drain", body);
  if (!begun) return 1;
  if (options.undo) {
    std::puts("the server takes joins again");
    return 0;
  }
  long told = -1;
  for (;;) {
    const auto answer = client.call("GET", "/drain");
    if (!answer) {
      std::puts("the server has ended");
      return 0;
    }
    const json state = json::parse(answer->body, nullptr, false);
    // In its last moments it closes connections without an answer.
    if (!state.is_object()) {
      rest();
      continue;
    }
    const long peers = state.value("peers", 0L);
    if (!state.value("draining", false) && peers > 0 && !state.value("ending", false)) {
      std::fprintf(stderr, "sluice drain: somebody else took it back.\n");
      return 1;
    }
    if (peers != told) std::printf("%ld peers in %ld rooms are still there\n", peers, state.value("rooms", 0L));
    std::fflush(stdout);
    told = peers;
    rest();
  }
}

}  // namespace

int drain(std::span<const std::string> arguments) {
  int status = 2;
  const auto options = parse(arguments, status);
  if (!options) return status;
  const auto client = AdminClient::at(options->admin, options->secret);
  if (!client) return wrong("'" + options->admin + "' is not a URL like http://127.0.0.1:4000/admin.");
  return options->worker ? drain_worker(*client, *options) : drain_server(*client, *options);
}

}  // namespace sluice::cli
