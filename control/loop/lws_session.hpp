#pragma once

#include <libwebsockets.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/loop/http_reply.hpp"
#include "control/loop/route.hpp"
#include "control/loop/web_server.hpp"
#include "shm/types/shared_text.hpp"

namespace sluice::loop {

/// libwebsockets tokenises at most 63 characters of a subprotocol's name, and 127 of the whole list.
inline constexpr std::size_t subprotocol_size_max = 63;
inline constexpr std::size_t subprotocol_list_size_max = 127;

/// Connections of one address.
struct LwsAddress {
  std::string ip;
  std::uint32_t connections = 0;
};

/// What an upgrade was granted; lives from the upgrade callback to the established one, on one stack.
struct LwsGrant {
  UpgradeAccept accept;
  UpgradeRequest request;
};

/// One open port. Internal to this folder.
struct LwsListener {
  ListenerConfig config;
  lws_vhost* vhost = nullptr;
  std::array<lws_protocols, 3> protocols{};
  /// The name of protocols[1]. libwebsockets selects a subprotocol by comparing names; who decides here are routes. So this
  /// entry takes the name that the client offers first, which makes it the one that matches, and then the name that was
  /// decided upon, which is sent; all for the length of one upgrade, on one thread.
  std::array<char, subprotocol_size_max + 1> protocol_name{};
  std::optional<LwsGrant> grant;
  std::unordered_map<std::string, std::uint32_t> sockets_by_ip;
  std::unordered_map<std::string, LwsAddress> connections_by_ip;
};

/// One HTTP exchange on a connection.
struct LwsExchange {
  enum class State : std::uint8_t {
    receiving,  // the body
    deciding,   // inside the route
    waiting,    // for an answer; libwebsockets does not look at the socket meanwhile
    answered,   // to be written when libwebsockets calls
    sending,    // written, but the kernel has not taken all
    streaming,  // waits for the next piece of its body, or to be called to write it
    done,
  };
  std::uint64_t id = 0;
  lws* wsi = nullptr;
  LwsListener* listener = nullptr;
  State state = State::receiving;
  HttpRequest request;
  HttpResponse response;
  HttpReply::Aborter aborter;
  std::shared_ptr<HttpBodySource> source;  // of a body of which not all is written yet
  Route* route = nullptr;                  // that claims it; null: the listener's own
  std::optional<HttpReply> reply;          // until the route has been asked
  bool body_pending = false;               // more of the request is to come, whatever the state
  bool body_too_large = false;
  bool must_close = false;  // the connection cannot be used for another request
  bool last = false;        // the client said `close`: libwebsockets does that, and the answer says it
  bool chunks = true;       // the client understands chunks; the end of a streamed body is that of the connection otherwise
  TimePoint since{};        // of waiting or sending
};

/// One WebSocket.
struct LwsSocket {
  struct Outgoing {
    SharedText text;
    MessageKind kind = MessageKind::text;
  };
  LwsListener* listener = nullptr;
  lws* wsi = nullptr;
  WebSocketHandler* handler = nullptr;
  SocketId id = 0;
  std::string ip;
  std::size_t message_bytes_max = 0;
  std::size_t send_queue_bytes_max = 0;
  std::string received;  // fragments of the message being received
  std::vector<Outgoing> queue;
  std::size_t queue_bytes = 0;
  TimePoint unanswered_since = never;  // the oldest ping without a pong
  std::optional<std::pair<std::uint16_t, std::string>> closing;
  bool close_sent = false;
  bool ping_due = false;
  bool probed = false;     // the next pong is to be told to the handler
  bool flush_due = false;  // it is in the list of those to be written at the end of this turn
};

/// What libwebsockets keeps for each connection (zeroed memory of its own): at most one of the two is set.
struct LwsSession {
  LwsExchange* exchange;
  LwsSocket* socket;
};

/// A header of the request being handled, or empty.
[[nodiscard]] std::string request_header(lws* wsi, lws_token_indexes token);
/// All that the head says; for an upgrade as well.
void read_request_head(lws* wsi, const ListenerConfig& config, RequestHead& head);
/// The client's address as text; IPv4-mapped ones as IPv4 (contract section 22).
[[nodiscard]] std::string request_ip(lws* wsi, bool trust_proxy);
[[nodiscard]] std::string socket_ip(int fd);
[[nodiscard]] bool is_loopback_ip(std::string_view ip);
/// Loopback, or named by the operator.
[[nodiscard]] bool is_exempt_ip(const ListenerConfig& config, std::string_view ip);
/// The elements of a comma-separated header.
[[nodiscard]] std::vector<std::string> list_elements(std::string_view list);
/// Whether the request is of HTTP/1.1 or a later 1.x, whose clients understand chunks (RFC 9112 section 6.1).
[[nodiscard]] bool understands_chunks(lws* wsi);
/// Status line, headers and the empty line. `closes`: says that the connection ends. `chunks`: how a streamed body comes.
[[nodiscard]] std::string response_head(const HttpResponse& response, bool closes, bool chunks = true);

}  // namespace sluice::loop
