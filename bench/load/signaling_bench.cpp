// uses: shm_types
// A load of WebSocket clients on one thread that speak as much of the native protocol as a relay needs: join, data. It costs
// far less than what it measures. Prints one JSON line; bench/load/signaling.mjs runs it against this server and against a
// relay on npm's `ws`, and shows both. Usage: signaling_bench PORT PID PEERS ROOM_SIZE SECONDS RATE PAYLOAD
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

double seconds() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}
std::uint64_t nanoseconds() {
  return static_cast<std::uint64_t>(seconds() * 1e9);
}

/// User and system time of a process so far.
double cpu_seconds(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::istringstream rest(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) rest >> skipped;
  double user = 0;
  double system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}
double resident_bytes(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  double total = 0;
  double resident = 0;
  file >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

class Load;

struct Client {
  int fd = -1;
  bool upgraded = false;
  bool joined = false;
  std::size_t room = 0;
  std::string in;
  std::string out;
  std::uint32_t outstanding = 0;  // own messages that the witness of its room has not got yet
};

class Load {
 public:
  Load(std::uint16_t port, std::size_t peers, std::size_t room_size, std::size_t payload)
      : port_(port), room_size_(room_size), epoll_(epoll_create1(0)), padding_(payload, 'p') {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    clients_.resize(peers);
  }

  /// Connects and joins everybody, at most `at_once` under way; seconds that it took.
  double join_all(std::size_t at_once) {
    const double begin = seconds();
    std::size_t started = 0;
    while (joined_ < clients_.size()) {
      while (started < clients_.size() && started - joined_ < at_once) connect(started++);
      turn(100);
      if (seconds() - begin > 120) fail("not everybody joined in two minutes");
    }
    return seconds() - begin;
  }

  /// Every client keeps `window` messages under way.
  void backlog(double duration, std::uint32_t window) {
    window_ = window;
    const double end = seconds() + duration;
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      for (std::uint32_t n = 0; n < window; ++n) send_data(i);
    }
    while (seconds() < end) turn(10);
    window_ = 0;
    drain();
  }

  /// `rate` messages a second in all, evenly.
  void spaced(double duration, double rate) {
    latencies_.clear();
    timed_ = true;
    const double begin = seconds();
    double sent = 0;
    while (seconds() - begin < duration) {
      while (sent < (seconds() - begin) * rate) {
        send_data(static_cast<std::size_t>(sent) % clients_.size());
        ++sent;
      }
      turn(1);
    }
    drain();
    timed_ = false;
  }

  void idle(double duration) {
    const double end = seconds() + duration;
    while (seconds() < end) turn(20);
  }

  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }
  [[nodiscard]] double percentile(double p) {
    if (latencies_.empty()) return 0;
    std::sort(latencies_.begin(), latencies_.end());
    return static_cast<double>(latencies_[static_cast<std::size_t>(p * static_cast<double>(latencies_.size() - 1))]) * 1e-6;
  }

 private:
  [[noreturn]] static void fail(const char* what) {
    std::fprintf(stderr, "%s\n", what);
    std::exit(1);
  }

  void connect(std::size_t index) {
    Client& client = clients_[index];
    client.room = index / room_size_;
    client.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client.fd < 0) fail("no more descriptors: raise 'ulimit -n'");
    const int one = 1;
    setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::connect(client.fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
    client.out =
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.u64 = index;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, client.fd, &event);
  }

  void frame(Client& client, int first, std::string_view payload) {
    client.out += static_cast<char>(first);
    if (payload.size() < 126) {
      client.out += static_cast<char>(0x80 | payload.size());
    } else {
      client.out += static_cast<char>(0x80 | 126);
      client.out += static_cast<char>(payload.size() >> 8U);
      client.out += static_cast<char>(payload.size() & 0xFFU);
    }
    client.out.append(4, '\0');  // a mask of zeroes: the payload as it is
    client.out += payload;
  }

  void send_data(std::size_t index) {
    Client& client = clients_[index];
    ++client.outstanding;
    frame(client, 0x81,
          R"({"type":"data","payload":{"i":)" + std::to_string(index) + R"(,"t":)" + std::to_string(nanoseconds()) +
              R"(,"p":")" + padding_ + R"("}})");
    dirty_.push_back(index);
  }

  static void flush(Client& client) {
    while (!client.out.empty()) {
      const ssize_t sent = ::send(client.fd, client.out.data(), client.out.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      client.out.erase(0, static_cast<std::size_t>(sent));
    }
  }

  void turn(int wait_ms) {
    for (const std::size_t index : std::exchange(dirty_, {})) flush(clients_[index]);
    std::array<epoll_event, 512> events{};
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait_ms);
    for (int i = 0; i < count; ++i) {
      const auto index = static_cast<std::size_t>(events[static_cast<std::size_t>(i)].data.u64);
      if ((events[static_cast<std::size_t>(i)].events & EPOLLOUT) != 0) flush(clients_[index]);
      if ((events[static_cast<std::size_t>(i)].events & EPOLLIN) != 0) read(index);
    }
  }

  void read(std::size_t index) {
    Client& client = clients_[index];
    std::array<char, 65536> buffer{};
    for (;;) {
      const ssize_t got = recv(client.fd, buffer.data(), buffer.size(), 0);
      if (got == 0) fail("the server closed a connection");
      if (got < 0) break;
      client.in.append(buffer.data(), static_cast<std::size_t>(got));
    }
    if (!client.upgraded) {
      const std::size_t end = client.in.find("\r\n\r\n");
      if (end == std::string::npos) return;
      if (client.in.find(" 101 ") == std::string::npos) fail("an upgrade was refused");
      client.in.erase(0, end + 4);
      client.upgraded = true;
      frame(client, 0x81, R"({"type":"join","roomId":"bench-)" + std::to_string(client.room) + R"(","metadata":{}})");
      flush(client);
    }
    std::size_t at = 0;
    while (client.in.size() - at >= 2) {
      const auto byte = [&](std::size_t i) {
        return static_cast<std::size_t>(static_cast<unsigned char>(client.in[at + i]));
      };
      std::size_t size = byte(1) & 0x7FU;
      std::size_t head = 2;
      if (size >= 126) {
        head = size == 126 ? 4 : 10;
        if (client.in.size() - at < head) break;
        size = 0;
        for (std::size_t i = 2; i < head; ++i) size = size << 8U | byte(i);
      }
      if (client.in.size() - at < head + size) break;
      const std::string_view payload = std::string_view(client.in).substr(at + head, size);
      if ((byte(0) & 0x0FU) == 9) {
        frame(client, 0x8A, payload);
        flush(client);
      } else {
        message(index, payload);
      }
      at += head + size;
    }
    client.in.erase(0, at);
  }

  static std::uint64_t number_after(std::string_view text, std::string_view mark) {
    const std::size_t at = text.find(mark);
    return at == std::string_view::npos ? 0 : std::strtoull(text.data() + at + mark.size(), nullptr, 10);
  }

  void message(std::size_t index, std::string_view text) {
    Client& client = clients_[index];
    if (!client.joined) {
      if (text.find("\"room:joined\"") == std::string_view::npos) return;
      client.joined = true;
      ++joined_;
      return;
    }
    const std::size_t mark = text.find("\"payload\":{\"i\":");
    if (mark == std::string_view::npos) return;
    ++delivered_;
    if (timed_) latencies_.push_back(nanoseconds() - number_after(text, "\"t\":"));
    const auto sender = static_cast<std::size_t>(number_after(text, "\"i\":"));
    // The next one in the room is the witness: by what it gets the sender goes on.
    const std::size_t first = clients_[sender].room * room_size_;
    const std::size_t members = std::min(room_size_, clients_.size() - first);
    if (first + (sender - first + 1) % members != index) return;
    --clients_[sender].outstanding;
    if (clients_[sender].outstanding < window_) send_data(sender);
  }

  void drain() {
    const double limit = seconds() + 10;
    std::uint64_t before = 0;
    do {
      before = delivered_;
      turn(50);
      turn(50);
      turn(50);
    } while (delivered_ != before && seconds() < limit);
  }

  std::uint16_t port_;
  std::size_t room_size_;
  int epoll_;
  std::string padding_;
  std::vector<Client> clients_;
  std::vector<std::size_t> dirty_;
  std::size_t joined_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint32_t window_ = 0;
  bool timed_ = false;
  std::vector<std::uint64_t> latencies_;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 8) {
    std::fprintf(stderr, "usage: signaling_bench PORT PID PEERS ROOM_SIZE SECONDS RATE PAYLOAD\n");
    return 2;
  }
  const auto number = [&](int i) { return std::strtoull(arguments[i], nullptr, 10); };
  const int pid = static_cast<int>(number(2));
  const auto peers = static_cast<std::size_t>(number(3));
  const auto duration = static_cast<double>(number(5));
  const double memory_before = resident_bytes(pid);
  Load load(static_cast<std::uint16_t>(number(1)), peers, static_cast<std::size_t>(number(4)),
            static_cast<std::size_t>(number(7)));
  const double cpu_at_start = cpu_seconds(pid);
  const double joining = load.join_all(200);
  const double cpu_of_joins = cpu_seconds(pid) - cpu_at_start;
  load.idle(2);
  const double memory = resident_bytes(pid) - memory_before;
  std::printf(R"({"peers":%zu,"joinsPerSecond":%.0f,"joinsPerCpuSecond":%.0f,"bytesPerPeer":%.0f)", peers,
              static_cast<double>(peers) / joining, static_cast<double>(peers) / std::max(cpu_of_joins, 0.01),
              memory / static_cast<double>(peers));
  if (duration > 0) {
    std::uint64_t delivered = load.delivered();
    double cpu = cpu_seconds(pid);
    const double begin = seconds();
    load.backlog(duration, 16);
    const double wall = seconds() - begin;
    cpu = cpu_seconds(pid) - cpu;
    delivered = load.delivered() - delivered;
    std::printf(R"(,"backlogPerSecond":%.0f,"backlogPerCpuSecond":%.0f)", static_cast<double>(delivered) / wall,
                static_cast<double>(delivered) / std::max(cpu, 0.01));
    load.idle(1);
    delivered = load.delivered();
    cpu = cpu_seconds(pid);
    load.spaced(duration, static_cast<double>(number(6)));
    cpu = cpu_seconds(pid) - cpu;
    delivered = load.delivered() - delivered;
    std::printf(R"(,"spacedPerCpuSecond":%.0f,"spacedP50ms":%.3f,"spacedP99ms":%.3f)",
                static_cast<double>(delivered) / std::max(cpu, 0.01), load.percentile(0.5), load.percentile(0.99));
  }
  std::printf("}\n");
  return 0;
}
