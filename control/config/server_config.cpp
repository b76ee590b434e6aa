#include "control/config/server_config.hpp"

#include <algorithm>
#include <set>

#include "control/config/config_errors.hpp"
#include "control/config/read_values.hpp"

namespace sluice::config {

using nlohmann::json;

namespace {

SignalingConfig read_signaling(const json& tree) {
  SignalingConfig signaling;
  read(tree, "signaling.host", signaling.host);
  read(tree, {"signaling.port", "server.port"}, signaling.port);
  read(tree, "signaling.allowedOrigins", signaling.allowed_origins);
  read(tree, {"signaling.maxPeersPerRoom", "server.maxPeersPerRoom"}, signaling.max_peers_per_room);
  read(tree, "signaling.maxRoomIdBytes", signaling.max_room_id_bytes);
  read(tree, {"signaling.maxMessageSize", "server.maxMessageSize"}, signaling.max_message_bytes);
  read(tree, {"signaling.autoCreateRooms", "server.autoCreateRooms"}, signaling.auto_create_rooms);
  read(tree, {"signaling.autoDestroyRooms", "server.autoDestroyRooms"}, signaling.auto_destroy_rooms);
  read(tree, "signaling.relayControlPayloads", signaling.relay_control_payloads);
  read(tree, "signaling.trustProxy", signaling.trust_proxy);
  read(tree, {"signaling.pingInterval", "server.pingInterval"}, signaling.ping_interval);
  read(tree, {"signaling.reconnectTtl", "server.reconnectTtl"}, signaling.reconnect_ttl);
  TlsFiles tls;
  read(tree, "signaling.tls.cert", tls.cert);
  read(tree, "signaling.tls.key", tls.key);
  if (tls.cert.empty() != tls.key.empty()) {
    throw ConfigError("'signaling.tls' needs both 'cert' and 'key', two PEM files; " +
                      std::string(tls.cert.empty() ? "'cert'" : "'key'") + " is missing.");
  }
  if (!tls.cert.empty()) signaling.tls = tls;
  return signaling;
}

MediaConfig read_media(const json& tree) {
  MediaConfig media;
  read(tree, "media.port", media.port);
  std::vector<std::string> listen{"0.0.0.0", "::"};
  read(tree, {"media.listen", "nativeSfu.listenIp", "sfu.listenIp"}, listen);
  for (const std::string& ip : listen) {
    const auto address = SocketAddress::parse(ip, 0);
    if (!address) throw ConfigError("'" + ip + "' in 'media.listen' is not a numeric IP address, such as 0.0.0.0 or ::.");
    const bool twice = std::any_of(media.listen.begin(), media.listen.end(),
                                   [&](const SocketAddress& other) { return other.is_ipv4() == address->is_ipv4(); });
    if (twice) throw ConfigError("'media.listen' takes at most one IPv4 and one IPv6 address.");
    media.listen.push_back(*address);
  }
  if (media.listen.empty()) throw ConfigError("'media.listen' is empty; name 0.0.0.0, :: or an address of this machine.");
  read(tree, {"media.announced_ip", "nativeSfu.announcedIp", "sfu.announcedIp"}, media.announced_ips);
  for (const std::string& ip : media.announced_ips) {
    if (!SocketAddress::parse(ip, 0)) throw ConfigError("'" + ip + "' in 'media.announced_ip' is not a numeric IP address.");
  }
  std::string engine = "auto";
  read(tree, "media.engine", engine);
  media.engine = engine == "io_uring" ? EngineChoice::io_uring
                 : engine == "mmsg"   ? EngineChoice::mmsg
                                      : EngineChoice::automatic;
  return media;
}

WorkersConfig read_workers(const json& tree, unsigned cpu_count, const MediaConfig& media) {
  WorkersConfig workers;
  read(tree, "workers.cores", workers.cores);
  const std::set<std::uint16_t> distinct(workers.cores.begin(), workers.cores.end());
  if (distinct.size() != workers.cores.size())
    throw ConfigError("'workers.cores' names a core twice; each worker needs one of its own.");
  for (const std::uint16_t core : workers.cores) {
    if (core >= cpu_count) {
      throw ConfigError("'workers.cores' names core " + std::to_string(core) + ", but this machine has cores 0 to " +
                        std::to_string(cpu_count - 1) + ".");
    }
  }
  workers.count = workers.cores.empty() ? static_cast<std::uint16_t>(std::clamp(cpu_count, 1U, 256U))
                                        : static_cast<std::uint16_t>(workers.cores.size());
  read(tree, {"workers.count", "nativeSfu.numWorkers", "sfu.numWorkers"}, workers.count);
  read(tree, "workers.spares", workers.spares);
  if (!workers.cores.empty() && workers.count > workers.cores.size()) {
    throw ConfigError("'workers.count' is " + std::to_string(workers.count) + ", but 'workers.cores' names only " +
                      std::to_string(workers.cores.size()) + " cores; leave the count out or name more cores.");
  }
  if (media.port + workers.count - 1 > 65535) {
    throw ConfigError("'media.port' " + std::to_string(media.port) + " leaves no room for " + std::to_string(workers.count) +
                      " workers below 65536; choose a lower port.");
  }
  return workers;
}

IsolationConfig read_isolation(const json& tree) {
  IsolationConfig isolation;
  std::string text = "auto";
  read(tree, "isolation.users", text);
  isolation.users = text != "off";
  read(tree, "isolation.firstUser", isolation.first_user);
  text = "enforce";
  read(tree, "isolation.seccomp", text);
  isolation.seccomp = text == "log" ? SeccompMode::log : text == "off" ? SeccompMode::off : SeccompMode::enforce;
  return isolation;
}

AdminApiConfig read_admin_api(const json& tree) {
  AdminApiConfig admin_api;
  read(tree, "adminApiEnabled", admin_api.enabled);
  read(tree, "adminApi.host", admin_api.host);
  read(tree, "adminApi.port", admin_api.port);
  read(tree, "adminApi.adminSecret", admin_api.secret);
  read(tree, "adminApi.prefix", admin_api.prefix);
  const auto loopback = SocketAddress::parse(admin_api.host, 0);
  if (!loopback && admin_api.host != "localhost") {
    throw ConfigError("'adminApi.host' must be a numeric IP address, such as 127.0.0.1.");
  }
  const bool is_local = admin_api.host == "localhost" || admin_api.host == "::1" || admin_api.host.starts_with("127.");
  if (admin_api.enabled && admin_api.secret.empty() && !is_local) {
    throw ConfigError("'adminApi.host' " + admin_api.host +
                      " is reachable from outside; set 'adminApi.adminSecret' as well, or leave the host at 127.0.0.1.");
  }
  return admin_api;
}

}  // namespace

ServerConfig resolve(const json& tree, unsigned cpu_count) {
  ServerConfig config;
  config.tree = tree;
  ConfigErrors errors;
  errors.attempt([&] { config.signaling = read_signaling(tree); });
  errors.attempt([&] {
    config.media = read_media(tree);
    config.workers = read_workers(tree, cpu_count, config.media);
  });
  read(tree, "nativeSfuEnabled", config.native_sfu.enabled);
  read(tree, {"nativeSfu.region", "region.id"}, config.native_sfu.region);
  read(tree, "nativeSfu.enableSimulcast", config.native_sfu.simulcast);
  read(tree, "nativeSfu.enableDtx", config.native_sfu.dtx);
  read(tree, "nativeSfu.maxRoomsPerWorker", config.native_sfu.max_rooms_per_worker);
  errors.attempt([&] { config.admin_api = read_admin_api(tree); });
  read(tree, "drain.onSigterm", config.drain.on_sigterm);
  config.isolation = read_isolation(tree);
  std::string text = "line";
  read(tree, "log.format", text);
  config.log.format = text == "json" ? LogFormat::json : LogFormat::line;
  text = "info";
  read(tree, "log.level", text);
  config.log.level = text == "debug"   ? LogLevel::debug
                     : text == "warn"  ? LogLevel::warn
                     : text == "error" ? LogLevel::error
                                       : LogLevel::info;
  errors.attempt([&] { config.policy = read_policy(tree); });
  errors.attempt([&] { config.security = read_security(tree); });
  errors.attempt([&] { config.observability = read_observability(tree); });
  errors.attempt([&] { config.api = read_api(tree); });
  errors.attempt([&] { config.dialects = read_dialects(tree); });
  errors.throw_if_any();
  return config;
}

}  // namespace sluice::config
