#include "control/app/server_options.hpp"

#include <algorithm>
#include <string>

#include "control/host/host_addresses.hpp"
#include "control/page/page_server.hpp"

namespace sluice::app {

SignalingOptions signaling_options(const config::SignalingConfig& config) {
  SignalingOptions options;
  options.port = config.port;
  options.max_peers_per_room = config.max_peers_per_room;
  options.auto_create_rooms = config.auto_create_rooms;
  options.auto_destroy_rooms = config.auto_destroy_rooms;
  options.ping_interval = config.ping_interval;
  options.reconnect_ttl = config.reconnect_ttl;
  options.max_message_size = config.max_message_bytes;
  options.trust_proxy = config.trust_proxy;
  options.room_id_bytes_max = config.max_room_id_bytes;
  options.relay_control_payloads = config.relay_control_payloads;
  return options;
}

SessionOptions session_options(const config::ServerConfig& config) {
  SessionOptions options = signaling_options(config.signaling).sessions();
  if (const auto& manager = config.security.session_manager) {
    options.session_ttl = manager->ttl;
    options.queue_max = manager->queue_max;
  }
  return options;
}

SignalingOptions native_options(const config::ServerConfig& config) {
  SignalingOptions options = signaling_options(config.signaling);
  options.limit_exempt = config.security.limit_exempt;
  return options;
}

SfuOptions sfu_options(const config::ServerConfig& config) {
  SfuOptions options;
  options.region = config.native_sfu.region;
  options.listen_ip = config.media.listen.front().ip_to_string();
  if (!config.media.announced_ips.empty()) options.announced_ip = config.media.announced_ips.front();
  options.media_port_min = config.media.port;
  options.media_port_max = static_cast<std::uint16_t>(config.media.port + config.workers.count - 1);
  options.enable_simulcast = config.native_sfu.simulcast;
  return options;
}

std::vector<SocketAddress> announced_addresses(const config::MediaConfig& media, std::uint16_t index) {
  std::vector<SocketAddress> addresses;
  for (const std::string& ip : media.announced_ips) addresses.push_back(*SocketAddress::parse(ip, 0));
  if (addresses.empty()) {
    // Of the host's own addresses those are told that the sockets can be reached at.
    for (const SocketAddress& address : host_addresses()) {
      const bool reachable = std::any_of(media.listen.begin(), media.listen.end(), [&](const SocketAddress& listen) {
        const bool any = listen.ip_to_string() == "0.0.0.0" || listen.ip_to_string() == "::";
        return listen.is_ipv4() == address.is_ipv4() && (any || listen.ip == address.ip);
      });
      if (reachable) addresses.push_back(address);
    }
  }
  if (addresses.empty()) {
    for (const SocketAddress& listen : media.listen) addresses.push_back(listen);
  }
  for (SocketAddress& address : addresses) address.port = static_cast<std::uint16_t>(media.port + index);
  return addresses;
}

loop::ListenerConfig signaling_listener(const config::SignalingConfig& config, const loop::Routes& routes,
                                        loop::WebSocketHandler& handler) {
  loop::ListenerConfig listener;
  listener.name = "signaling";
  listener.host = config.host;
  listener.port = config.port;
  if (config.tls) {
    listener.tls_cert = config.tls->cert;
    listener.tls_key = config.tls->key;
  }
  listener.message_bytes_max = config.max_message_bytes;
  listener.send_queue_bytes_max = 4 * config.max_message_bytes;
  listener.ping_interval = config.ping_interval;
  listener.trust_proxy = config.trust_proxy;
  listener.allowed_origins = config.allowed_origins;
  listener.routes = &routes;
  listener.http = serve_page;
  listener.websocket = &handler;
  return listener;
}

}  // namespace sluice::app
