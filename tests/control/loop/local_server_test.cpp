#include "control/loop/local_server.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <map>
#include <string>

#include "control/loop/clock.hpp"

namespace sluice::loop {
namespace {

using namespace std::chrono_literals;

class LocalServerTest : public ::testing::Test, public LocalHandler {
 protected:
  LocalServerTest() {
    const std::string path = ::testing::TempDir() + "/local-" + std::to_string(::getpid()) + ".sock";
    (void)::unlink(path.c_str());
    name.sun_family = AF_UNIX;
    std::strcpy(name.sun_path, path.c_str());
    const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    EXPECT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
    EXPECT_EQ(::listen(listener, 8), 0);
    server = std::make_unique<LocalServer>(loop, listener, *this, LocalServer::Limits{2, 100'000});
  }
  ~LocalServerTest() override { (void)::unlink(name.sun_path); }

  int client() {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
    return fd;
  }
  /// Runs the loop until `done`, for at most five seconds.
  void until(const std::function<bool()>& done) {
    const TimePoint limit = now() + 5s;
    const auto look = loop.every(1ms, [&] {
      if (done() || now() > limit) loop.stop();
    });
    loop.run();
    EXPECT_TRUE(done());
  }
  static std::string read_all(int fd) {
    std::string text;
    std::array<char, 65536> part{};
    for (ssize_t size = 0; (size = ::recv(fd, part.data(), part.size(), 0)) > 0;)
      text.append(part.data(), static_cast<std::size_t>(size));
    return text;
  }

  [[nodiscard]] bool on_open(LocalId id, const LocalPeer& peer) override {
    EXPECT_EQ(peer.uid, ::getuid());
    EXPECT_EQ(peer.pid, static_cast<std::uint32_t>(::getpid()));
    opened.push_back(id);
    return !refuse;
  }
  void on_bytes(LocalId id, Bytes bytes) override { received[id] += as_text(bytes); }
  void on_drained(LocalId id) override { ++drained[id]; }
  void on_close(LocalId id) override { closed.push_back(id); }

  sockaddr_un name{};
  EventLoop loop;
  bool refuse = false;
  std::vector<LocalId> opened;
  std::vector<LocalId> closed;
  std::map<LocalId, std::string> received;
  std::map<LocalId, int> drained;
  std::unique_ptr<LocalServer> server;
};

TEST_F(LocalServerTest, CarriesBytesBothWaysAndTellsOfTheEnd) {
  const int fd = client();
  ASSERT_EQ(::send(fd, "hello", 5, 0), 5);
  until([&] { return !opened.empty() && received[opened[0]] == "hello"; });
  server->send(opened[0], "wor");
  server->send(opened[0], "ld");
  until([&] { return server->queued_bytes(opened[0]) == 0; });
  EXPECT_EQ(read_all(fd), "world");
  (void)::close(fd);
  until([&] { return closed.size() == 1; });
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(LocalServerTest, KeepsWhatASlowReaderDoesNotTakeAndReadsNothingMoreFromIt) {
  const int fd = client();
  until([&] { return !opened.empty(); });
  const std::string much(3'000'000, 'x');
  server->send(opened[0], much);
  until([&] { return server->queued_bytes(opened[0]) < much.size(); });
  EXPECT_GT(server->queued_bytes(opened[0]), 100'000U);
  ASSERT_EQ(::send(fd, "later", 5, 0), 5);
  for (int i = 0; i < 3; ++i) until([] { return true; });
  EXPECT_EQ(received[opened[0]], "") << "it has to read first";
  std::string got;
  until([&] {
    got += read_all(fd);
    return got.size() == much.size() && received[opened[0]] == "later";
  });
  EXPECT_GT(drained[opened[0]], 0);
  (void)::close(fd);
}

TEST_F(LocalServerTest, FlushesBeforeItCloses) {
  const int fd = client();
  until([&] { return !opened.empty(); });
  server->send(opened[0], "bye");
  server->close(opened[0], true);
  until([&] { return server->connections() == 0; });
  EXPECT_EQ(read_all(fd), "bye");
  EXPECT_TRUE(closed.empty()) << "we closed it ourselves";
  (void)::close(fd);
}

TEST_F(LocalServerTest, RefusesWhoMayNotAndWhoIsTooMany) {
  const int one = client();
  const int two = client();
  until([&] { return opened.size() == 2; });
  const int three = client();
  char byte = 0;
  until([&] { return ::recv(three, &byte, 1, 0) == 0; });
  EXPECT_EQ(opened.size(), 2U);
  (void)::close(one);
  until([&] { return server->connections() == 1; });
  refuse = true;
  const int four = client();
  until([&] { return ::recv(four, &byte, 1, 0) == 0; });
  EXPECT_EQ(server->connections(), 1U);
  for (const int fd : {two, three, four}) (void)::close(fd);
}

}  // namespace
}  // namespace sluice::loop
