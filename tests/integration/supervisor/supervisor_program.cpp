// The supervisor as a process of its own, around the real worker and handshaker and a stand-in for control:
//   supervisor_program PORT WORKERS STOP_LIMIT_MS CONTROL_BEHAVIOUR RUNTIME_FOLDER [HANDSHAKER]
//   supervisor_program check-takeover PORT ... --descriptors=N
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include "control/supervisor/adoption.hpp"
#include "control/supervisor/start_error.hpp"
#include "control/supervisor/supervisor.hpp"

int main(int count, char** words) {
  using namespace sluice;
  const bool checks = count > 1 && words[1] == std::string("check-takeover");
  const std::string last = words[count - 1];
  if (checks) {
    ++words;
    count -= 2;
  }
  if (count < 6) return 64;
  supervisor::SupervisorConfig config;
  config.media_port = static_cast<std::uint16_t>(std::stoi(words[1]));
  config.worker_count = static_cast<std::uint16_t>(std::stoi(words[2]));
  config.stop_limit = std::chrono::milliseconds(std::stoi(words[3]));
  config.control_arguments = {"--behaviour=" + std::string(words[4])};
  config.control_config = R"({"signaling":{"port":)" + std::string(words[4] == std::string("other") ? "2" : "1") + "}}";
  config.listen = {*SocketAddress::parse("127.0.0.1", 0)};
  config.runtime_folder = words[5];
  config.server_arguments.assign(words + 1, words + count);
  config.check_arguments = {"check-takeover"};
  config.check_arguments.insert(config.check_arguments.end(), words + 1, words + count);
  config.programs.control = config.programs.control.parent_path() / "control_stand_in_program";
  if (count > 6) config.programs.handshaker = words[6];
  try {
    if (checks) {
      supervisor::check_takeover(supervisor::descriptors_argument(last).value(), config);
      return 0;
    }
    auto adoption = supervisor::look_for_server(config);
    return supervisor::run_supervisor(config, std::move(adoption));
  } catch (const supervisor::StartError& error) {
    std::fprintf(checks ? stdout : stderr, "sluice: %s\n", error.what());
    return 1;
  }
}
