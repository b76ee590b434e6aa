// What requests say, and how answers begin.
#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "control/loop/lws_session.hpp"
#include "control/loop/request_target.hpp"

namespace sluice::loop {

namespace {

/// Headers that somebody reads and libwebsockets has no number for: it can find them, but not list them.
constexpr std::array<std::string_view, 10> further_headers{"access-control-request-method",
                                                           "x-forwarded-proto",
                                                           "x-forwarded-host",
                                                           "idempotency-key",
                                                           "x-request-id",
                                                           "traceparent",
                                                           "tracestate",
                                                           "x-api-key",
                                                           "x-session-id",
                                                           "last-event-id"};

std::string without_mapping(std::string ip) {
  if (ip.starts_with("::ffff:") && ip.find('.') != std::string::npos) ip.erase(0, 7);
  return ip;
}

std::string request_query(lws* wsi) {
  // The arguments come back as fragments, one for each '&'.
  std::string query;
  std::array<char, 4096> fragment{};
  for (int i = 0; i < 64; ++i) {
    const int length =
        lws_hdr_copy_fragment(wsi, fragment.data(), static_cast<int>(fragment.size()), WSI_TOKEN_HTTP_URI_ARGS, i);
    if (length < 0) break;
    if (!query.empty()) query += '&';
    query.append(fragment.data(), static_cast<std::size_t>(length));
  }
  return query;
}

std::pair<HttpMethod, std::string> request_method_and_path(lws* wsi) {
  static constexpr std::array<std::pair<lws_token_indexes, HttpMethod>, 7> methods{
      {{WSI_TOKEN_GET_URI, HttpMethod::get},
       {WSI_TOKEN_HEAD_URI, HttpMethod::head},
       {WSI_TOKEN_POST_URI, HttpMethod::post},
       {WSI_TOKEN_PUT_URI, HttpMethod::put},
       {WSI_TOKEN_PATCH_URI, HttpMethod::patch},
       {WSI_TOKEN_DELETE_URI, HttpMethod::del},
       {WSI_TOKEN_OPTIONS_URI, HttpMethod::options}}};
  for (const auto& [token, method] : methods) {
    if (lws_hdr_total_length(wsi, token) > 0) return {method, request_header(wsi, token)};
  }
  return {HttpMethod::other, "/"};
}

void read_headers(lws* wsi, std::vector<std::pair<std::string, std::string>>& headers) {
  for (int i = 0; i < WSI_TOKEN_COUNT; ++i) {
    const auto token = static_cast<lws_token_indexes>(i);
    if (lws_hdr_total_length(wsi, token) <= 0) continue;
    const auto* name = reinterpret_cast<const char*>(lws_token_to_string(token));
    const std::size_t size = name == nullptr ? 0 : std::strlen(name);
    // Methods ("get "), pseudo headers (":path") and numbers of the parser's own are no headers.
    if (size < 2 || name[size - 1] != ':' || name[0] == ':') continue;
    headers.emplace_back(std::string(name, size - 1), request_header(wsi, token));
  }
  for (const std::string_view name : further_headers) {
    const std::string key = std::string(name) + ":";
    const int length = lws_hdr_custom_length(wsi, key.c_str(), static_cast<int>(key.size()));
    if (length <= 0) continue;
    std::string value(static_cast<std::size_t>(length) + 1, '\0');
    const int copied = lws_hdr_custom_copy(wsi, value.data(), length + 1, key.c_str(), static_cast<int>(key.size()));
    value.resize(copied > 0 ? static_cast<std::size_t>(copied) : 0);
    headers.emplace_back(std::string(name), std::move(value));
  }
}

std::string_view reason_phrase(int status) {
  static constexpr std::array<std::pair<int, std::string_view>, 31> phrases{{
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {415, "Unsupported Media Type"},
      {422, "Unprocessable Content"},
      {426, "Upgrade Required"},
      {428, "Precondition Required"},
      {429, "Too Many Requests"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
  }};
  const auto found = std::find_if(phrases.begin(), phrases.end(), [&](const auto& entry) { return entry.first == status; });
  return found == phrases.end() ? std::string_view("Status") : found->second;
}

/// What would end the header early, and let a value write headers of its own, is dropped.
void append_header(std::string& head, std::string_view name, std::string_view value) {
  head += name;
  head += ": ";
  for (const char c : value) {
    if (c != '\r' && c != '\n' && c != '\0') head += c;
  }
  head += "\r\n";
}

}  // namespace

std::string request_header(lws* wsi, lws_token_indexes token) {
  const int length = lws_hdr_total_length(wsi, token);
  if (length <= 0) return {};
  std::string value(static_cast<std::size_t>(length) + 1, '\0');
  const int copied = lws_hdr_copy(wsi, value.data(), length + 1, token);
  value.resize(copied > 0 ? static_cast<std::size_t>(copied) : 0);
  return value;
}

std::string socket_ip(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  if (address.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&address)->sin_addr, text.data(), text.size());
  } else if (address.ss_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&address)->sin6_addr, text.data(), text.size());
  }
  return without_mapping(text.data());
}

std::string request_ip(lws* wsi, bool trust_proxy) {
  if (trust_proxy) {
    const std::string forwarded = request_header(wsi, WSI_TOKEN_X_FORWARDED_FOR);
    const std::string first = forwarded.substr(0, forwarded.find(','));
    const std::size_t begin = first.find_first_not_of(' ');
    if (begin != std::string::npos) return without_mapping(first.substr(begin, first.find_last_not_of(' ') + 1 - begin));
  }
  return socket_ip(lws_get_socket_fd(wsi));
}

bool is_loopback_ip(std::string_view ip) {
  return ip == "::1" || ip.starts_with("127.");
}

bool is_exempt_ip(const ListenerConfig& config, std::string_view ip) {
  return is_loopback_ip(ip) ||
         std::find(config.limit_exempt.begin(), config.limit_exempt.end(), ip) != config.limit_exempt.end();
}

void read_request_head(lws* wsi, const ListenerConfig& config, RequestHead& head) {
  std::tie(head.method, head.path) = request_method_and_path(wsi);
  TargetParts parts = target_parts(take_request_target(lws_get_socket_fd(wsi)), head.path, request_query(wsi));
  head.raw_path = std::move(parts.raw_path);
  head.query = std::move(parts.query);
  head.remote_ip = request_ip(wsi, config.trust_proxy);
  read_headers(wsi, head.headers);
  head.authorization = head.header("authorization").value_or("");
  head.origin = head.header("origin").value_or("");
  head.host = head.header("host").value_or("");
  head.tls = !config.tls_cert.empty() || (config.trust_proxy && head.header("x-forwarded-proto") == "https");
}

std::vector<std::string> list_elements(std::string_view list) {
  std::vector<std::string> elements;
  while (!list.empty()) {
    const std::string_view element = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), element.size() + 1));
    const std::size_t begin = element.find_first_not_of(" \t");
    if (begin != std::string_view::npos)
      elements.emplace_back(element.substr(begin, element.find_last_not_of(" \t") + 1 - begin));
  }
  return elements;
}

bool understands_chunks(lws* wsi) {
  const std::string version = request_header(wsi, WSI_TOKEN_HTTP);
  return version.starts_with("HTTP/1.") && !version.starts_with("HTTP/1.0");
}

std::string response_head(const HttpResponse& response, bool closes, bool chunks) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head += reason_phrase(response.status);
  head += "\r\n";
  // RFC 9110 section 8.6: without content there is no length either.
  const bool has_content = response.status >= 200 && response.status != 204 && response.status != 304;
  if (has_content) {
    if (!response.content_type.empty()) append_header(head, "content-type", response.content_type);
    if (response.source != nullptr) {
      if (chunks) append_header(head, "transfer-encoding", "chunked");
    } else {
      append_header(head, "content-length", std::to_string(response.body.size()));
    }
  }
  for (const auto& [name, value] : response.headers) append_header(head, name, value);
  if (closes) append_header(head, "connection", "close");
  head += "\r\n";
  return head;
}

}  // namespace sluice::loop
