#include "control/cli/upgrade_command.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "control/supervisor/local_socket.hpp"
#include "control/supervisor/runtime_folder.hpp"
#include "control/supervisor/upgrade_socket.hpp"

namespace sluice::cli {
namespace {

using namespace std::chrono_literals;
using supervisor::UpgradeAnswer;
using supervisor::UpgradeRequest;

// The longest step that the supervisor allows itself is 15 s.
constexpr auto patience = 60s;

/// What the person reads.
class UpgradeError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct UpgradeArguments {
  std::filesystem::path folder;
  std::optional<std::uint16_t> media_port;
  std::string address;  // one that it listens on; empty: any
};

UpgradeArguments read_arguments(std::span<const std::string> arguments) {
  constexpr std::string_view port_flag = "--media.port=", listen_flag = "--media.listen=";
  UpgradeArguments result;
  for (const std::string& argument : arguments) {
    if (argument.starts_with(port_flag)) {
      const std::string_view text = std::string_view(argument).substr(port_flag.size());
      std::uint16_t port = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
      if (error != std::errc() || end != text.data() + text.size()) throw UpgradeError("--media.port wants a port.");
      result.media_port = port;
    } else if (argument.starts_with(listen_flag)) {
      result.address = argument.substr(listen_flag.size());
    } else if (argument.starts_with('-') || !result.folder.empty()) {
      throw UpgradeError("'" + argument +
                         "' is not understood: sluice upgrade PATH [--media.port=N] [--media.listen=ADDRESS].");
    } else {
      result.folder = argument;
    }
  }
  if (result.folder.empty()) throw UpgradeError("The folder of the new build is missing: sluice upgrade PATH.");
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::canonical(result.folder, error);
  if (error || !std::filesystem::is_directory(folder, error)) {
    throw UpgradeError("There is no folder " + result.folder.string() + ".");
  }
  result.folder = folder;
  return result;
}

/// Whether a socket of this name (supervisor::socket_name) is that of the server that is meant.
bool is_meant(std::string_view name, const UpgradeArguments& wanted) {
  constexpr std::string_view prefix = "serve-", suffix = ".sock";
  if (!name.starts_with(prefix) || !name.ends_with(suffix)) return false;
  name = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
  const std::size_t at = std::min(name.find('@'), name.size());
  if (wanted.media_port && name.substr(0, at) != std::to_string(*wanted.media_port)) return false;
  const std::string addresses = "," + std::string(name.substr(std::min(at + 1, name.size()))) + ",";
  return wanted.address.empty() || addresses.find("," + wanted.address + ",") != std::string::npos;
}

/// The sockets of all supervisors of this user that may be meant.
std::vector<std::filesystem::path> sockets_in(const std::filesystem::path& folder, const UpgradeArguments& wanted) {
  std::vector<std::filesystem::path> result;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (is_meant(entry.path().filename().string(), wanted)) result.push_back(entry.path());
  }
  std::sort(result.begin(), result.end());
  return result;
}

Descriptor connect_to_server(const UpgradeArguments& wanted) {
  const auto folder = supervisor::runtime_folder();
  if (!folder) throw UpgradeError("No server of this user can be running: there is no folder for its sockets.");
  std::vector<Descriptor> found;
  for (const std::filesystem::path& path : sockets_in(*folder, wanted)) {
    if (Descriptor socket = supervisor::connect_to(path, patience); socket.valid()) found.push_back(std::move(socket));
  }
  if (found.empty()) {
    throw UpgradeError("No running server was found in " + folder->string() + "; run this as the user that started it.");
  }
  if (found.size() > 1)
    throw UpgradeError("Several servers run: name one with --media.port=N, and --media.listen=ADDRESS if they share it.");
  return std::move(found.front());
}

int follow(int socket) {
  while (true) {
    UpgradeAnswer answer;
    if (::recv(socket, &answer, sizeof(answer), 0) != static_cast<ssize_t>(sizeof(answer)) ||
        answer.magic != UpgradeRequest::expected_magic) {
      throw UpgradeError("The supervisor went away or says nothing: look at its log, and start sluice serve if it ended.");
    }
    answer.text.back() = '\0';
    if (answer.kind == UpgradeAnswer::Kind::refused) throw UpgradeError(answer.text.data());
    std::printf("%s\n", answer.text.data());
    (void)std::fflush(stdout);
    if (answer.kind == UpgradeAnswer::Kind::done) return 0;
  }
}

}  // namespace

int upgrade(std::span<const std::string> arguments) {
  try {
    const UpgradeArguments wanted = read_arguments(arguments);
    UpgradeRequest request;
    const std::string folder = wanted.folder.string();
    if (folder.size() >= request.folder.size()) throw UpgradeError("The path of that folder is too long.");
    std::copy(folder.begin(), folder.end(), request.folder.begin());
    const Descriptor socket = connect_to_server(wanted);
    if (::send(socket.get(), &request, sizeof(request), MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof(request))) {
      throw UpgradeError("The supervisor does not listen.");
    }
    return follow(socket.get());
  } catch (const UpgradeError& error) {
    std::fprintf(stderr, "sluice: %s\n", error.what());
    return 1;
  }
}

}  // namespace sluice::cli
