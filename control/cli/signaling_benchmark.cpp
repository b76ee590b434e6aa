#include "control/cli/signaling_benchmark.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <memory>
#include <numeric>
#include <optional>

#include "control/cli/flags.hpp"
#include "control/cli/websocket_client.hpp"
#include "shm/descriptors/descriptor.hpp"

namespace sluice::cli {

using nlohmann::json;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

constexpr const char* usage =
    "usage: sluice benchmark [--peers 50] [--rooms 5] [--duration 30] [--url ws://localhost:3000] [--report FILE]\n"
    "       sluice benchmark --media ...   streams instead: see 'sluice benchmark --media --help'\n\n"
    "Connects peers room by room, lets them broadcast and offer for a while, and measures joins and relaying.\n"
    "  --peers N       clients in all\n"
    "  --rooms N       rooms they are spread over\n"
    "  --duration S    seconds of messages\n"
    "  --url URL       where the server's signaling is\n"
    "  --report FILE   also write the figures as JSON\n";

constexpr milliseconds connect_limit{10'000};
constexpr milliseconds round{500};

struct Plan {
  HostUrl url;
  std::string url_text;
  long peers = 50;
  long rooms = 5;
  long duration_s = 30;
};

struct Peer {
  Peer(const HostUrl& url, std::uint32_t mask) : socket(url, mask) {}
  WebSocketClient socket;
  Descriptor fd;
  long room = 0;
  std::string id;
  bool asked = false;  // join was sent
  bool joined = false;
  Clock::time_point began = Clock::now();
};

struct Figures {
  std::vector<double> join_ms;
  std::vector<double> relay_ms;
  std::uint64_t connected = 0;
  std::uint64_t connect_errors = 0;
  std::uint64_t messages = 0;
  std::uint64_t offers = 0;
  std::uint64_t errors = 0;
};

double ms_since(Clock::time_point then) {
  return std::chrono::duration<double, std::milli>(Clock::now() - then).count();
}

struct Addresses {
  addrinfo* list = nullptr;
  ~Addresses() {
    if (list != nullptr) ::freeaddrinfo(list);
  }
};

class Run {
 public:
  explicit Run(Plan plan) : plan_(std::move(plan)) {}

  bool resolve() {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    return ::getaddrinfo(plan_.url.host.c_str(), plan_.url.port.c_str(), &hints, &addresses_.list) == 0;
  }

  void connect_all() {
    const long per_room = (plan_.peers + plan_.rooms - 1) / plan_.rooms;
    for (long room = 0; room < plan_.rooms; ++room) {
      const std::size_t first = peers_.size();
      for (long i = 0; i < per_room && static_cast<long>(peers_.size()) < plan_.peers; ++i) open(room);
      const auto limit = Clock::now() + connect_limit;
      const auto waiting = [&] {
        return std::any_of(peers_.begin() + static_cast<std::ptrdiff_t>(first), peers_.end(),
                           [](const auto& peer) { return !peer->joined && !peer->socket.is_over(); });
      };
      while (waiting() && Clock::now() < limit) turn(limit);
      for (std::size_t i = first; i < peers_.size(); ++i) ++(peers_[i]->joined ? figures.connected : figures.connect_errors);
    }
  }

  void exchange() {
    const auto end = Clock::now() + std::chrono::seconds(plan_.duration_s);
    auto next = Clock::now();
    while (Clock::now() < end) {
      if (Clock::now() >= next) {
        send_round();
        next += round;
      }
      turn(std::min(end, next));
    }
    // What is still on its way counts.
    const auto rest = Clock::now() + milliseconds(200);
    while (Clock::now() < rest) turn(rest);
  }

  void disconnect() {
    for (const auto& peer : peers_) peer->socket.close();
    turn(Clock::now() + milliseconds(50));
  }

  Figures figures;

 private:
  void open(long room) {
    auto peer = std::make_unique<Peer>(plan_.url, static_cast<std::uint32_t>(0x9E3779B9U * (peers_.size() + 1)));
    peer->room = room;
    for (const addrinfo* at = addresses_.list; at != nullptr && !peer->fd.valid(); at = at->ai_next) {
      Descriptor socket(::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol));
      // Blocking: a refused connection is known at once, and loopback or a near network is what is measured.
      if (socket.valid() && ::connect(socket.get(), at->ai_addr, at->ai_addrlen) == 0) {
        (void)::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
        peer->fd = std::move(socket);
      }
    }
    if (!peer->fd.valid()) {
      ++figures.connect_errors;
      return;
    }
    peers_.push_back(std::move(peer));
  }

  void turn(Clock::time_point until) {
    std::vector<pollfd> watched;
    for (const auto& peer : peers_) {
      write_out(*peer);
      const short events = static_cast<short>(POLLIN | (peer->socket.output().empty() ? 0 : POLLOUT));
      watched.push_back({peer->socket.is_over() ? -1 : peer->fd.get(), events, 0});
    }
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now()).count();
    if (::poll(watched.data(), watched.size(), static_cast<int>(std::clamp<long>(left, 0, 1000))) <= 0) return;
    for (std::size_t i = 0; i < watched.size(); ++i) {
      if ((watched[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) read_in(*peers_[i]);
    }
  }

  static void write_out(Peer& peer) {
    std::string& output = peer.socket.output();
    while (!output.empty()) {
      const ssize_t sent = ::send(peer.fd.get(), output.data(), output.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      output.erase(0, static_cast<std::size_t>(sent));
    }
  }

  void read_in(Peer& peer) {
    std::array<std::byte, 65536> bytes{};
    const ssize_t size = ::recv(peer.fd.get(), bytes.data(), bytes.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) {
      if (!peer.socket.is_over()) ++figures.errors;
      peer.socket = WebSocketClient(plan_.url, 0);
      peer.fd = {};
      return;
    }
    peer.socket.receive(Bytes(bytes.data(), static_cast<std::size_t>(size)));
    while (const auto text = peer.socket.next_message()) handle(peer, json::parse(*text, nullptr, false));
  }

  void handle(Peer& peer, const json& message) {
    if (!message.is_object()) return;
    const std::string type = message.value("type", "");
    if (type == "connected") {
      peer.id = message.value("peerId", "");
      peer.socket.send(json{{"type", "join"},
                            {"roomId", "bench-room-" + std::to_string(peer.room)},
                            {"metadata", {{"displayName", "bench-" + peer.id.substr(0, 8)}}}}
                           .dump());
    } else if (type == "room:joined") {
      peer.joined = true;
      figures.join_ms.push_back(ms_since(peer.began));
    } else if (type == "data") {
      ++figures.messages;
      const json payload = message.value("payload", json());
      if (payload.is_object() && payload.contains("ts") && payload["ts"].is_number())
        figures.relay_ms.push_back(now_ms() - payload["ts"].get<double>());
    } else if (type == "error") {
      ++figures.errors;
    }
  }

  /// Of this process's steady clock: sender and receiver are the same process.
  static double now_ms() { return std::chrono::duration<double, std::milli>(Clock::now().time_since_epoch()).count(); }

  void send_round() {
    std::vector<std::vector<Peer*>> rooms(static_cast<std::size_t>(plan_.rooms));
    for (const auto& peer : peers_) {
      if (peer->joined && peer->fd.valid()) rooms[static_cast<std::size_t>(peer->room)].push_back(peer.get());
    }
    for (const auto& members : rooms) {
      if (members.size() < 2) continue;
      for (Peer* peer : members)
        peer->socket.send(json{{"type", "data"}, {"payload", {{"ts", now_ms()}, {"from", peer->id}}}}.dump());
      members[0]->socket.send(json{{"type", "offer"}, {"target", members[1]->id}, {"sdp", "v=0 benchmark"}}.dump());
      ++figures.offers;
    }
  }

  Plan plan_;
  Addresses addresses_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

std::string percent(double share, int digits) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f%%", digits, 100 * share);
  return text.data();
}

std::string iso_now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S.000Z", &parts);
  return text.data();
}

json report(const Plan& plan, const Figures& figures) {
  const double tried = static_cast<double>(figures.connected + figures.connect_errors);
  const std::uint64_t errors = figures.errors + figures.connect_errors;
  const double all = static_cast<double>(figures.messages + figures.offers) + tried;
  return {
      {"timestamp", iso_now()},
      {"config",
       {{"url", plan.url_text}, {"totalPeers", plan.peers}, {"numRooms", plan.rooms}, {"durationSec", plan.duration_s}}},
      {"results",
       {{"connected", figures.connected},
        {"connectErrors", figures.connect_errors},
        {"connectRate", percent(tried > 0 ? static_cast<double>(figures.connected) / tried : 0, 0)},
        {"joinLatency", latency_json(figures.join_ms)},
        {"messagesTotal", figures.messages},
        {"offersSent", figures.offers},
        {"msgPerSec", std::round(10 * static_cast<double>(figures.messages) / static_cast<double>(plan.duration_s)) / 10},
        {"relayLatency", latency_json(figures.relay_ms)},
        {"totalErrors", errors},
        {"errorRate", percent(all > 0 ? static_cast<double>(errors) / all : 0, 2)}}}};
}

void print(const json& results) {
  const auto latency = [](const char* name, const json& of) {
    std::printf("  %-16s p50 %.2f ms, p95 %.2f ms, p99 %.2f ms\n", name, of["p50"].get<double>(), of["p95"].get<double>(),
                of["p99"].get<double>());
  };
  std::printf("  %-16s %lu (%s)\n", "connected", results["connected"].get<unsigned long>(),
              results["connectRate"].get<std::string>().c_str());
  latency("join latency", results["joinLatency"]);
  std::printf("  %-16s %lu, %.1f per second\n", "messages", results["messagesTotal"].get<unsigned long>(),
              results["msgPerSec"].get<double>());
  latency("relay latency", results["relayLatency"]);
  std::printf("  %-16s %lu\n", "offers", results["offersSent"].get<unsigned long>());
  std::printf("  %-16s %lu (%s)\n", "errors", results["totalErrors"].get<unsigned long>(),
              results["errorRate"].get<std::string>().c_str());
}

}  // namespace

json latency_json(std::vector<double> samples) {
  if (samples.empty()) return {{"p50", 0}, {"p95", 0}, {"p99", 0}, {"min", 0}, {"max", 0}, {"avg", 0}};
  std::sort(samples.begin(), samples.end());
  const auto rounded = [](double value) { return std::round(100 * value) / 100; };
  const auto percentile = [&](double p) {
    const double rank = std::ceil(static_cast<double>(samples.size()) * p / 100);
    return rounded(samples[static_cast<std::size_t>(std::max(rank, 1.0)) - 1]);
  };
  const double sum = std::accumulate(samples.begin(), samples.end(), 0.0);
  return {{"p50", percentile(50)},          {"p95", percentile(95)},
          {"p99", percentile(99)},          {"min", rounded(samples.front())},
          {"max", rounded(samples.back())}, {"avg", rounded(sum / static_cast<double>(samples.size()))}};
}

int signaling_benchmark(std::span<const std::string> arguments) {
  const CommandFlags flags(arguments, {"peers", "rooms", "duration", "url", "report"}, {"help"});
  if (flags.has("help")) {
    std::fputs(usage, stdout);
    return 0;
  }
  Plan plan;
  plan.peers = 50;
  plan.url_text = flags.text("url", "ws://localhost:3000");
  CommandFlags counted = flags;
  plan.peers = counted.number("peers", 50, 1, 50'000);
  plan.rooms = counted.number("rooms", 5, 1, 50'000);
  plan.duration_s = counted.number("duration", 30, 1, 86'400);
  const auto url = parse_host_url("ws://", plan.url_text);
  if (!counted.complaint().empty() || !flags.rest().empty() || !url) {
    std::fprintf(stderr, "sluice benchmark: %s.\n%s",
                 !counted.complaint().empty() ? counted.complaint().c_str()
                 : !url                       ? "the URL looks like ws://localhost:3000"
                                              : "there is a word too many",
                 usage);
    return 2;
  }
  plan.url = *url;
  Run run(plan);
  if (!run.resolve()) {
    std::fprintf(stderr, "sluice benchmark: there is no host %s.\n", plan.url.host.c_str());
    return 1;
  }
  std::printf("%ld peers in %ld rooms for %ld s at %s\n", plan.peers, plan.rooms, plan.duration_s, plan.url_text.c_str());
  run.connect_all();
  if (run.figures.connected == 0) {
    std::fprintf(stderr, "sluice benchmark: nobody could connect; is a server running there?\n");
    return 1;
  }
  run.exchange();
  run.disconnect();
  const json result = report(plan, run.figures);
  print(result["results"]);
  if (!flags.has("report")) return 0;
  std::ofstream file(flags.text("report"));
  file << result.dump(2) << '\n';
  if (file.flush()) return 0;
  std::fprintf(stderr, "sluice benchmark: the report cannot be written.\n");
  return 1;
}

}  // namespace sluice::cli
