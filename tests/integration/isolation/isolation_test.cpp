// What the kernel says of the real processes of a running server.
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>

#include "test_paths.hpp"
#include "tests/integration/isolation/server_process.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/support/tcp_client.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

const std::string programs = SLUICE_BIN_DIR;

bool is_root() {
  return ::geteuid() == 0;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The rest of the line of /proc/PID/status that begins with `field`.
std::string status_of(pid_t pid, const std::string& field) {
  const std::string text = read_file("/proc/" + std::to_string(pid) + "/status");
  const std::size_t at = text.find("\n" + field + ":\t");
  if (at == std::string::npos) return "?";
  const std::size_t begin = at + field.size() + 3;
  return text.substr(begin, text.find('\n', begin) - begin);
}

/// The flags (proc(5), VmFlags) of each mapping of a memfd: "rd wr sh mr mw me ms lo dd dc"; by the memfd's name.
std::multimap<std::string, std::string> mapping_flags(pid_t pid) {
  std::multimap<std::string, std::string> flags;
  std::istringstream lines(read_file("/proc/" + std::to_string(pid) + "/smaps"));
  std::string name;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("-") != std::string::npos && line.find("/memfd:") != std::string::npos) {
      name = line.substr(line.find("/memfd:") + 7);
      name = name.substr(0, name.find(' '));
    } else if (line.starts_with("VmFlags:")) {
      if (!name.empty()) flags.emplace(name, line.substr(8) + " ");
      name.clear();
    }
  }
  return flags;
}

struct Ports {
  std::uint16_t signaling = free_tcp_port();
  std::uint16_t admin = free_tcp_port();
  [[nodiscard]] nlohmann::json config() const {
    return {{"signaling", {{"host", "127.0.0.1"}, {"port", signaling}}}, {"adminApi", {{"port", admin}}}};
  }
};

std::vector<std::string> server_words(const std::string& worker, const std::string& seccomp, const nlohmann::json& config) {
  return {programs + "/isolated_server_program",
          programs + "/" + worker,
          "2",
          std::to_string(free_ports()),
          seccomp,
          config.dump()};
}

/// Waits until every process is at work.
bool wait_until_confined(ServerProcess& server) {
  for (const char* process : {"handshaker", "worker-0", "worker-1", "control"}) {
    if (!server.wait_for("process=" + std::string(process) + " message=\"confined\"")) return false;
  }
  return true;
}

TEST(Isolation, HoldsForEveryProcessOfARunningServer) {
  ServerProcess server(server_words("sluice-worker", "enforce", Ports().config()));
  ASSERT_TRUE(wait_until_confined(server)) << server.output();
  std::set<std::string> users;
  for (const char* child : {"handshaker", "worker-0", "worker-1", "control"}) {
    const pid_t pid = server.pid_of(child);
    ASSERT_NE(pid, 0) << child;
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"})
      EXPECT_EQ(status_of(pid, set), "0000000000000000") << child;
    EXPECT_EQ(status_of(pid, "NoNewPrivs"), "1") << child;
    const bool filtered = server.output().find("system_calls=enforced") != std::string::npos;
    EXPECT_EQ(status_of(pid, "Seccomp"), filtered ? "2" : "0") << child;
    if (!is_root()) continue;
    EXPECT_EQ(status_of(pid, "CapBnd"), "0000000000000000") << child;
    EXPECT_EQ(status_of(pid, "Groups"), " ") << child;
    users.insert(status_of(pid, "Uid"));
  }
  if (is_root()) {
    // Two workers may have one, if the operator made a user "sluice-worker".
    EXPECT_GE(users.size(), 3U);
    for (const std::string& user : users) EXPECT_FALSE(user.starts_with("0\t")) << user;
  }
  EXPECT_EQ(server.stop(), 0) << server.output();
}

TEST(Isolation, KeepsPagesWithKeysOutOfSwapAndDumps) {
  if (!is_root()) GTEST_SKIP() << "the maps of a process that cannot be dumped take root to read";
  ServerProcess server(server_words("sluice-worker", "enforce", Ports().config()));
  ASSERT_TRUE(wait_until_confined(server)) << server.output();
  const auto expect_guarded = [](const char* process, pid_t pid, const std::set<std::string>& wanted) {
    std::set<std::string> seen;
    for (const auto& [name, flags] : mapping_flags(pid)) {
      if (!wanted.contains(name)) continue;
      seen.insert(name);
      EXPECT_NE(flags.find(" dd "), std::string::npos) << process << " " << name << " may be dumped:" << flags;
      EXPECT_NE(flags.find(" dc "), std::string::npos) << process << " " << name << " would go to a child:" << flags;
      EXPECT_NE(flags.find(" lo "), std::string::npos) << process << " " << name << " is not locked:" << flags;
    }
    EXPECT_EQ(seen, wanted) << process;
  };
  expect_guarded("worker", server.pid_of("worker-0"), {"sluice-recovery", "sluice-wishes", "sluice-handshake"});
  expect_guarded("handshaker", server.pid_of("handshaker"), {"sluice-handshake"});
  expect_guarded("supervisor", server.pid(), {"sluice-recovery", "sluice-wishes", "sluice-handshake"});
  // Locked when touched, not as a whole: 512 MiB of recovery segment would be resident else.
  EXPECT_LT(std::stol(status_of(server.pid_of("worker-0"), "VmRSS")), 200 * 1024);
}

TEST(Isolation, MakesAnEscapeVisible) {
  ServerProcess server(server_words("escapee_program", "enforce", Ports().config()), {"ESCAPE_ATTEMPT=open"});
  ASSERT_TRUE(server.wait_for("filter ")) << server.output();
  if (server.output().find("filter enforced") == std::string::npos) GTEST_SKIP() << "no system call filter here";
  EXPECT_TRUE(server.wait_for("child=worker-0 .*signal 31 ")) << server.output();
  // And nobody else minds.
  EXPECT_EQ(server.output().find("starting it again\" child=control"), std::string::npos) << server.output();
}

TEST(Isolation, CanBeTurnedOff) {
  ServerProcess server(server_words("sluice-worker", "off", Ports().config()));
  ASSERT_TRUE(wait_until_confined(server)) << server.output();
  for (const char* child : {"handshaker", "worker-0", "control"}) {
    EXPECT_EQ(status_of(server.pid_of(child), "Seccomp"), "0") << child;
  }
}

void make_certificate(const ScratchFolder& folder, const std::string& name) {
  const std::string command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=" + name + " -keyout " +
      (folder / "key.pem").string() + " -out " + (folder / "cert.pem").string() + " 2>/dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0);
  ASSERT_EQ(::chmod((folder / "key.pem").string().c_str(), 0600), 0);
}

/// The common name of the certificate that a TLS server on `port` shows; empty without one.
std::string name_shown(std::uint16_t port) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  BIO* const connection = BIO_new_ssl_connect(context.get());
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> owner(connection, &BIO_free_all);
  BIO_set_conn_hostname(connection, ("127.0.0.1:" + std::to_string(port)).c_str());
  if (BIO_do_connect(connection) <= 0) return {};
  SSL* ssl = nullptr;
  BIO_get_ssl(connection, &ssl);
  const std::unique_ptr<X509, decltype(&X509_free)> shown(SSL_get1_peer_certificate(ssl), &X509_free);
  if (!shown) return {};
  std::array<char, 64> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(shown.get()), NID_commonName, name.data(), static_cast<int>(name.size()));
  return name.data();
}

// The key file is readable by root only and lies in a folder that is; control is not root.
TEST(Isolation, LetsControlServeTlsWithAKeyThatItCannotRead) {
  const ScratchFolder folder;
  make_certificate(folder, "first");
  const Ports ports;
  nlohmann::json config = ports.config();
  config["signaling"]["tls"] = {{"cert", (folder / "cert.pem").string()}, {"key", (folder / "key.pem").string()}};
  std::vector<std::string> words = server_words("sluice-worker", "enforce", config);
  words.push_back((folder / "cert.pem").string());
  words.push_back((folder / "key.pem").string());
  ServerProcess server(words);
  ASSERT_TRUE(wait_until_confined(server)) << server.output();
  EXPECT_EQ(name_shown(ports.signaling), "first") << server.output();
  make_certificate(folder, "second");
  server.signal(SIGHUP);
  std::string shown;
  for (const auto end = std::chrono::steady_clock::now() + patience;
       shown != "second" && std::chrono::steady_clock::now() < end;) {
    std::this_thread::sleep_for(20ms);
    shown = name_shown(ports.signaling);
  }
  EXPECT_EQ(shown, "second") << server.output();
  EXPECT_EQ(server.stop(), 0) << server.output();
}

TEST(Isolation, LetsControlListenBelow1024ButNothingElse) {
  if (!is_root()) GTEST_SKIP() << "takes root";
  Ports ports;
  // One that is free here.
  for (ports.signaling = 1023; ports.signaling > 900; --ports.signaling) {
    if (!TcpClient(ports.signaling).connected()) break;
  }
  const ScratchFolder folder;
  ServerProcess server({programs + "/sluice", "serve", "--signaling.host=127.0.0.1",
                        "--store.path=" + (folder / "store").string(), "--signaling.port=" + std::to_string(ports.signaling),
                        "--adminApi.port=" + std::to_string(ports.admin), "--workers.count=1", "--media.listen=127.0.0.1",
                        "--media.port=" + std::to_string(free_ports())});
  ASSERT_TRUE(server.wait_for("process=control message=\"confined\"")) << server.output();
  EXPECT_TRUE(TcpClient(ports.signaling).connected()) << server.output();
  EXPECT_EQ(status_of(server.pid_of("control"), "CapEff"), "0000000000000400") << "CAP_NET_BIND_SERVICE";
  EXPECT_EQ(status_of(server.pid_of("control"), "CapBnd"), "0000000000000000");
  EXPECT_EQ(server.stop(), 0) << server.output();
}

}  // namespace
}  // namespace sluice::test
