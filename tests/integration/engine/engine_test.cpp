#include "dataplane/engine/engine.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/engine/clock.hpp"
#include "dataplane/engine/socket_name.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

/// A bound, non-blocking UDP socket on loopback.
class TestSocket {
 public:
  explicit TestSocket(sa_family_t family) : family_(family) {
    fd_ = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    SocketName name{};
    const socklen_t length = write_socket_name(loopback(0), family, name);
    if (::bind(fd_, &name.base, length) != 0) throw std::runtime_error("bind");
    const int buffer = 4 * 1024 * 1024;
    (void)::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    socklen_t size = sizeof(name);
    (void)::getsockname(fd_, &name.base, &size);
    address_ = read_socket_name(name);
  }
  ~TestSocket() { (void)::close(fd_); }
  TestSocket(const TestSocket&) = delete;
  TestSocket& operator=(const TestSocket&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] const SocketAddress& address() const { return address_; }
  [[nodiscard]] SocketAddress loopback(std::uint16_t port) const {
    return family_ == AF_INET ? SocketAddress::from_ipv4({127, 0, 0, 1}, port) : *SocketAddress::parse("::1", port);
  }
  void send_to(const SocketAddress& to, const std::string& text) const {
    SocketName name{};
    const socklen_t length = write_socket_name(to, family_, name);
    ASSERT_EQ(::sendto(fd_, text.data(), text.size(), 0, &name.base, length), static_cast<ssize_t>(text.size()));
  }
  /// The next datagram, within the time that a loaded machine may need; empty if none came.
  [[nodiscard]] std::string receive() const {
    pollfd ready{fd_, POLLIN, 0};
    if (::poll(&ready, 1, 10000) <= 0) return {};
    std::string buffer(70000, '\0');
    const ssize_t size = ::recv(fd_, buffer.data(), buffer.size(), 0);
    return size < 0 ? std::string() : buffer.substr(0, static_cast<std::size_t>(size));
  }
  [[nodiscard]] bool has_datagram() const {
    pollfd ready{fd_, POLLIN, 0};
    return ::poll(&ready, 1, 0) > 0;
  }

 private:
  sa_family_t family_;
  int fd_ = -1;
  SocketAddress address_;
};

struct Recorder final : EngineHandler {
  std::function<void(const Tuple&, MutableBytes)> datagram = [](const Tuple&, MutableBytes) {};
  std::map<std::uint32_t, int> doorbells;
  std::vector<std::string> texts;
  void on_datagram(TimePoint, const Tuple& from, MutableBytes bytes) noexcept override {
    texts.emplace_back(as_text(bytes));
    datagram(from, bytes);
  }
  void on_doorbell(std::uint32_t id) noexcept override { ++doorbells[id]; }
};

struct Parameters {
  EngineChoice choice;
  sa_family_t family;
};
std::string name_of(const testing::TestParamInfo<Parameters>& info) {
  return std::string(to_string(info.param.choice)) + (info.param.family == AF_INET ? "_v4" : "_v6");
}

class EngineTest : public testing::TestWithParam<Parameters> {
 protected:
  void SetUp() override { config_.sockets = {-1, -1}; }
  /// False (and the test is to be skipped) where the kernel does not allow io_uring.
  bool open() {
    config_.choice = GetParam().choice;
    config_.sockets[index()] = socket_.fd();
    try {
      engine_ = open_engine(config_);
    } catch (const EngineUnavailable& refusal) {
      skipped_ = refusal.what();
      return false;
    }
    EXPECT_EQ(engine_->name(), to_string(GetParam().choice));
    return true;
  }
  /// Which of the worker's sockets is under test: 0 is IPv4, 1 is IPv6.
  [[nodiscard]] std::uint16_t index() const { return GetParam().family == AF_INET ? 0 : 1; }
  [[nodiscard]] Tuple tuple_of(const TestSocket& socket) const { return {socket.address(), index()}; }
  void send(const Tuple& to, std::string_view text) {
    PacketBuffer packet = engine_->acquire();
    ASSERT_TRUE(packet);
    ASSERT_TRUE(packet.assign(as_bytes(text)));
    engine_->send(to, std::move(packet));
  }
  /// Turns the loop until `done` or for ten seconds.
  template <typename Done>
  bool run_until(Done done) {
    const TimePoint end = read_clock() + 10s;
    while (!done()) {
      if (read_clock() > end) return false;
      (void)engine_->run_once(read_clock() + 50ms, handler_);
    }
    return true;
  }

  TestSocket socket_{GetParam().family};
  TestSocket peer_{GetParam().family};
  EngineConfig config_;
  Recorder handler_;
  std::string skipped_;
  std::unique_ptr<Engine> engine_;
};

#define OPEN_OR_SKIP() \
  if (!open()) GTEST_SKIP() << skipped_

TEST_P(EngineTest, EchoesADatagramToTheTupleItCameFrom) {
  OPEN_OR_SKIP();
  handler_.datagram = [&](const Tuple& from, MutableBytes bytes) {
    EXPECT_EQ(from, tuple_of(peer_));
    send(from, "echo " + std::string(as_text(bytes)));
  };
  peer_.send_to(socket_.address(), "hello");
  ASSERT_TRUE(run_until([&] { return handler_.texts.size() == 1; }));
  (void)engine_->run_once(TimePoint{}, handler_);
  EXPECT_EQ(peer_.receive(), "echo hello");
  ASSERT_TRUE(run_until([&] { return engine_->statistics().packets_sent == 1; }));
  EXPECT_EQ(engine_->statistics().datagrams_received, 1U);
  EXPECT_EQ(engine_->statistics().bytes_received, 5U);
}

TEST_P(EngineTest, DeliversTenThousandDatagramsIntactAndInOrder) {
  OPEN_OR_SKIP();
  constexpr std::size_t count = 10000;
  // Content and length depend on the number, so that a mixed-up buffer shows.
  const auto text_of = [](std::size_t i) {
    std::string text = std::to_string(i) + ":";
    text.resize(text.size() + i % 1400, static_cast<char>('a' + i % 26));
    return text;
  };
  std::atomic<std::size_t> received = 0;
  handler_.datagram = [&](const Tuple&, MutableBytes) { received.fetch_add(1); };
  std::thread sender([&] {
    for (std::size_t i = 0; i < count; ++i) {
      peer_.send_to(socket_.address(), text_of(i));
      // A window, because loopback drops what the receiver's buffer does not hold.
      while (i > received.load() + 500) std::this_thread::yield();
    }
  });
  const bool complete = run_until([&] { return handler_.texts.size() >= count; });
  sender.join();
  ASSERT_TRUE(complete) << handler_.texts.size();
  for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(handler_.texts[i], text_of(i));
  EXPECT_EQ(engine_->statistics().datagrams_received, count);
}

TEST_P(EngineTest, JoinsPacketsOfOneSizeToOneTupleIntoTrains) {
  OPEN_OR_SKIP();
  const TestSocket other(GetParam().family);
  std::vector<std::string> sent;
  for (int i = 0; i < 40; ++i) sent.push_back(std::string(200, static_cast<char>('A' + i)));
  sent.push_back("a shorter one ends a train");
  sent.push_back(std::string(100, 'x'));
  for (const std::string& text : sent) send(tuple_of(peer_), text);
  send(tuple_of(other), "to another");
  engine_->flush();
  ASSERT_TRUE(run_until([&] { return engine_->statistics().packets_sent == sent.size() + 1; }));
  for (const std::string& text : sent) EXPECT_EQ(peer_.receive(), text);
  EXPECT_EQ(other.receive(), "to another");
  // 16 + 16 + (8 and the short one) + 1 to the peer, 1 to the other.
  EXPECT_EQ(engine_->statistics().messages_sent, 5U);
  EXPECT_EQ(engine_->statistics().send_failures, 0U);
}

TEST_P(EngineTest, SendsSinglyWithoutTheOffload) {
  config_.send_offload = false;
  config_.receive_offload = false;
  OPEN_OR_SKIP();
  for (int i = 0; i < 5; ++i) send(tuple_of(peer_), "same");
  ASSERT_TRUE(run_until([&] { return engine_->statistics().packets_sent == 5; }));
  EXPECT_EQ(engine_->statistics().messages_sent, 5U);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(peer_.receive(), "same");
}

TEST_P(EngineTest, SplitsWhatThePeerCoalesced) {
  OPEN_OR_SKIP();
  // One send of 20 segments and a shorter last one; over loopback it arrives as one message where UDP_GRO is on.
  constexpr std::size_t segment = 500;
  std::string train;
  for (int i = 0; i < 20; ++i) train += std::string(segment, static_cast<char>('a' + i));
  train += "rest";
  const auto size = static_cast<int>(segment);
  ASSERT_EQ(::setsockopt(peer_.fd(), SOL_UDP, UDP_SEGMENT, &size, sizeof(size)), 0);
  peer_.send_to(socket_.address(), train);
  ASSERT_TRUE(run_until([&] { return handler_.texts.size() == 21; }));
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(handler_.texts[i], std::string(segment, static_cast<char>('a' + i)));
  EXPECT_EQ(handler_.texts[20], "rest");
  EXPECT_LT(engine_->statistics().messages_received, 21U);
}

TEST_P(EngineTest, WakesForADoorbellRungByAnotherThread) {
  OPEN_OR_SKIP();
  const int bell = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  const int silent = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  engine_->add_doorbell(silent, 3);
  engine_->add_doorbell(bell, 7);
  for (int round = 1; round <= 3; ++round) {
    std::thread ringer([&] { (void)::eventfd_write(bell, 1); });
    const TimePoint before = read_clock();
    // Without the bell this would wait for a minute.
    while (handler_.doorbells[7] < round && read_clock() < before + 10s) (void)engine_->run_once(before + 60s, handler_);
    ringer.join();
    ASSERT_EQ(handler_.doorbells[7], round);
    EXPECT_LT(read_clock() - before, 10s);
  }
  EXPECT_EQ(handler_.doorbells.count(3), 0U);
  eventfd_t left = 0;
  EXPECT_NE(::eventfd_read(bell, &left), 0) << "the engine takes the ring away";
  engine_.reset();
  (void)::close(bell);
  (void)::close(silent);
}

TEST_P(EngineTest, ReturnsAtTheDeadlineAndDoesNotWaitForAPastOne) {
  OPEN_OR_SKIP();
  const TimePoint before = read_clock();
  EXPECT_EQ(engine_->run_once(before + 20ms, handler_), 0U);
  EXPECT_GE(engine_->now() - before, 20ms);
  const std::uint64_t waits = engine_->statistics().waits;
  EXPECT_EQ(engine_->run_once(before, handler_), 0U);
  EXPECT_EQ(engine_->statistics().waits, waits);
}

TEST_P(EngineTest, RecoversWhenAllReceiveBuffersWereFull) {
  config_.receive_buffers = 8;
  config_.receive_offload = false;
  OPEN_OR_SKIP();
  (void)engine_->run_once(TimePoint{}, handler_);  // receiving has begun, with eight buffers
  constexpr std::size_t count = 300;
  for (std::size_t i = 0; i < count; ++i) peer_.send_to(socket_.address(), std::to_string(i));
  ASSERT_TRUE(run_until([&] { return handler_.texts.size() == count; })) << handler_.texts.size();
  for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(handler_.texts[i], std::to_string(i));
  EXPECT_GT(engine_->statistics().receive_exhausted, 0U);
}

TEST_P(EngineTest, DropsOversizedDatagramsAndKeepsTheRest) {
  for (const bool offload : {false, true}) {
    config_.receive_offload = offload;
    handler_.texts.clear();
    OPEN_OR_SKIP();
    peer_.send_to(socket_.address(), std::string(1501, 'x'));
    peer_.send_to(socket_.address(), std::string(40000, 'y'));
    peer_.send_to(socket_.address(), "");
    peer_.send_to(socket_.address(), std::string(1500, 'z'));
    ASSERT_TRUE(run_until([&] { return handler_.texts.size() == 1; }));
    EXPECT_EQ(handler_.texts[0], std::string(1500, 'z'));
    EXPECT_EQ(engine_->statistics().datagrams_oversized, 2U);
    engine_.reset();
  }
}

TEST_P(EngineTest, DropsTheNewestWhenNothingMayLeave) {
  config_.packets = 64;
  config_.messages = 4;
  OPEN_OR_SKIP();
  // Different sizes upwards, so that no two share a train; nothing completes before the loop turns.
  std::vector<PacketBuffer> held;
  while (PacketBuffer packet = engine_->acquire()) held.push_back(std::move(packet));
  EXPECT_EQ(held.size(), 64U);
  EXPECT_EQ(engine_->statistics().packet_pool_empty, 1U);
  held.clear();
  for (std::size_t i = 1; i <= 200; ++i) send(tuple_of(peer_), std::string(i, 'n'));
  ASSERT_TRUE(run_until([&] {
    const EngineStatistics& s = engine_->statistics();
    return s.packets_sent + s.send_queue_full == 200;
  }));
  EXPECT_GE(engine_->statistics().packets_sent, 4U);
  // Whatever was dropped, every buffer has come home.
  while (PacketBuffer packet = engine_->acquire()) held.push_back(std::move(packet));
  EXPECT_EQ(held.size(), 64U);
}

TEST_P(EngineTest, SendsTheSegmentsSinglyWhenTheRouteRefusesTheTrain) {
  OPEN_OR_SKIP();
  // Loopback's MTU is 65,536, so a train never exceeds it: a socket that may not fragment and believes in less does.
  const int option = GetParam().family == AF_INET ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER;
  const int level = GetParam().family == AF_INET ? static_cast<int>(IPPROTO_IP) : static_cast<int>(IPPROTO_IPV6);
  const int probe = GetParam().family == AF_INET ? IP_PMTUDISC_WANT : IPV6_PMTUDISC_WANT;
  ASSERT_EQ(::setsockopt(socket_.fd(), level, option, &probe, sizeof(probe)), 0);
  const int mtu = 1280;
  if (GetParam().family != AF_INET6 || ::setsockopt(socket_.fd(), IPPROTO_IPV6, IPV6_MTU, &mtu, sizeof(mtu)) != 0) {
    GTEST_SKIP() << "an IPv4 socket's idea of the MTU cannot be lowered from here";
  }
  for (int i = 0; i < 4; ++i) send(tuple_of(peer_), std::string(1400, static_cast<char>('a' + i)));
  ASSERT_TRUE(run_until([&] { return engine_->statistics().packets_sent == 4; }));
  EXPECT_EQ(engine_->statistics().trains_split, 1U);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(peer_.receive(), std::string(1400, static_cast<char>('a' + i)));
}

TEST_P(EngineTest, CountsWhatHasNoSocketOrNoRoute) {
  OPEN_OR_SKIP();
  const auto missing = static_cast<std::uint16_t>(1 - index());
  send({peer_.address(), missing}, "nowhere");
  send({peer_.address(), 9}, "nowhere");
  EXPECT_EQ(engine_->statistics().no_socket, 2U);
  send({socket_.loopback(0), index()}, "port 0 is not a destination");
  ASSERT_TRUE(run_until([&] { return engine_->statistics().send_failures == 1; }));
  EXPECT_EQ(engine_->statistics().packets_sent, 0U);
}

INSTANTIATE_TEST_SUITE_P(Engines, EngineTest,
                         testing::Values(Parameters{EngineChoice::io_uring, AF_INET},
                                         Parameters{EngineChoice::io_uring, AF_INET6},
                                         Parameters{EngineChoice::mmsg, AF_INET}, Parameters{EngineChoice::mmsg, AF_INET6}),
                         name_of);

TEST(OpenEngine, TakesWhatTheKernelAllows) {
  const TestSocket socket(AF_INET);
  EngineConfig config;
  config.sockets = {socket.fd()};
  std::string why_not;
  const auto engine = open_engine(config, &why_not);
  EXPECT_EQ(engine->name() == "mmsg", !why_not.empty());
}

TEST(OpenEngine, RefusesToOpenWithoutASocket) {
  EngineConfig config;
  config.sockets = {-1, -1};
  for (const EngineChoice choice : {EngineChoice::automatic, EngineChoice::io_uring, EngineChoice::mmsg}) {
    config.choice = choice;
    EXPECT_THROW((void)open_engine(config), EngineUnavailable);
  }
}

}  // namespace
}  // namespace sluice
