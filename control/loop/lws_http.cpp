// The HTTP half of LwsServer: requests in, answers out, now or later.
//
// While a request waits for its answer, or the kernel for a client that does not read, libwebsockets is told not to look at
// the socket: it would not read what comes in then, but be woken by it all the time. So those few exchanges are looked after
// by a timer: it sees that a client has gone, that there is room again, or that the time is up.
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

#include "control/loop/clock.hpp"
#include "control/loop/lws_server.hpp"

namespace sluice::loop {

namespace {

using namespace std::chrono_literals;

/// How long a route may take to answer; long polls end well before.
constexpr Duration answer_limit = 120s;
/// How long a client may take to read an answer.
constexpr Duration reading_limit = 60s;
/// How soon it is seen that a waiting client has gone.
constexpr Duration waiting_look = 250ms;
/// How soon a client that did not read gets more.
constexpr Duration sending_look = 10ms;
/// Pieces of a streamed body that are written before others have their turn.
constexpr int pieces_at_once = 4;
/// A body that is too large is read and dropped, so that the answer reaches the client, unless it is larger than this.
constexpr std::size_t dropped_body_bytes_max = 4 * 1048576;

bool is_number(const std::string& text) {
  return !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == std::string::npos;
}

bool client_has_gone(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state != TCP_ESTABLISHED;
}

bool has_room(int fd) {
  pollfd poller{fd, POLLOUT, 0};
  return poll(&poller, 1, 0) > 0;
}

/// RFC 9112 section 9.6. Clients that are not told would send their next request into the closing connection.
bool is_last(const HttpRequest& request) {
  const std::vector<std::string> options = list_elements(request.header("connection").value_or(""));
  return std::any_of(options.begin(), options.end(),
                     [](const std::string& option) { return strcasecmp(option.c_str(), "close") == 0; });
}

HttpResponse json_failure(int status, const char* text) {
  return {status, "application/json", std::string(R"({"error":")") + text + R"("})"};
}

}  // namespace

int LwsServer::http_begin(LwsListener& listener, LwsSession& session, lws* wsi) {
  // Pipelined behind an answer whose body is still being streamed. libwebsockets 4.1 leaves it unread until that has ended;
  // if it ever did not, its answer would get into the body: better that the client sees both missing.
  if (session.exchange != nullptr && session.exchange->source != nullptr) return -1;
  ++statistics_.http_requests;
  http_ended(session);               // the one before on this connection
  auto* exchange = new LwsExchange;  // released in http_ended(), which libwebsockets calls in every case
  session.exchange = exchange;
  exchange->id = next_id_++;
  exchange->wsi = wsi;
  exchange->listener = &listener;
  HttpRequest& request = exchange->request;
  read_request_head(wsi, listener.config, request);
  request.exchange = exchange->id;
  exchange->last = is_last(request);
  exchange->chunks = understands_chunks(wsi);

  const std::string length = request.header("content-length").value_or("");
  const bool has_body = !length.empty() && length.find_first_not_of('0') != std::string::npos;
  // libwebsockets expects a body of any length after these methods when they announce none.
  exchange->must_close = length.empty() && (request.method == HttpMethod::post || request.method == HttpMethod::put ||
                                            request.method == HttpMethod::patch);
  std::optional<HttpResponse> refusal;
  if (request.header("transfer-encoding")) refusal = json_failure(411, "Length required");
  if (!length.empty() && !is_number(length)) refusal = json_failure(400, "Invalid content-length");
  if (!refusal && has_body && std::stoull(length) > listener.config.body_bytes_max + dropped_body_bytes_max)
    refusal = json_failure(413, "Body too large");
  // libwebsockets closes after a plain "close", not after a list with it.
  exchange->must_close |= exchange->last && strcasecmp(request.header("connection").value_or("").c_str(), "close") != 0;
  if (refusal) {
    exchange->must_close = true;
    exchange->response = *std::move(refusal);
    return http_write(*exchange);
  }
  const Routes* routes = listener.config.routes;
  exchange->route = routes == nullptr ? nullptr : routes->find(request);
  exchange->reply.emplace([this, id = exchange->id](HttpResponse response) { http_answered(id, std::move(response)); });
  exchange->aborter = exchange->reply->aborter();
  exchanges_.emplace(exchange->id, exchange);
  if (!has_body) return http_decide(*exchange);
  exchange->body_pending = true;
  if (exchange->route != nullptr) {
    exchange->route->http_arriving(request, *exchange->reply);
    if (exchange->state == LwsExchange::State::answered) return http_write(*exchange);
  }
  if (const auto expected = request.header("expect"); expected && strcasecmp(expected->c_str(), "100-continue") == 0) {
    std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    if (lws_write(wsi, reinterpret_cast<unsigned char*>(go_on.data()), go_on.size(), LWS_WRITE_HTTP) < 0) return -1;
  }
  return 0;
}

int LwsServer::http_body(LwsSession& session, const char* data, std::size_t length) {
  if (session.exchange == nullptr) return -1;
  LwsExchange& exchange = *session.exchange;
  if (exchange.state != LwsExchange::State::receiving) return 0;
  std::string& body = exchange.request.body;
  if (body.size() + length > exchange.listener->config.body_bytes_max) exchange.body_too_large = true;
  if (!exchange.body_too_large && length > 0) body.append(data, length);
  return 0;
}

int LwsServer::http_complete(LwsExchange& exchange) {
  // libwebsockets reports the completion of a body of "Content-Length: 0" as well, which http_begin() did not wait for, and
  // that of any body once more when something comes in after it.
  if (!std::exchange(exchange.body_pending, false)) return 0;
  if (exchange.state == LwsExchange::State::answered) return http_write(exchange);
  if (exchange.state == LwsExchange::State::done) return -1;      // answered while the body came, and that it was
  if (exchange.state != LwsExchange::State::receiving) return 0;  // the same, and the answer is still being sent
  return http_decide(exchange);
}

/// Asks the route. Within libwebsockets' callback.
int LwsServer::http_decide(LwsExchange& exchange) {
  exchange.state = LwsExchange::State::deciding;
  {
    const HttpReply reply = *std::exchange(exchange.reply, std::nullopt);
    const ListenerConfig& config = exchange.listener->config;
    if (exchange.body_too_large) {
      exchange.route != nullptr ? exchange.route->http_too_large(exchange.request, reply)
                                : reply(json_failure(413, "Body too large"));
    } else if (exchange.route != nullptr) {
      exchange.route->http(exchange.request, reply);
    } else if (config.http) {
      reply(config.http(exchange.request));
    } else {
      reply(json_failure(404, "Not found"));
    }
  }
  if (exchange.state == LwsExchange::State::answered) return http_write(exchange);
  ++statistics_.http_waiting;
  HttpRequest request;
  request.method = exchange.request.method;
  exchange.request = std::move(request);
  lws_set_timeout(exchange.wsi, NO_PENDING_TIMEOUT, 0);
  lws_http_headers_detach(exchange.wsi);
  watch(exchange, LwsExchange::State::waiting);
  return 0;
}

void LwsServer::http_answered(std::uint64_t id, HttpResponse response) {
  const auto found = exchanges_.find(id);
  if (found == exchanges_.end()) return;
  LwsExchange& exchange = *found->second;
  exchange.response = std::move(response);
  const LwsExchange::State before = exchange.state;
  exchange.state = LwsExchange::State::answered;
  if (exchange.body_pending) {
    exchange.must_close = true;  // where a next request would begin nobody knows before all of this one has come
  } else if (before == LwsExchange::State::waiting) {
    --statistics_.http_waiting;
    lws_rx_flow_control(exchange.wsi, 1);
  } else {
    return;  // inside the route: http_decide() goes on
  }
  lws_callback_on_writable(exchange.wsi);
}

/// Writes the answer. Within libwebsockets' callback; -1 closes the connection, after what it still holds has left.
int LwsServer::http_write(LwsExchange& exchange) {
  using State = LwsExchange::State;
  if (exchange.state == State::streaming) return http_stream(exchange);
  if (exchange.state != State::answered && exchange.state != State::receiving) return 0;
  lws* const wsi = exchange.wsi;
  const HttpResponse& response = exchange.response;
  const bool has_content = exchange.request.method != HttpMethod::head && response.status != 204 && response.status != 304;
  if (has_content && response.source != nullptr && !exchange.chunks) exchange.must_close = true;  // which ends the body
  const std::string head = response_head(response, exchange.must_close || exchange.last, exchange.chunks);
  frame_.assign(head.begin(), head.end());
  if (has_content) frame_.insert(frame_.end(), response.body.begin(), response.body.end());
  const int written = lws_write(wsi, frame_.data(), frame_.size(), LWS_WRITE_HTTP);
  if (has_content) exchange.source = exchange.response.source;
  exchange.response = {};
  if (written < 0) return -1;
  if (exchange.source == nullptr) return http_written(exchange);
  exchange.source->on_ready([this, id = exchange.id] {
    const auto found = exchanges_.find(id);
    if (found == exchanges_.end() || found->second->state != State::streaming) return;
    lws_rx_flow_control(found->second->wsi, 1);
    lws_callback_on_writable(found->second->wsi);
  });
  exchanges_.emplace(exchange.id, &exchange);
  lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);  // ours from here
  return http_stream(exchange);
}

/// Writes pieces of a streamed body, as chunks (RFC 9112 section 7.1) unless the client knows none, as long as the kernel
/// takes them whole. Within libwebsockets' callback; -1 closes the connection.
int LwsServer::http_stream(LwsExchange& exchange) {
  using State = LwsExchange::State;
  using Next = HttpBodySource::Next;
  for (int pieces = 0; pieces < pieces_at_once; ++pieces) {
    if (lws_partial_buffered(exchange.wsi) != 0) {
      watch(exchange, State::sending);
      return 0;
    }
    piece_.clear();
    const Next next = exchange.source->next(piece_);
    if (next == Next::failed) return -1;
    if (next == Next::later) {
      watch(exchange, State::streaming);
      return 0;
    }
    frame_.clear();
    if (next == Next::piece && !exchange.chunks) {
      frame_.assign(piece_.begin(), piece_.end());
    } else if (next == Next::piece && !piece_.empty()) {
      std::array<char, 20> size{};
      const auto digits = std::to_chars(size.data(), size.data() + size.size(), piece_.size(), 16);
      frame_.insert(frame_.end(), size.data(), digits.ptr);
      constexpr std::string_view line_end = "\r\n";
      frame_.insert(frame_.end(), line_end.begin(), line_end.end());
      frame_.insert(frame_.end(), piece_.begin(), piece_.end());
      frame_.insert(frame_.end(), line_end.begin(), line_end.end());
    } else if (next == Next::end) {
      constexpr std::string_view last_chunk = "0\r\n\r\n";
      if (exchange.chunks) frame_.insert(frame_.end(), last_chunk.begin(), last_chunk.end());
      exchange.source.reset();
    }
    if (!frame_.empty() && lws_write(exchange.wsi, frame_.data(), frame_.size(), LWS_WRITE_HTTP) < 0) return -1;
    if (exchange.source == nullptr) return http_written(exchange);
  }
  // Others' turn.
  exchange.state = State::streaming;
  exchange.since = now();
  lws_callback_on_writable(exchange.wsi);
  return 0;
}

/// The whole answer is written, as far as we are concerned.
int LwsServer::http_written(LwsExchange& exchange) {
  using State = LwsExchange::State;
  lws* const wsi = exchange.wsi;
  if (exchange.must_close) {
    exchange.state = State::done;
    // A close with unread input would be a reset, which may overtake the answer.
    return exchange.body_pending ? 0 : -1;
  }
  const bool is_sent = lws_partial_buffered(wsi) == 0;
  if (!is_sent) lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);  // it is ours from here
  const std::uint64_t id = exchange.id;
  exchanges_.emplace(id, &exchange);
  if (lws_http_transaction_completed(wsi) != 0) return -1;  // which waits for what the kernel did not take
  if (!exchanges_.contains(id)) return 0;                   // libwebsockets called http_ended() in there
  if (is_sent) {
    exchange.state = State::done;
    exchanges_.erase(id);
  } else {
    watch(exchange, State::sending);
  }
  return 0;
}

void LwsServer::http_ended(LwsSession& session) {
  const std::unique_ptr<LwsExchange> exchange(std::exchange(session.exchange, nullptr));
  if (exchange == nullptr) return;
  exchanges_.erase(exchange->id);
  if (exchange->state == LwsExchange::State::waiting) {
    --statistics_.http_waiting;
    ++statistics_.http_aborted;
  }
  exchange->aborter();
}

void LwsServer::watch(LwsExchange& exchange, LwsExchange::State state) {
  exchange.state = state;
  exchange.since = now();
  lws_rx_flow_control(exchange.wsi, 0);
  look_at(exchange.since + (state == LwsExchange::State::sending ? sending_look : waiting_look));
}

void LwsServer::look_at(TimePoint at) {
  if (at >= next_look_) return;
  next_look_ = at;
  exchange_timer_->arm(at);
}

void LwsServer::look_after_exchanges() {
  using State = LwsExchange::State;
  const TimePoint at = now();
  next_look_ = never;
  std::vector<std::uint64_t> gone;
  std::vector<std::uint64_t> late;
  for (const auto& [id, exchange] : exchanges_) {
    if (exchange->state == State::waiting) {
      if (client_has_gone(lws_get_socket_fd(exchange->wsi))) {
        gone.push_back(id);
      } else if (at - exchange->since > answer_limit) {
        late.push_back(id);
      }
      look_at(at + waiting_look);
    } else if (exchange->state == State::streaming) {
      if (client_has_gone(lws_get_socket_fd(exchange->wsi)) || at - exchange->since > answer_limit) gone.push_back(id);
      look_at(at + waiting_look);
    } else if (exchange->state == State::sending) {
      continue_sending(*exchange, at);
      look_at(at + sending_look);
    }
  }
  for (const std::uint64_t id : gone) {
    // Closing calls http_ended(), which calls whoever waits for it, who may answer others.
    if (const auto found = exchanges_.find(id); found != exchanges_.end())
      lws_set_timeout(found->second->wsi, PENDING_TIMEOUT_HTTP_CONTENT, LWS_TO_KILL_SYNC);
  }
  for (const std::uint64_t id : late) {
    const auto found = exchanges_.find(id);
    if (found == exchanges_.end() || found->second->state != State::waiting) continue;
    found->second->aborter();
    http_answered(id, json_failure(503, "No answer in time"));
  }
}

void LwsServer::continue_sending(LwsExchange& exchange, TimePoint at) {
  if (lws_partial_buffered(exchange.wsi) == 0 && exchange.source != nullptr) {
    exchange.state = LwsExchange::State::streaming;
    exchange.since = at;
    lws_rx_flow_control(exchange.wsi, 1);
    lws_callback_on_writable(exchange.wsi);
    return;
  }
  if (lws_partial_buffered(exchange.wsi) == 0) {
    exchange.state = LwsExchange::State::done;  // stays in the table until the connection's next request, or its end
    lws_rx_flow_control(exchange.wsi, 1);
    return;
  }
  const int fd = lws_get_socket_fd(exchange.wsi);
  if (client_has_gone(fd) || at - exchange.since > reading_limit) {
    // The next write fails, and libwebsockets closes.
    ::shutdown(fd, SHUT_RDWR);
    lws_rx_flow_control(exchange.wsi, 1);
    lws_callback_on_writable(exchange.wsi);
    return;
  }
  // For one turn of the loop, in which libwebsockets writes; what it cannot write then waits for the next look.
  lws_rx_flow_control(exchange.wsi, has_room(fd) ? 1 : 0);
}

}  // namespace sluice::loop
