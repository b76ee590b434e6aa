#include "control/cli/serve_arguments.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "control/cli/lan_certificate.hpp"
#include "control/config/option.hpp"

namespace sluice::cli {
namespace {

ServeArguments read(std::vector<std::string> arguments) {
  return read_serve_arguments(arguments, [](const std::string&) { return std::nullopt; }, 4);
}
std::string error_of(std::vector<std::string> arguments) {
  try {
    (void)read(std::move(arguments));
  } catch (const config::ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(ServeArguments, TakesValuesAfterAnEqualsSignOrAsTheNextWord) {
  EXPECT_EQ(read({"--signaling.port=3001"}).config.signaling.port, 3001);
  EXPECT_EQ(read({"--signaling.port", "3002"}).config.signaling.port, 3002);
  EXPECT_EQ(read({"--", "--media.announced_ip", "127.0.0.1"}).config.media.announced_ips.front(), "127.0.0.1");
  EXPECT_EQ(read({"--signaling.port=1", "--signaling.port=2"}).config.signaling.port, 2) << "the last one wins";
}

TEST(ServeArguments, ASwitchNeedsNoValue) {
  EXPECT_TRUE(read({"--signaling.trustProxy", "--signaling.port=3001"}).config.signaling.trust_proxy);
  EXPECT_FALSE(read({"--signaling.autoCreateRooms", "false"}).config.signaling.auto_create_rooms);
}

TEST(ServeArguments, MistakesAreOneSentenceThatHelps) {
  EXPECT_NE(error_of({"serve"}).find("--signaling.port=3000"), std::string::npos);
  EXPECT_NE(error_of({"--signaling.port"}).find("needs a value"), std::string::npos);
  EXPECT_NE(error_of({"--signaling.prt=1"}).find("did you mean 'signaling.port'"), std::string::npos);
  EXPECT_NE(error_of({"--config=/nonexistent/x.yaml"}).find("cannot be read"), std::string::npos);
  EXPECT_NE(error_of({"--nonsense"}), "");
}

TEST(ServeArguments, HelpListsEveryOption) {
  EXPECT_TRUE(read({"--help"}).help);
  for (const config::Option& option : config::all_options()) {
    EXPECT_NE(serve_help().find("--" + std::string(option.path) + " "), std::string::npos) << option.path;
  }
}

TEST(LanCertificate, IsKeptUntilTheAddressesChange) {
  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / "sluice_lan_test";
  std::filesystem::remove_all(folder);
  const config::TlsFiles first = lan_certificate(folder, {"192.0.2.1"});
  const auto made = std::filesystem::last_write_time(first.cert);
  EXPECT_EQ(std::filesystem::status(first.key).permissions() & std::filesystem::perms::others_read,
            std::filesystem::perms::none);
  (void)lan_certificate(folder, {"192.0.2.1"});
  EXPECT_EQ(std::filesystem::last_write_time(first.cert), made);
  std::filesystem::last_write_time(first.cert, made - std::chrono::hours(1));
  (void)lan_certificate(folder, {"192.0.2.1", "2001:db8::1"});
  EXPECT_GT(std::filesystem::last_write_time(first.cert), made - std::chrono::hours(1));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace sluice::cli
