#pragma once

#include <netinet/in.h>
#include <stun/stunagent.h>
#include <stun/usages/ice.h>

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "shm/types/address.hpp"
#include "shm/types/bytes.hpp"

namespace sluice {

/// The peer's side of connectivity checks, on libnice's own client code.
class StunClient {
 public:
  struct Options {
    bool use_candidate = true;
    bool controlling = true;
  };

  StunClient() {
    stun_agent_init(
        &agent_, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
        static_cast<StunAgentUsageFlags>(STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT));
  }

  std::vector<std::byte> request(const std::string& username, const std::string& password, Options options) {
    password_ = password;  // libnice keeps a pointer to it until the response comes
    std::array<std::uint8_t, 1000> buffer;
    StunMessage message;
    const std::size_t size = stun_usage_ice_conncheck_create(
        &agent_, &message, buffer.data(), buffer.size(), reinterpret_cast<const std::uint8_t*>(username.data()),
        username.size(), reinterpret_cast<const std::uint8_t*>(password_.data()), password_.size(), options.use_candidate,
        options.controlling, 1, 7, nullptr, STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
    stun_message_id(&message, id_);
    const auto bytes = std::as_bytes(std::span(buffer).first(size));
    return {bytes.begin(), bytes.end()};
  }
  std::vector<std::byte> request(const std::string& username, const std::string& password) {
    return request(username, password, Options{});
  }

  /// Our address as the reply to the last request tells it, or the error: 487 for a role conflict, 1 for anything else.
  struct Answer {
    int error = 0;
    std::optional<SocketAddress> mapped;
  };
  Answer read(Bytes reply) {
    StunMessage message;
    const std::vector<std::byte> copy(reply.begin(), reply.end());
    const StunValidationStatus status = stun_agent_validate(
        &agent_, &message, reinterpret_cast<const std::uint8_t*>(copy.data()), copy.size(), nullptr, nullptr);
    if (status != STUN_VALIDATION_SUCCESS) return {.error = 1, .mapped = {}};
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    switch (stun_usage_ice_conncheck_process(&message, &storage, &size, STUN_USAGE_ICE_COMPATIBILITY_RFC5245)) {
      case STUN_USAGE_ICE_RETURN_SUCCESS:
        return {.error = 0, .mapped = address_of(storage)};
      case STUN_USAGE_ICE_RETURN_ROLE_CONFLICT:
        return {.error = 487, .mapped = {}};
      default:
        return {.error = 1, .mapped = {}};
    }
  }
  /// No reply came: makes room for the next transaction.
  void forget() { stun_agent_forget_transaction(&agent_, id_); }

 private:
  static SocketAddress address_of(const sockaddr_storage& storage) {
    if (storage.ss_family == AF_INET) {
      sockaddr_in v4;
      std::memcpy(&v4, &storage, sizeof v4);
      std::array<std::uint8_t, 4> bytes;
      std::memcpy(bytes.data(), &v4.sin_addr, 4);
      return SocketAddress::from_ipv4(bytes, ntohs(v4.sin_port));
    }
    sockaddr_in6 v6;
    std::memcpy(&v6, &storage, sizeof v6);
    SocketAddress address;
    std::memcpy(address.ip.data(), &v6.sin6_addr, 16);
    address.port = ntohs(v6.sin6_port);
    return address;
  }

  StunAgent agent_;
  StunTransactionId id_{};
  std::string password_;
};

}  // namespace sluice
