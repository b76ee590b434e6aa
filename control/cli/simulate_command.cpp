#include "control/cli/simulate_command.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <vector>

#include "control/cli/control_client.hpp"
#include "control/cli/flags.hpp"

namespace sluice::cli {

using nlohmann::json;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

namespace {

constexpr const char* usage =
    "usage: sluice simulate [--processes 2] [--port 3000] [--rooms 0]\n\n"
    "  --processes N  servers, on ports PORT, PORT+1, ...\n"
    "  --port PORT    of the first one's signaling\n"
    "  --rooms N      rooms room-0, room-1, ... made in each before anybody comes\n"
    "  --redis URL    not in this version: servers do not know each other\n";
constexpr auto restart_pause = 2s;
constexpr auto patience_at_end = 1200ms;  // all is to be over within 1.5 s
constexpr long media_port_first = 42000;
constexpr long media_ports_each = 2;

volatile std::sig_atomic_t stopping = 0;
void stop(int) {
  stopping = 1;
}

/// One `sluice serve`.
struct Server {
  long number = 0;
  long port = 0;
  std::string socket;
  pid_t pid = -1;
  std::optional<Clock::time_point> start_at;
  std::optional<ControlClient> client;
};

class Simulation {
 public:
  Simulation(long processes, long port, long rooms, std::filesystem::path folder)
      : rooms_(rooms), folder_(std::move(folder)), servers_(static_cast<std::size_t>(processes)) {
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      servers_[i].number = static_cast<long>(i);
      servers_[i].port = port + static_cast<long>(i);
      servers_[i].socket = (folder_ / (std::to_string(i) + ".sock")).string();
      servers_[i].start_at = Clock::now();
    }
  }

  void run() {
    while (stopping == 0) {
      for (Server& server : servers_) {
        reap(server);
        if (server.start_at && Clock::now() >= *server.start_at) start(server);
        attend(server);
      }
      std::this_thread::sleep_for(20ms);
    }
    end();
  }

 private:
  void start(Server& server) {
    server.start_at.reset();
    std::vector<std::string> words{"sluice",
                                   "serve",
                                   "--signaling.host=127.0.0.1",
                                   "--signaling.port=" + std::to_string(server.port),
                                   "--signaling.reconnectTtl=15000",
                                   "--signaling.autoCreateRooms=true",
                                   "--signaling.autoDestroyRooms=true",
                                   "--adminApi=false",
                                   "--governance=false",
                                   "--workers.count=1",
                                   "--media.listen=127.0.0.1",
                                   "--media.announced_ip=127.0.0.1",
                                   "--media.port=" + std::to_string(media_port_first + media_ports_each * server.number),
                                   "--control-socket=" + server.socket};
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    std::error_code error;
    const std::string program = std::filesystem::read_symlink("/proc/self/exe", error).string();
    const std::string log = (folder_ / (std::to_string(server.number) + ".log")).string();
    const pid_t pid = ::fork();
    if (pid == 0) {
      const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
      (void)::dup2(out, STDOUT_FILENO);
      (void)::dup2(out, STDERR_FILENO);
      (void)::setpgid(0, 0);  // Ctrl-C goes to us alone, who end them in order
      ::execv(program.c_str(), pointers.data());
      ::_exit(127);
    }
    server.pid = pid;
  }

  void reap(Server& server) {
    int status = 0;
    if (server.pid <= 0 || ::waitpid(server.pid, &status, WNOHANG) != server.pid) return;
    server.pid = -1;
    server.client.reset();
    server.start_at = Clock::now() + restart_pause;
    std::printf("[%ld] ended, starts again in 2 s; its log: %s\n", server.number,
                (folder_ / (std::to_string(server.number) + ".log")).c_str());
    std::fflush(stdout);
  }

  /// Says that it is ready, makes its rooms, tells of joins.
  void attend(Server& server) {
    if (server.pid <= 0) return;
    if (!server.client) {
      auto client = ControlClient::connect(server.socket);
      if (!client) return;
      const auto subscribed = client->call("events.subscribe", {{"events", {"peer:joined"}}}, 3s);
      if (!subscribed) return;
      for (long i = 0; i < rooms_; ++i) {
        const std::string name = std::to_string(i);
        (void)client->call("rooms.create", {{"roomId", "room-" + name}, {"metadata", {{"topic", "Room " + name}}}}, 3s);
      }
      std::printf("[%ld] ready at ws://127.0.0.1:%ld\n", server.number, server.port);
      std::fflush(stdout);
      server.client = std::move(*client);
      return;
    }
    while (const auto message = server.client->next(0ms)) {
      const json data = message->value("params", json::object()).value("data", json::object());
      std::printf("[%ld] %s joined %s\n", server.number, data.value("peer", json::object()).value("id", "").c_str(),
                  data.value("roomId", json()).dump().c_str());
      std::fflush(stdout);
    }
    if (server.client->ended()) server.client.reset();
  }

  void end() {
    const auto signal_all = [&](int number) {
      for (const Server& server : servers_) {
        if (server.pid > 0) (void)::kill(server.pid, number);
      }
    };
    const auto any_left = [&] {
      bool left = false;
      for (Server& server : servers_) {
        if (server.pid > 0 && ::waitpid(server.pid, nullptr, WNOHANG) == server.pid) server.pid = -1;
        left = left || server.pid > 0;
      }
      return left;
    };
    for (Server& server : servers_) server.client.reset();
    signal_all(SIGTERM);
    const auto limit = Clock::now() + patience_at_end;
    while (any_left() && Clock::now() < limit) std::this_thread::sleep_for(10ms);
    signal_all(SIGTERM);  // asked twice, a server kills what is left of it
    while (any_left() && Clock::now() < limit + 2s) std::this_thread::sleep_for(10ms);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
    std::puts("all servers have ended");
  }

  long rooms_;
  std::filesystem::path folder_;
  std::vector<Server> servers_;
};

}  // namespace

int simulate(std::span<const std::string> arguments) {
  CommandFlags flags(arguments, {"processes", "port", "redis", "rooms"}, {"help"});
  if (flags.has("help")) {
    std::fputs(usage, stdout);
    return 0;
  }
  const long processes = flags.number("processes", 2, 1, 32);
  const long port = flags.number("port", 3000, 1, 65535 - 32);
  const long rooms = flags.number("rooms", 0, 0, 10000);
  if (!flags.complaint().empty() || !flags.rest().empty()) {
    std::fprintf(stderr, "sluice simulate: %s.\n%s",
                 flags.complaint().empty() ? "there is a word too many" : flags.complaint().c_str(), usage);
    return 2;
  }
  if (flags.has("redis"))
    std::fprintf(stderr,
                 "sluice simulate: several nodes over Redis are not in this version; the servers run side by side.\n");
  std::string name = (std::filesystem::temp_directory_path() / "sluice-simulate-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    std::fprintf(stderr, "sluice simulate: no folder can be made in the temporary folder.\n");
    return 1;
  }
  struct sigaction action {};
  action.sa_handler = stop;
  (void)::sigaction(SIGINT, &action, nullptr);
  (void)::sigaction(SIGTERM, &action, nullptr);
  std::printf("%ld servers, ports %ld to %ld, %ld rooms each; Ctrl-C ends them\n", processes, port, port + processes - 1,
              rooms);
  std::fflush(stdout);
  Simulation(processes, port, rooms, name).run();
  return 0;
}

}  // namespace sluice::cli
