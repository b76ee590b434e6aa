// The parts of commands that need no server.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "control/cli/check_config_command.hpp"
#include "control/cli/ctl_command.hpp"
#include "control/cli/doctor_command.hpp"
#include "control/cli/flags.hpp"
#include "control/cli/init_command.hpp"
#include "control/cli/running_server.hpp"
#include "control/cli/signaling_benchmark.hpp"
#include "control/cli/table.hpp"
#include "control/cli/websocket_client.hpp"

namespace sluice::cli {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

std::vector<std::string> words(std::initializer_list<const char*> list) {
  return {list.begin(), list.end()};
}

TEST(CommandFlags, ReadsValuesSwitchesAndTheRest) {
  const auto given = words({"--port", "7", "x", "--json", "--name=a=b", "y"});
  CommandFlags flags(given, {"port", "name"}, {"json"});
  EXPECT_EQ(flags.number("port", 1, 0, 10), 7);
  EXPECT_EQ(flags.text("name"), "a=b");
  EXPECT_TRUE(flags.has("json"));
  EXPECT_EQ(flags.rest(), words({"x", "y"}));
  EXPECT_EQ(flags.complaint(), "");
  EXPECT_EQ(flags.number("port", 1, 0, 5), 1);
  EXPECT_NE(flags.complaint(), "");
  const auto unknown = words({"--nothing=1"});
  EXPECT_NE(CommandFlags(unknown, {"port"}, {}).complaint(), "");
  const auto open = words({"--port"});
  EXPECT_NE(CommandFlags(open, {"port"}, {}).complaint(), "");
}

TEST(Ctl, ReadsParametersAsPeopleWriteThem) {
  EXPECT_EQ(*read_parameters(words({})), json());
  EXPECT_EQ(*read_parameters(words({R"({"a":1})"})), (json{{"a", 1}}));
  EXPECT_EQ(*read_parameters(words({"roomId=stand up", "maxPeers=8", "list=[1]", "empty=", "t=true"})),
            (json{{"roomId", "stand up"}, {"maxPeers", 8}, {"list", {1}}, {"empty", ""}, {"t", true}}));
  EXPECT_FALSE(read_parameters(words({"{broken"})));
  EXPECT_FALSE(read_parameters(words({"nothing"})));
}

TEST(Table, ShowsListsAndObjects) {
  EXPECT_EQ(for_people({{"rooms", {{{"peerCount", 2}, {"id", "ä"}}, {{"id", "long name"}, {"peerCount", nullptr}}}}}),
            "id         peerCount\nä          2\nlong name  -\n");
  EXPECT_EQ(for_people({{"a", 1}, {"longer", "x\n\x1b[31m"}}), "a       1\nlonger  x??[31m\n");
  EXPECT_EQ(for_people({{"rooms", json::array()}}), "rooms  (none)\n");
}

TEST(Doctor, SaysWhatToDo) {
  const auto machine = [](const std::string& path) -> std::optional<std::string> {
    if (path.ends_with("rmem_max")) return "212992\n";
    if (path.ends_with("wmem_max")) return "16777216\n";
    if (path.ends_with("cpuinfo")) return "flags : fpu aes avx\n";
    if (path.ends_with("current_clocksource")) return "hpet\n";
    if (path.ends_with("io_uring_disabled")) return "2\n";
    if (path.ends_with("swaps")) return "Filename Type\n/dev/sda2 partition\n";
    return std::nullopt;
  };
  std::map<std::string, Finding> found;
  for (const Finding& finding : examine_files(machine)) found[finding.subject] = finding;
  EXPECT_NE(found.at("net.core.rmem_max").advice.find("sysctl -w net.core.rmem_max="), std::string::npos);
  EXPECT_EQ(found.at("net.core.wmem_max").state, Finding::State::good);
  EXPECT_EQ(found.at("processor").state, Finding::State::good);
  for (const char* bad : {"clock source", "kernel.io_uring_disabled", "swap"}) {
    EXPECT_NE(found.at(bad).state, Finding::State::good) << bad;
    EXPECT_NE(found.at(bad).advice, "") << bad;
  }
}

TEST(Doctor, ReadsTheLimitsOfAnotherProcess) {
  const std::string limits =
      "Limit                     Soft Limit           Hard Limit           Units     \n"
      "Max open files            65536                524288               files     \n"
      "Max locked memory         unlimited            unlimited            bytes     \n"
      "Max broken                many                 1                    bytes";
  EXPECT_EQ(soft_limit(limits, "Max open files"), 65536U);
  EXPECT_EQ(soft_limit(limits, "Max locked memory"), RLIM_INFINITY);
  for (const char* none : {"Max broken", "Max cpu time", ""}) EXPECT_FALSE(soft_limit(limits, none)) << none;
  EXPECT_FALSE(soft_limit("", "Max open files"));
  EXPECT_FALSE(soft_limit("Max open files", "Max open files"));
}

std::string read(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(Init, WritesAFolderOnceWithSecretsOfItsOwn) {
  const fs::path folder = fs::path(::testing::TempDir()) / ("sluice-init-" + std::to_string(::getpid()));
  fs::remove_all(folder);
  for (const char* name : {"basic", "advanced", "sfu", "enterprise"}) {
    const fs::path place = folder / name;
    const std::string template_flag = std::string("--template=") + name;
    EXPECT_EQ(init(std::vector<std::string>{place.string(), template_flag}), 0);
    for (const char* file : {"sluice.yaml", "README.md", ".env", ".env.example", ".gitignore"})
      EXPECT_TRUE(fs::exists(place / file)) << name << '/' << file;
    EXPECT_NE(read(place / "README.md").find(std::string("# ") + name), std::string::npos);
    EXPECT_EQ(read(place / ".env").find('@'), std::string::npos);
    EXPECT_EQ(init(std::vector<std::string>{place.string()}), 1) << "a folder that exists is left alone";
  }
  EXPECT_EQ(fs::status(folder / "advanced" / ".env").permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_NE(read(folder / "advanced" / ".env"), read(folder / "enterprise" / ".env"));
  EXPECT_EQ(init(std::vector<std::string>{(folder / "x").string(), "--template=none"}), 1);
  fs::remove_all(folder);
}

TEST(CheckConfig, SaysWhetherAServerCouldStart) {
  EXPECT_EQ(check_config(words({"--signaling.port=3100"})), 0);
  EXPECT_EQ(check_config(words({"--signaling.port=many"})), 2);
  EXPECT_EQ(check_config(words({"/does/not/exist.yaml"})), 2);
  EXPECT_EQ(check_config(words({"--governance.host=0.0.0.0"})), 2) << "open to all without a secret";
  EXPECT_EQ(check_config(words({"--governance.host=0.0.0.0", "--governance.adminSecret=x"})), 0);
  EXPECT_EQ(check_config(words({"--control.mode=9"})), 2);
}

TEST(Benchmark, TakesPercentilesAsTheContractSays) {
  std::vector<double> samples;
  for (int i = 100; i >= 1; --i) samples.push_back(i);
  EXPECT_EQ(latency_json(samples),
            (json{{"p50", 50.0}, {"p95", 95.0}, {"p99", 99.0}, {"min", 1.0}, {"max", 100.0}, {"avg", 50.5}}));
  EXPECT_EQ(latency_json({7})["p99"], 7.0);
  EXPECT_EQ(latency_json({})["p50"], 0);
}

TEST(WebSocketClient, SpeaksAndUnderstandsFrames) {
  const auto url = parse_host_url("ws://", "ws://[::1]:3000/x");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host + " " + url->port + " " + url->path, "::1 3000 /x");
  EXPECT_FALSE(parse_host_url("ws://", "http://a"));
  EXPECT_FALSE(parse_host_url("ws://", "ws://"));
  WebSocketClient client(*url, 0);
  EXPECT_TRUE(client.output().starts_with("GET /x HTTP/1.1\r\n"));
  client.output().clear();
  const std::string frames = std::string("HTTP/1.1 101 Switching Protocols\r\n\r\n") +
                             "\x01\x03"
                             "abc" +
                             "\x89\x01"
                             "p" +
                             "\x80\x02"
                             "de" +
                             std::string("\x81\x7E\x01\x00", 4) + std::string(256, 'x') + std::string("\x88\x00", 2);
  for (const char c : frames) client.receive(as_bytes(std::string_view(&c, 1)));
  EXPECT_EQ(client.next_message(), "abcde");
  EXPECT_EQ(client.next_message(), std::string(256, 'x'));
  EXPECT_TRUE(client.is_over());
  EXPECT_EQ(client.output(), std::string("\x8A\x81\0\0\0\0p", 7)) << "pings are answered";
  WebSocketClient refused(*url, 0);
  refused.receive(as_bytes("HTTP/1.1 429 Too Many Requests\r\n\r\n"));
  EXPECT_TRUE(refused.is_over());
  WebSocketClient masked(*url, 0);
  masked.receive(as_bytes(std::string_view("HTTP/1.1 101 x\r\n\r\n\x81\x81", 20)));
  EXPECT_TRUE(masked.is_over()) << "a server does not mask";
}

}  // namespace
}  // namespace sluice::cli
