#include "shm/service/service_notify.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>

namespace sluice {
namespace {

class ServiceNotify : public ::testing::Test {
 protected:
  void SetUp() override {
    path = ::testing::TempDir() + "/notify-" + std::to_string(::getpid());
    (void)::unlink(path.c_str());
    fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strcpy(name.sun_path, path.c_str());
    ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
  }
  void TearDown() override {
    (void)::close(fd);
    (void)::unlink(path.c_str());
    for (const char* variable : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(variable);
  }
  std::string heard() {
    std::array<char, 200> text{};
    const ssize_t size = ::recv(fd, text.data(), text.size(), 0);
    return size < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(size));
  }
  std::string path;
  int fd = -1;
};

TEST_F(ServiceNotify, TellsTheManagerWhoseSocketIsNamed) {
  EXPECT_FALSE(notify_service_manager("READY=1")) << "nobody wants to know";
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  EXPECT_TRUE(notify_service_manager("READY=1\nSTATUS=serving"));
  EXPECT_EQ(heard(), "READY=1\nSTATUS=serving");
  for (const char* wrong : {"", "relative", "/does/not/exist"}) {
    ::setenv("NOTIFY_SOCKET", wrong, 1);
    EXPECT_FALSE(notify_service_manager("READY=1")) << wrong;
  }
  ::setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'x')).c_str(), 1);
  EXPECT_FALSE(notify_service_manager("READY=1"));
}

TEST_F(ServiceNotify, PassesADescriptor) {
  EXPECT_EQ(give_service_manager("FDSTORE=1", fd), Told::nobody);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  ASSERT_EQ(give_service_manager("FDSTORE=1\nFDNAME=shared.0", pipe[1]), Told::yes);
  std::array<char, 100> text{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  iovec into{text.data(), text.size()};
  msghdr message{};
  message.msg_iov = &into;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ASSERT_EQ(::recvmsg(fd, &message, 0), 25);
  EXPECT_STREQ(text.data(), "FDSTORE=1\nFDNAME=shared.0");
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  ASSERT_NE(header, nullptr);
  int passed = -1;
  std::memcpy(&passed, CMSG_DATA(header), sizeof(passed));
  ASSERT_EQ(::write(passed, "x", 1), 1);
  EXPECT_EQ(::read(pipe[0], text.data(), 1), 1) << "what came is the pipe";
  for (const int open : {pipe[0], pipe[1], passed}) (void)::close(open);
}

TEST_F(ServiceNotify, SaysThatTheQueueIsFullInsteadOfWaiting) {
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  int sent = 0;
  // The kernel's limit is far below (net.unix.max_dgram_qlen).
  while (sent < 100'000 && give_service_manager("WATCHDOG=1", -1) == Told::yes) ++sent;
  EXPECT_GT(sent, 0);
  EXPECT_EQ(give_service_manager("WATCHDOG=1", -1), Told::later);
  EXPECT_EQ(heard(), "WATCHDOG=1");
  EXPECT_EQ(give_service_manager("WATCHDOG=1", -1), Told::yes);
}

TEST_F(ServiceNotify, BeatsTwiceAsOftenAsTheWatchdogAllows) {
  EXPECT_FALSE(watchdog_period());
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  EXPECT_EQ(watchdog_period(), Duration(std::chrono::milliseconds(1500)));
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_TRUE(watchdog_period());
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_FALSE(watchdog_period()) << "meant for another process";
  ::unsetenv("WATCHDOG_PID");
  for (const char* wrong : {"0", "x", "-1", "99999999999999999999"}) {
    ::setenv("WATCHDOG_USEC", wrong, 1);
    EXPECT_FALSE(watchdog_period()) << wrong;
  }
}

}  // namespace
}  // namespace sluice
