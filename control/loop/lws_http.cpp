// The HTTP half of LwsServer: requests in, responses out in pieces that the socket takes.
#include <algorithm>
#include <cstring>
#include <utility>

#include "control/loop/lws_server.hpp"

namespace sluice::loop {

namespace {

constexpr std::size_t chunk_bytes = 16384;

bool add_header(lws* wsi, const std::string& name, const std::string& value, unsigned char** at, unsigned char* end) {
  const std::string key = name + ":";
  return lws_add_http_header_by_name(wsi, reinterpret_cast<const unsigned char*>(key.c_str()),
                                     reinterpret_cast<const unsigned char*>(value.data()), static_cast<int>(value.size()),
                                     at, end) == 0;
}

bool has_body(HttpMethod method) {
  return method == HttpMethod::post || method == HttpMethod::put || method == HttpMethod::patch;
}

}  // namespace

int LwsServer::http_begin(LwsListener& listener, LwsSession& session, lws* wsi) {
  ++statistics_.http_requests;
  delete std::exchange(session.exchange, new LwsExchange);
  HttpRequest& request = session.exchange->request;
  std::tie(request.method, request.path) = request_method_and_path(wsi);
  request.query = request_query(wsi);
  request.remote_ip = request_ip(wsi, listener.config.trust_proxy);
  request.authorization = request_header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
  request.origin = request_header(wsi, WSI_TOKEN_ORIGIN);
  request.host = request_header(wsi, WSI_TOKEN_HOST);
  const std::string length = request_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
  const bool body_follows = has_body(request.method) && !length.empty() && length != "0";
  return body_follows ? 0 : http_answer(listener, session, wsi);
}

int LwsServer::http_body(LwsListener& listener, LwsSession& session, const char* data, std::size_t length) {
  if (session.exchange == nullptr) return -1;
  std::string& body = session.exchange->request.body;
  if (body.size() + length > listener.config.body_bytes_max) {
    session.exchange->body_too_large = true;  // the rest is read and dropped, so that the answer reaches the client
    return 0;
  }
  body.append(data, length);
  return 0;
}

int LwsServer::http_answer(LwsListener& listener, LwsSession& session, lws* wsi) {
  if (session.exchange == nullptr) return -1;
  LwsExchange& exchange = *session.exchange;
  // libwebsockets reports the completion of a body of "Content-Length: 0" as well, which http_begin() did not wait for.
  if (std::exchange(exchange.answered, true)) return 0;
  exchange.response = exchange.body_too_large ? HttpResponse{413, "application/json", R"({"error":"Body too large"})"}
                                              : listener.config.http(exchange.request);
  std::array<unsigned char, LWS_PRE + 8192> buffer{};
  unsigned char* const start = buffer.data() + LWS_PRE;
  unsigned char* at = start;
  unsigned char* const end = buffer.data() + buffer.size();
  const HttpResponse& response = exchange.response;
  bool fits = lws_add_http_common_headers(wsi, static_cast<unsigned>(response.status), response.content_type.c_str(),
                                          response.body.size(), &at, end) == 0;
  for (const auto& [name, value] : response.headers) fits = fits && add_header(wsi, name, value, &at, end);
  if (!fits || lws_finalize_write_http_header(wsi, start, &at, end) != 0) return -1;
  if (exchange.request.method == HttpMethod::head || response.body.empty())
    return lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
  lws_callback_on_writable(wsi);
  return 0;
}

int LwsServer::http_write(LwsSession& session, lws* wsi) {
  if (session.exchange == nullptr) return 0;
  LwsExchange& exchange = *session.exchange;
  const std::string& body = exchange.response.body;
  const std::size_t size = std::min(chunk_bytes, body.size() - exchange.sent);
  const bool is_last = exchange.sent + size == body.size();
  frame_.resize(LWS_PRE + size);
  std::memcpy(frame_.data() + LWS_PRE, body.data() + exchange.sent, size);
  if (lws_write(wsi, frame_.data() + LWS_PRE, size, is_last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0) return -1;
  exchange.sent += size;
  if (is_last) return lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
  lws_callback_on_writable(wsi);
  return 0;
}

}  // namespace sluice::loop
