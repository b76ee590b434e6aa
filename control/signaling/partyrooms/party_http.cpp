#include "control/signaling/partyrooms/party_http.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <chrono>

#include "control/rooms/random_id.hpp"
#include "control/signaling/partyrooms/party_url.hpp"
#include "control/signaling/url/url_text.hpp"

namespace sluice {
namespace {

constexpr int no_content = 204;
constexpr int forbidden = 403;
constexpr int method_not_allowed = 405;
constexpr int too_many_requests = 429;
constexpr std::size_t addresses_max = 65536;
constexpr std::size_t user_characters = 20;  // about 100 random bits: tells no client from another

bool is_loopback(std::string_view ip) noexcept {
  return ip == "::1" || ip.starts_with("127.");
}

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

PartyHttp::PartyHttp(const PartyOptions& options, Entropy& entropy) : options_(options), entropy_(entropy) {
  if (options_.turn.usable()) turn_.emplace(options_.turn);
}

PartyHttpReply PartyHttp::plain(int status, std::string body) {
  return {status,
          std::move(body),
          {{"access-control-allow-origin", "*"},
           {"access-control-allow-methods", "GET,POST,OPTIONS"},
           {"access-control-allow-headers", "Content-Type"}}};
}

PartyHttpReply PartyHttp::handle(const PartyHttpRequest& request, TimePoint now, std::int64_t unix_seconds) {
  const auto url = read_party_url(request.raw_path, request.query, options_);
  if (!url) return plain(url.error().status, request.method == "HEAD" ? "" : url.error().text);
  if (request.method == "OPTIONS") return plain(no_content, "");
  if (request.method == "HEAD") return plain(200, "");
  if (request.method != "GET") return plain(method_not_allowed, "");
  if (url->turn) return turn(request, now, unix_seconds);
  return plain(200, "WebRTC Signaling Server");
}

PartyHttpReply PartyHttp::turn(const PartyHttpRequest& request, TimePoint now, std::int64_t unix_seconds) {
  const auto refuse = [](int status, std::string_view why) {
    return plain(status, R"({"error":")" + std::string(why) + R"("})");
  };
  if (!admit(request.ip, now)) return refuse(too_many_requests, "too many requests");
  const auto& origins = options_.turn_origins;
  if (!origins.empty() && std::find(origins.begin(), origins.end(), request.origin) == origins.end())
    return refuse(forbidden, "origin not allowed");
  const std::string token = url::query_value(request.query, "token").value_or("");
  if (!options_.turn_token.empty() && !equal_in_constant_time(token, options_.turn_token))
    return refuse(forbidden, "token required");
  const std::string servers =
      turn_ ? turn_->ice_servers(random_id(entropy_, "", user_characters), unix_seconds, TurnCredentials::WithTtl::no)
            : "[]";
  PartyHttpReply reply = plain(200, R"({"iceServers":)" + servers + "}");
  reply.headers.emplace_back("cache-control", "no-store");
  return reply;
}

bool PartyHttp::admit(std::string_view ip, TimePoint now) {
  if (options_.turn_requests_per_minute_max == 0 || is_loopback(ip)) return true;
  if (now - minute_ >= std::chrono::minutes(1)) {
    minute_ = now;
    requests_.clear();
  }
  const auto known = requests_.find(std::string(ip));
  if (known == requests_.end()) {
    if (requests_.size() >= addresses_max) return false;
    requests_.emplace(ip, 1U);
    return true;
  }
  return ++known->second <= options_.turn_requests_per_minute_max;
}

}  // namespace sluice
