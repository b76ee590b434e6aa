#include "control/supervisor/adoption.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "control/supervisor/keeper.hpp"
#include "control/supervisor/local_socket.hpp"
#include "control/supervisor/runtime_folder.hpp"
#include "control/supervisor/service_store.hpp"
#include "control/supervisor/start_error.hpp"

namespace sluice::supervisor {
namespace {

using namespace std::chrono_literals;

// It answers at once, unless the machine is overloaded.
constexpr auto patience = 5000ms;

[[noreturn]] void fail(const std::string& why) {
  throw StartError("A server without its supervisor runs, but its keeper " + why +
                   ": try again, or end its processes first.");
}

/// Of a server that is dead as a whole, unless it died in the midst of being started.
std::optional<Adoption> from_service_manager(DescriptorSet handed_back, const SupervisorConfig& config) {
  if (handed_back.size() == 0) return std::nullopt;
  std::vector<std::string> names;
  for (const auto& [name, descriptor] : handed_back.all()) names.push_back(name);
  try {
    if (handed_back.find("roster") < 0) throw StartError("What the service manager kept is not whole.");
    Roster roster = Roster::attach(handed_back.find("roster"));
    roster.check(config);
    return Adoption{std::move(handed_back), std::move(roster), std::move(names)};
  } catch (const StartError& error) {
    // Configured otherwise, or another version. Whoever of it lives has the ports.
    const std::string line = std::string("sluice: note: starts anew. ") + error.what() + "\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    ServiceStore::let_go(names);
    return std::nullopt;  // and what was handed back is closed
  }
}

}  // namespace

std::filesystem::path keeper_path(const SupervisorConfig& config) {
  return config.runtime_folder / ("keeper-" + socket_name(config.media_port, config.listen));
}

std::optional<Adoption> look_for_server(const SupervisorConfig& config) {
  DescriptorSet handed_back = ServiceStore::take_handed_back();
  if (config.runtime_folder.empty()) return std::nullopt;
  const Descriptor keeper = connect_to(keeper_path(config), patience);
  if (!keeper.valid()) return from_service_manager(std::move(handed_back), config);
  const std::optional<ucred> peer = peer_of(keeper.get());
  // Of the process that called listen(): the supervisor that is dead.
  if (!peer || peer->uid != ::geteuid()) return std::nullopt;
  const KeeperMessage question;
  KeeperMessage answer;
  if (::send(keeper.get(), &question, sizeof(question), MSG_NOSIGNAL) < 0 ||
      ::recv(keeper.get(), &answer, sizeof(answer), 0) != static_cast<ssize_t>(sizeof(answer)) ||
      answer.magic != KeeperMessage::expected_magic) {
    fail("does not answer");
  }
  if (answer.kind != KeeperMessage::Kind::granted) return std::nullopt;
  auto descriptors = receive_descriptors(keeper.get());
  if (!descriptors) fail("did not hand over (" + std::string(to_string(descriptors.error())) + ")");
  Roster roster = Roster::attach(descriptors->find("roster"));
  roster.check(config);
  return Adoption{std::move(*descriptors), std::move(roster)};
}

void check_takeover(int socket, const SupervisorConfig& config) {
  const auto descriptors = receive_descriptors(socket);
  if (!descriptors) throw StartError("The roster did not come (" + std::string(to_string(descriptors.error())) + ").");
  Roster::attach(descriptors->find("roster")).check(config);
}

std::optional<int> descriptors_argument(std::string_view word) {
  constexpr std::string_view flag = "--descriptors=";
  if (!word.starts_with(flag)) return std::nullopt;
  word.remove_prefix(flag.size());
  int number = -1;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || end != word.data() + word.size() || number < 0) return std::nullopt;
  return number;
}

}  // namespace sluice::supervisor
