#include "control/host/ready_line.hpp"

#include "control/host/host_addresses.hpp"

namespace sluice {
namespace {

std::string page_urls(const config::SignalingConfig& config, std::uint16_t port) {
  const std::string scheme = config.tls ? "https://" : "http://";
  const auto url = [&](const std::string& host) { return scheme + host + ":" + std::to_string(port) + "/"; };
  if (!config.host.empty()) return url(config.host.find(':') == std::string::npos ? config.host : "[" + config.host + "]");
  std::string urls = url("127.0.0.1");
  if (!config.tls) return urls;  // browsers give cameras to https and to this machine only
  for (const SocketAddress& address : host_addresses()) {
    const std::string ip = address.ip_to_string();
    if (ip != "127.0.0.1") urls += ", " + url(address.is_ipv4() ? ip : "[" + ip + "]");
  }
  return urls;
}

}  // namespace

std::string ready_line(const config::ServerConfig& config, std::uint16_t signaling_port, std::uint16_t admin_port) {
  std::string line = "sluice ready: page and signaling " + page_urls(config.signaling, signaling_port);
  if (config.admin_api.enabled)
    line += "; admin http://" + config.admin_api.host + ":" + std::to_string(admin_port) + config.admin_api.prefix;
  line += "; media udp " + std::to_string(config.media.port);
  if (config.workers.count > 1) line += "-" + std::to_string(config.media.port + config.workers.count - 1);
  return line;
}

}  // namespace sluice
