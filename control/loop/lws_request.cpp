#include <algorithm>

#include "control/loop/lws_session.hpp"

namespace sluice::loop {

std::string request_header(lws* wsi, lws_token_indexes token) {
  const int length = lws_hdr_total_length(wsi, token);
  if (length <= 0) return {};
  std::string value(static_cast<std::size_t>(length) + 1, '\0');
  const int copied = lws_hdr_copy(wsi, value.data(), length + 1, token);
  value.resize(copied > 0 ? static_cast<std::size_t>(copied) : 0);
  return value;
}

std::string request_query(lws* wsi) {
  // The arguments come back as fragments, one for each '&'.
  std::string query;
  std::array<char, 2048> fragment{};
  for (int i = 0; i < 64; ++i) {
    const int length =
        lws_hdr_copy_fragment(wsi, fragment.data(), static_cast<int>(fragment.size()), WSI_TOKEN_HTTP_URI_ARGS, i);
    if (length < 0) break;
    if (!query.empty()) query += '&';
    query.append(fragment.data(), static_cast<std::size_t>(length));
  }
  return query;
}

namespace {
std::string without_mapping(std::string ip) {
  if (ip.starts_with("::ffff:") && ip.find('.') != std::string::npos) ip.erase(0, 7);
  return ip;
}
}  // namespace

std::string request_ip(lws* wsi, bool trust_proxy) {
  if (trust_proxy) {
    const std::string forwarded = request_header(wsi, WSI_TOKEN_X_FORWARDED_FOR);
    const std::string first = forwarded.substr(0, forwarded.find(','));
    const std::size_t begin = first.find_first_not_of(' ');
    if (begin != std::string::npos) return without_mapping(first.substr(begin, first.find_last_not_of(' ') + 1 - begin));
  }
  std::array<char, 64> buffer{};
  lws_get_peer_simple(wsi, buffer.data(), buffer.size());
  return without_mapping(buffer.data());
}

bool is_loopback_ip(std::string_view ip) {
  return ip == "::1" || ip.starts_with("127.");
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

}  // namespace sluice::loop
