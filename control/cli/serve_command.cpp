#include "control/cli/serve_command.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <thread>
#include <utility>

#include "control/cli/port_check.hpp"
#include "control/cli/serve_arguments.hpp"
#include "control/cli/store_folder.hpp"
#include "control/host/ready_line.hpp"
#include "control/supervisor/adoption.hpp"
#include "control/supervisor/runtime_folder.hpp"
#include "control/supervisor/start_error.hpp"
#include "control/supervisor/supervisor.hpp"

namespace sluice::cli {

namespace {

std::string engine_name(config::EngineChoice choice) {
  switch (choice) {
    case config::EngineChoice::automatic:
      return "auto";
    case config::EngineChoice::io_uring:
      return "io_uring";
    case config::EngineChoice::mmsg:
      return "mmsg";
  }
  return "auto";
}

FilterMode filter_mode(config::SeccompMode mode) {
  switch (mode) {
    case config::SeccompMode::enforce:
      return FilterMode::enforce;
    case config::SeccompMode::log:
      return FilterMode::log;
    case config::SeccompMode::off:
      return FilterMode::off;
  }
  return FilterMode::enforce;
}

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

supervisor::SupervisorConfig supervisor_config(const ServeArguments& serve) {
  supervisor::SupervisorConfig config;
  config.worker_count = serve.config.workers.count;
  config.cores = serve.config.workers.cores;
  config.spares = serve.config.workers.spares;
  config.media_port = serve.config.media.port;
  config.listen = serve.config.media.listen;
  config.engine = engine_name(serve.config.media.engine);
  config.control_config = serve.explicit_tree.dump();
  config.log_format = serve.config.log.format == config::LogFormat::json ? LogFormat::json : LogFormat::line;
  const config::SignalingConfig& signaling = serve.config.signaling;
  const config::AdminApiConfig& admin = serve.config.admin_api;
  const auto low = [](std::uint16_t port) { return port != 0 && port < 1024; };
  config.drain_on_sigterm = serve.config.drain.on_sigterm > 0;
  config.isolation.users = serve.config.isolation.users;
  config.isolation.first_user = serve.config.isolation.first_user;
  config.isolation.filter = filter_mode(serve.config.isolation.seccomp);
  config.isolation.low_ports = low(signaling.port) || (admin.enabled && low(admin.port)) ||
                               (serve.config.api.governance.enabled && low(serve.config.api.governance.port));
  if (signaling.tls) {
    config.tls_certificate = signaling.tls->cert;
    config.tls_key = signaling.tls->key;
  }
  config.runtime_folder = supervisor::runtime_folder().value_or(std::filesystem::path());
  if (serve.config.security.store.on_disk) {
    const std::string& wanted = serve.config.security.store.path;
    const std::filesystem::path path =
        wanted.empty() ? default_store_folder(config.media_port, environment, ::geteuid() == 0, config.runtime_folder)
                       : std::filesystem::absolute(wanted);
    if (!path.empty()) config.data_folders.push_back({"folder.store", path, "sluice.db"});
  }
  if (const auto& audit = serve.config.security.audit_logger; audit && !audit->file_path.empty()) {
    const std::filesystem::path file = std::filesystem::absolute(audit->file_path);
    config.data_folders.push_back({"folder.audit", file.parent_path(), file.filename().string()});
  }
  const config::ControlSocketConfig& socket = serve.config.api.control;
  if (socket.enabled) {
    config.control_socket.was_asked_for = !socket.path.empty();
    config.control_socket.mode = socket.mode;
    config.control_socket.group = socket.group;
    if (!socket.path.empty()) {
      config.control_socket.path = std::filesystem::absolute(socket.path);
    } else if (!config.runtime_folder.empty()) {
      config.control_socket.path = config.runtime_folder / "control.sock";
      // Others may pass through to the socket, whose own rights count; they may not look around.
      constexpr mode_t others = 0077;
      if ((socket.mode & others) != 0) (void)::chmod(config.runtime_folder.c_str(), 0711);
    }
  }
  return config;
}

void check_tcp_ports(const config::ServerConfig& config) {
  check_tcp_port(config.signaling.host, config.signaling.port, "signaling.port");
  if (config.admin_api.enabled) check_tcp_port(config.admin_api.host, config.admin_api.port, "adminApi.port");
  const config::GovernanceConfig& governance = config.api.governance;
  if (governance.enabled && governance.port_was_set) check_tcp_port(governance.host, governance.port, "governance.port");
}

ServeArguments read_arguments(std::span<const std::string> arguments) {
  return read_serve_arguments(arguments, environment, std::max(1U, std::thread::hardware_concurrency()));
}

/// SIGHUP: the sources as they are now.
std::optional<std::string> reread(std::span<const std::string> arguments) {
  try {
    const ServeArguments serve = read_arguments(arguments);
    for (const std::string& warning : serve.warnings) std::fprintf(stderr, "sluice: note: %s\n", warning.c_str());
    return serve.explicit_tree.dump();
  } catch (const config::ConfigError& error) {
    std::fprintf(stderr, "sluice: the configuration stays as it is, because it could not be read again: %s\n", error.what());
    return std::nullopt;
  }
}

/// Runs it; what it throws becomes one sentence in `to`.
template <typename Command>
int with_errors_told(std::FILE* to, Command&& command) {
  try {
    return command();
  } catch (const supervisor::StartError& error) {
    std::fprintf(to, "sluice: %s\n", error.what());
    return 1;
  } catch (const config::ConfigError& error) {
    std::fprintf(to, "sluice: %s\n", error.what());
    return 2;
  }
}

}  // namespace

int serve(std::span<const std::string> arguments) {
  return with_errors_told(stderr, [&] {
    const ServeArguments serve = read_arguments(arguments);
    if (serve.help) {
      std::fputs(serve_help().c_str(), stdout);
      return 0;
    }
    supervisor::SupervisorConfig config = supervisor_config(serve);
    const std::vector<std::string> words(arguments.begin(), arguments.end());
    config.reread_config = [words] { return reread(words); };
    config.server_arguments = {"serve"};
    config.server_arguments.insert(config.server_arguments.end(), arguments.begin(), arguments.end());
    config.check_arguments = {"check-takeover"};
    config.check_arguments.insert(config.check_arguments.end(), arguments.begin(), arguments.end());
    config.ready_line = ready_line(serve.config, serve.config.signaling.port, serve.config.admin_api.port);
    std::optional<supervisor::Adoption> adoption = supervisor::look_for_server(config);
    // The control process of a server that is taken over has them open.
    if (!adoption) check_tcp_ports(serve.config);
    for (const std::string& warning : serve.warnings) std::fprintf(stderr, "sluice: note: %s\n", warning.c_str());
    return supervisor::run_supervisor(config, std::move(adoption));
  });
}

int check_takeover(std::span<const std::string> arguments) {
  return with_errors_told(stdout, [&] {
    const std::optional<int> socket = arguments.empty() ? std::nullopt : supervisor::descriptors_argument(arguments.back());
    if (!socket) throw supervisor::StartError("'check-takeover' is asked by a running sluice serve only.");
    supervisor::check_takeover(*socket, supervisor_config(read_arguments(arguments.first(arguments.size() - 1))));
    return 0;
  });
}

}  // namespace sluice::cli
