#pragma once

#include <libwebsockets.h>

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "control/loop/web_server.hpp"

namespace sluice::loop {

/// libwebsockets tokenises at most 63 characters of a subprotocol's name.
inline constexpr std::size_t subprotocol_size_max = 63;

/// One open port. Internal to this folder.
struct LwsListener {
  ListenerConfig config;
  lws_vhost* vhost = nullptr;
  std::array<lws_protocols, 3> protocols{};
  /// The name of protocols[1]. libwebsockets selects a subprotocol by comparing names; the contract selects whatever the
  /// client offers first. So this entry takes the offered name for the length of one upgrade (all on one thread).
  std::array<char, subprotocol_size_max + 1> offered_name{};
  std::unordered_map<std::string, std::uint32_t> sockets_by_ip;
};

/// One HTTP exchange on a connection.
struct LwsExchange {
  HttpRequest request;
  HttpResponse response;
  std::size_t sent = 0;
  bool body_too_large = false;
  bool answered = false;
};

/// One WebSocket.
struct LwsSocket {
  LwsListener* listener = nullptr;
  lws* wsi = nullptr;
  SocketId id = 0;
  std::string ip;
  std::string received;  // fragments of the message being received
  std::deque<std::shared_ptr<const std::string>> queue;
  std::size_t queue_bytes = 0;
  std::optional<std::pair<std::uint16_t, std::string>> closing;
  bool close_sent = false;
  bool ping_due = false;
  bool awaiting_pong = false;
};

/// What libwebsockets keeps for each connection (zeroed memory of its own): at most one of the two is set.
struct LwsSession {
  LwsExchange* exchange;
  LwsSocket* socket;
};

/// A header of the request being handled, or empty.
[[nodiscard]] std::string request_header(lws* wsi, lws_token_indexes token);
[[nodiscard]] std::pair<HttpMethod, std::string> request_method_and_path(lws* wsi);
[[nodiscard]] std::string request_query(lws* wsi);
/// The client's address as text; IPv4-mapped ones as IPv4 (contract section 22).
[[nodiscard]] std::string request_ip(lws* wsi, bool trust_proxy);
[[nodiscard]] bool is_loopback_ip(std::string_view ip);

}  // namespace sluice::loop
