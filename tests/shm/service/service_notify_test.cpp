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
