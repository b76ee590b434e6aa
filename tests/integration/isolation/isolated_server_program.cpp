// The supervisor around the real control and handshaker, with any program in the workers' place:
//   isolated_server_program WORKER_PROGRAM WORKERS MEDIA_PORT SECCOMP CONTROL_CONFIG [TLS_CERT TLS_KEY]
#include <string>

#include "control/supervisor/supervisor.hpp"

int main(int count, char** words) {
  using namespace sluice;
  if (count < 6) return 64;
  supervisor::SupervisorConfig config;
  config.programs.worker = words[1];
  config.worker_count = static_cast<std::uint16_t>(std::stoi(words[2]));
  config.media_port = static_cast<std::uint16_t>(std::stoi(words[3]));
  config.isolation.filter = filter_mode_from(words[4]).value();
  config.control_config = words[5];
  config.listen = {*SocketAddress::parse("127.0.0.1", 0)};
  if (count > 7) {
    config.tls_certificate = words[6];
    config.tls_key = words[7];
  }
  return supervisor::run_supervisor(config);
}
