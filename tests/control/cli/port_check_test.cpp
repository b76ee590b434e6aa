#include "control/cli/port_check.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/config/sources.hpp"

namespace sluice::cli {
namespace {

TEST(PortCheck, ABusyPortIsNamedWithItsOptionAndAFreeOnePasses) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  ASSERT_EQ(listen(fd, 1), 0);
  socklen_t size = sizeof name;
  getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
  const std::uint16_t port = ntohs(name.sin_port);
  try {
    check_tcp_port("127.0.0.1", port, "signaling.port");
    FAIL() << "a busy port passed";
  } catch (const config::ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("--signaling.port=N"), std::string::npos) << error.what();
  }
  close(fd);
  EXPECT_NO_THROW(check_tcp_port("127.0.0.1", port, "signaling.port"));
  EXPECT_NO_THROW(check_tcp_port("", 0, "signaling.port"));
}

TEST(PortCheck, AnAddressOfAnotherHostIsNamed) {
  EXPECT_THROW(check_tcp_port("203.0.113.77", 4000, "adminApi.port"), config::ConfigError);
}

}  // namespace
}  // namespace sluice::cli
