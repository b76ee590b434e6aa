// The supervisor as a process of its own, around the real worker and handshaker and a stand-in for control:
//   supervisor_program PORT WORKERS STOP_LIMIT_MS CONTROL_BEHAVIOUR [HANDSHAKER]
#include <chrono>
#include <string>

#include "control/supervisor/supervisor.hpp"

int main(int count, char** words) {
  using namespace sluice;
  if (count < 5) return 64;
  const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  supervisor::SupervisorConfig config;
  config.media_port = static_cast<std::uint16_t>(std::stoi(words[1]));
  config.worker_count = static_cast<std::uint16_t>(std::stoi(words[2]));
  config.stop_limit = std::chrono::milliseconds(std::stoi(words[3]));
  config.control_arguments = {"--behaviour=" + std::string(words[4])};
  config.control_config = R"({"signaling":{"port":1}})";
  config.listen = {*SocketAddress::parse("127.0.0.1", 0)};
  config.programs.control = folder / "control_stand_in_program";
  if (count > 5) config.programs.handshaker = words[5];
  return supervisor::run_supervisor(config);
}
