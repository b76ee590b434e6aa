// uses: dataplane_engine
// CPU nanoseconds per packet of both engines over loopback: sending trains of S packets round-robin to 50 peers that never
// read (tiny receive buffers, so the kernel drops), and receiving from a queue that is never empty. Thread CPU time, core
// 0, medians of interleaved rounds with the range, beside the figures for plain system calls on such a machine. Bounded:
// a few seconds.
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "bench/dataplane/support/loopback_socket.hpp"
#include "dataplane/engine/engine.hpp"
#include "dataplane/engine/socket_name.hpp"

namespace sluice {
namespace {

constexpr std::size_t packet_bytes = 1116;
constexpr std::size_t packets_per_round = 48 * 1024;
constexpr std::size_t rounds = 7;
constexpr std::size_t peers = 50;

double thread_nanoseconds() {
  timespec time{};
  (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

struct Counter final : EngineHandler {
  std::size_t datagrams = 0;
  void on_datagram(TimePoint, const Tuple&, MutableBytes) noexcept override { ++datagrams; }
  void on_doorbell(std::uint32_t) noexcept override {}
};

struct Series {
  std::string name;
  std::string reference;
  std::vector<double> figures;
  void print() {
    if (figures.empty()) return;
    std::sort(figures.begin(), figures.end());
    std::printf("%-34s %8.0f  [%5.0f .. %5.0f]   %s\n", name.c_str(), figures[figures.size() / 2], figures.front(),
                figures.back(), reference.c_str());
  }
};

std::unique_ptr<Engine> open(EngineChoice choice, const bench::LoopbackSocket& socket, bool offload) {
  EngineConfig config;
  config.choice = choice;
  config.sockets = {socket.fd()};
  config.receive_offload = offload;
  return open_engine(config);
}

/// The shape of fan-out: in each turn every peer gets a train of `train` packets.
double send_round(Engine& engine, const std::deque<bench::LoopbackSocket>& to, std::size_t train) {
  Counter handler;
  const double before = thread_nanoseconds();
  std::size_t sent = 0;
  while (sent < packets_per_round) {
    for (const bench::LoopbackSocket& peer : to) {
      for (std::size_t i = 0; i < train; ++i) {
        PacketBuffer packet = engine.acquire();
        if (!packet) std::abort();
        packet.resize(packet_bytes);
        engine.send({peer.address(), 0}, std::move(packet));
      }
      sent += train;
    }
    engine.flush();
    (void)engine.run_once(TimePoint::min(), handler);
  }
  return (thread_nanoseconds() - before) / static_cast<double>(sent);
}

/// The same by plain sendmsg, one train a call: what an engine can be compared with on this very machine.
double plain_round(const bench::LoopbackSocket& socket, const std::deque<bench::LoopbackSocket>& to, std::size_t train) {
  std::vector<char> bytes(packet_bytes * train, 'x');
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint16_t))> control{};
  const double before = thread_nanoseconds();
  std::size_t sent = 0;
  while (sent < packets_per_round) {
    for (const bench::LoopbackSocket& peer : to) {
      SocketName name{};
      iovec part{bytes.data(), bytes.size()};
      msghdr message{};
      message.msg_name = &name;
      message.msg_namelen = write_socket_name(peer.address(), AF_INET, name);
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      if (train > 1) {
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        cmsghdr* segment = CMSG_FIRSTHDR(&message);
        *segment = {CMSG_LEN(sizeof(std::uint16_t)), SOL_UDP, UDP_SEGMENT};
        const std::uint16_t size = packet_bytes;
        std::memcpy(CMSG_DATA(segment), &size, sizeof(size));
      }
      (void)::sendmsg(socket.fd(), &message, 0);
      sent += train;
    }
  }
  return (thread_nanoseconds() - before) / static_cast<double>(sent);
}

/// Fills the socket's queue (not measured), then drains it.
double receive_round(Engine& engine, const bench::LoopbackSocket& socket, std::size_t train) {
  const bench::LoopbackSocket sender(4096);
  const std::vector<char> bytes(packet_bytes * train, 'x');
  const auto segment = static_cast<int>(train > 1 ? packet_bytes : 0);
  (void)::setsockopt(sender.fd(), SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment));
  SocketName name{};
  const socklen_t length = write_socket_name(socket.address(), AF_INET, name);
  Counter handler;
  double nanoseconds = 0;
  std::size_t received = 0;
  while (received < packets_per_round / 2) {
    for (std::size_t i = 0; i < 512; i += train)
      (void)::sendto(sender.fd(), bytes.data(), bytes.size(), 0, &name.base, length);
    handler.datagrams = 0;
    const double before = thread_nanoseconds();
    while (engine.run_once(TimePoint::min(), handler) > 0) {
    }
    nanoseconds += thread_nanoseconds() - before;
    if (handler.datagrams == 0) std::abort();
    received += handler.datagrams;
  }
  return nanoseconds / static_cast<double>(received);
}

int run() {
  cpu_set_t core;
  CPU_ZERO(&core);
  CPU_SET(0, &core);
  (void)::sched_setaffinity(0, sizeof(core), &core);
  utsname system{};
  (void)::uname(&system);
  std::printf("ns of CPU per %zu B packet over lo, median [range] of %zu rounds; Linux %s\n\n", packet_bytes, rounds,
              system.release);

  std::deque<bench::LoopbackSocket> readers;
  for (std::size_t i = 0; i < peers; ++i) readers.emplace_back(1);
  const bench::LoopbackSocket socket(8 * 1024 * 1024);

  struct Case {
    EngineChoice choice;
    std::size_t train;
    Series send;
    Series receive;
  };
  std::vector<Case> cases;
  for (const EngineChoice choice : {EngineChoice::io_uring, EngineChoice::mmsg}) {
    const bool uring = choice == EngineChoice::io_uring;
    const std::string name(to_string(choice));
    cases.push_back({choice,
                     1,
                     {name + " send S=1", uring ? "limit 2701 (sendmsg, 200 peers)" : "limit 2682", {}},
                     {name + " receive", uring ? "limit 582" : "limit 616", {}}});
    cases.push_back({choice,
                     8,
                     {name + " send S=8", "limit 726 (GSO sendmsg)", {}},
                     {name + " receive UDP_GRO S=8", uring ? "limit 111" : "limit 93", {}}});
  }
  Series plain{"plain sendmsg S=1", "limit 2751", {}};
  Series plain_train{"plain sendmsg S=8", "limit 726", {}};
  for (std::size_t round = 0; round < rounds; ++round) {
    plain.figures.push_back(plain_round(socket, readers, 1));
    plain_train.figures.push_back(plain_round(socket, readers, 8));
    for (Case& each : cases) {
      try {
        const auto engine = open(each.choice, socket, each.train > 1);
        (void)send_round(*engine, readers, each.train);  // warm
        each.send.figures.push_back(send_round(*engine, readers, each.train));
        each.receive.figures.push_back(receive_round(*engine, socket, each.train));
      } catch (const EngineUnavailable& refusal) {
        if (round == 0) std::printf("%s: %s\n", std::string(to_string(each.choice)).c_str(), refusal.what());
      }
    }
  }
  plain.print();
  plain_train.print();
  for (Case& each : cases) each.send.print();
  for (Case& each : cases) each.receive.print();
  return 0;
}

}  // namespace
}  // namespace sluice

int main() {
  return sluice::run();
}
