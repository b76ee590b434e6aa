// What a service manager is told and given, and what becomes of a server that it starts again.
#include <sys/prctl.h>
#include <sys/un.h>

#include <cstring>
#include <iterator>
#include <mutex>
#include <set>
#include <stop_token>
#include <thread>
#include <utility>

#include "tests/integration/supervisor/server_under_test.hpp"

namespace sluice {
namespace {

/// Listens as systemd does (sd_notify(3)), in a thread of its own, and stores what it is given.
class ServiceManager {
 public:
  ServiceManager() : path_(folder_.path() / "notify"), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strcpy(name.sun_path, path_.c_str());
    if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0) throw std::runtime_error("bind");
    ::setenv("NOTIFY_SOCKET", path_.c_str(), 1);
    listener_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) receive();
    });
  }
  ~ServiceManager() { ::unsetenv("NOTIFY_SOCKET"); }
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  /// Waits until somebody has said `line`, once for each time that it was said; false when nobody does.
  bool hears(const std::string& line) {
    return eventually([&] {
      const std::lock_guard guard(mutex_);
      const auto found = heard_.find(line);
      if (found == heard_.end()) return false;
      heard_.erase(found);
      return true;
    });
  }
  /// As long as the manager lives.
  [[nodiscard]] std::vector<NamedDescriptor> stored() {
    const std::lock_guard guard(mutex_);
    std::vector<NamedDescriptor> result;
    for (const auto& [name, descriptor] : store_) result.push_back({name, descriptor.get()});
    return result;
  }
  [[nodiscard]] bool has(const std::string& name) {
    const std::lock_guard guard(mutex_);
    return store_.contains(name);
  }
  void lose(const std::string& name) {
    const std::lock_guard guard(mutex_);
    store_.erase(name);
  }

 private:
  void receive() {
    pollfd waiting{socket_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, 20) <= 0) return;
    std::array<char, 4096> text{};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    iovec into{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &into;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
    const std::string said(text.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
    Descriptor passed;
    if (const cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header), sizeof(fd));
      passed.reset(fd);
    }
    const std::lock_guard guard(mutex_);
    const std::size_t at = said.find("FDNAME=");
    if (at != std::string::npos) {
      keep(said, said.substr(at + 7), std::move(passed));
    } else {
      heard_.insert(said.substr(0, said.find('\n')));
    }
  }
  void keep(const std::string& message, const std::string& name, Descriptor passed) {
    if (message.starts_with("FDSTOREREMOVE=1")) {
      store_.erase(name);
    } else if (message.starts_with("FDSTORE=1")) {
      EXPECT_TRUE(passed.valid()) << name;
      EXPECT_FALSE(store_.contains(name)) << name << " twice";
      store_[name] = std::move(passed);
    }
  }

  ScratchFolder folder_;
  std::string path_;
  Descriptor socket_;
  std::mutex mutex_;
  std::map<std::string, Descriptor> store_;
  std::multiset<std::string> heard_;  // first lines
  std::jthread listener_;             // uses all above
};

class UnderAServiceManager : public testing::Test {
 protected:
  UnderAServiceManager() { (void)::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }
  /// All of it, as `systemctl kill -s KILL` does; the supervisor first, so that it starts nobody again.
  void kill_all(Server& server) {
    const pid_t keeper = server.wait_for_start("keeper");
    pids_ = server.wait_until_ready();
    ASSERT_FALSE(pids_.empty()) << server.output();
    ASSERT_TRUE(manager_.hears("READY=1"));
    ASSERT_TRUE(stores_everything());
    server.signal(SIGKILL);
    ASSERT_EQ(server.wait_for_end(), -SIGKILL);
    pids_["keeper"] = keeper;
    // Number 0 would be this process and all that started it.
    for (const auto& [name, pid] : pids_) ASSERT_GT(pid, 1) << name << "\n" << server.output();
    for (const auto& [name, pid] : pids_) ASSERT_EQ(::kill(pid, SIGKILL), 0) << name;
    for (const auto& [name, pid] : pids_) ASSERT_TRUE(eventually([pid = pid] { return !is_alive(pid); })) << name;
  }
  /// The roster comes last.
  bool stores_everything() {
    return eventually([&] { return manager_.has("roster"); });
  }
  void end(Server& server) {
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait_for_end(), 0) << server.output();
    EXPECT_TRUE(manager_.hears("STOPPING=1"));
    EXPECT_TRUE(eventually([&] { return manager_.stored().empty(); })) << manager_.stored().front().name << " is left";
  }
  ServiceManager manager_;
  std::uint16_t port_ = free_ports();
  std::map<std::string, pid_t> pids_;
};

TEST_F(UnderAServiceManager, IsReadyWhenControlIsAndSpeaksForAllOfThem) {
  Server server(arguments(port_));
  pids_ = server.wait_until_ready();
  ASSERT_FALSE(pids_.empty()) << server.output();
  EXPECT_TRUE(manager_.hears("READY=1"));
  std::ifstream variables("/proc/" + std::to_string(pids_["control"]) + "/environ");
  const std::string text{std::istreambuf_iterator<char>(variables), std::istreambuf_iterator<char>()};
  EXPECT_NE(text.find("PATH="), std::string::npos);
  EXPECT_EQ(text.find("NOTIFY_SOCKET"), std::string::npos) << "a child could tell the manager anything";
  ASSERT_GT(pids_["control"], 1);
  ASSERT_EQ(::kill(pids_["control"], SIGKILL), 0);
  EXPECT_TRUE(manager_.hears("READY=1")) << "of the next control process";
  end(server);
}

TEST_F(UnderAServiceManager, AServerThatDiedAsAWholeGoesOnWithWhatWasStored) {
  Server first(arguments(port_));
  ASSERT_NO_FATAL_FAILURE(kill_all(first));
  Server second(arguments(port_), Server::AtEnd::kill_children, manager_.stored());
  EXPECT_TRUE(second.wait_for("takes over a running server.* from=service-manager")) << second.output();
  EXPECT_TRUE(second.wait_for("process=worker-0 message=\"ready\" engine=\\S+ incarnation=2")) << second.output();
  EXPECT_TRUE(manager_.hears("READY=1"));
  EXPECT_TRUE(stores_everything()) << "for the next time";
  end(second);
  EXPECT_TRUE(std::regex_search(second.output(), std::regex("control pid=\\d+ starts=2"))) << second.output();
}

TEST_F(UnderAServiceManager, AServerOfAnotherShapeStartsAnew) {
  Server first(arguments(port_));
  ASSERT_NO_FATAL_FAILURE(kill_all(first));
  auto other = arguments(port_);
  other[1] = "2";
  Server second(other, Server::AtEnd::kill_children, manager_.stored());
  EXPECT_TRUE(second.wait_for("note: starts anew\\. .*with 1 workers")) << second.output();
  EXPECT_TRUE(second.wait_for("control pid=\\d+ starts=1 ")) << second.output();
  EXPECT_TRUE(manager_.hears("READY=1"));
  EXPECT_TRUE(stores_everything());
  EXPECT_TRUE(manager_.has("shared.1"));
  end(second);
}

TEST_F(UnderAServiceManager, AStoreWithAGapIsNotTakenOver) {
  Server first(arguments(port_));
  ASSERT_NO_FATAL_FAILURE(kill_all(first));
  manager_.lose("wishes.0");
  Server second(arguments(port_), Server::AtEnd::kill_children, manager_.stored());
  EXPECT_TRUE(second.wait_for("note: starts anew\\.")) << second.output();
  EXPECT_TRUE(second.wait_for("control pid=\\d+ starts=1 ")) << second.output();
  EXPECT_TRUE(manager_.hears("READY=1"));
  end(second);
}

TEST_F(UnderAServiceManager, TheKeeperIsAskedFirst) {
  Server first(arguments(port_));
  pids_ = first.wait_until_ready();
  ASSERT_FALSE(pids_.empty()) << first.output();
  ASSERT_TRUE(stores_everything());
  first.signal(SIGKILL);
  ASSERT_EQ(first.wait_for_end(), -SIGKILL);
  Server second(arguments(port_), Server::AtEnd::kill_children, manager_.stored());
  EXPECT_TRUE(second.wait_for("takes over a running server.* from=keeper")) << second.output();
  EXPECT_TRUE(manager_.hears("READY=1"));
  for (const auto& [name, pid] : pids_) EXPECT_TRUE(is_alive(pid)) << name;
  end(second);
}

}  // namespace
}  // namespace sluice
