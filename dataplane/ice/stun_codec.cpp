#include "dataplane/ice/stun_codec.hpp"

#include <netinet/in.h>
#include <stun/stunagent.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "shm/types/byte_order.hpp"

namespace sluice {
namespace {

constexpr std::size_t stun_header_size = 20;
constexpr std::uint16_t binding_request = 0x0001;
constexpr auto message_integrity_sha256 = 0x001c;  // RFC 8489 section 14.6; libnice does not know the name

// What a check may carry besides comprehension-optional attributes; anything else is answered with 420. A request that has
// MESSAGE-INTEGRITY-SHA256 as well is verified, and answered, by MESSAGE-INTEGRITY (RFC 8489 section 9.1.3 leaves the
// choice).
constexpr std::array<std::uint16_t, 6> known_attributes = {
    STUN_ATTRIBUTE_USERNAME,      STUN_ATTRIBUTE_MESSAGE_INTEGRITY, STUN_ATTRIBUTE_PRIORITY,
    STUN_ATTRIBUTE_USE_CANDIDATE, message_integrity_sha256,         0,
};

/// What libnice's call for the password needs, and what it found.
struct Lookup {
  const std::array<StunCredential, 2>& credentials;
  std::optional<std::size_t> matched;
};

bool names(std::string_view username, const StunCredential& credential) noexcept {
  const std::string_view local = credential.local_ufrag;
  const std::string_view remote = credential.remote_ufrag;
  if (local.empty() || remote.empty() || credential.password.empty()) return false;
  return username.size() == local.size() + 1 + remote.size() && username.substr(0, local.size()) == local &&
         username[local.size()] == ':' && username.substr(local.size() + 1) == remote;
}

bool find_password(StunAgent*, StunMessage*, std::uint8_t* username, std::uint16_t username_size, std::uint8_t** password,
                   std::size_t* password_size, void* user_data) {
  auto& lookup = *static_cast<Lookup*>(user_data);
  const std::string_view text(reinterpret_cast<const char*>(username), username_size);
  for (std::size_t i = 0; i < lookup.credentials.size(); ++i) {
    const StunCredential& credential = lookup.credentials[i];
    if (!names(text, credential)) continue;
    lookup.matched = i;
    // libnice reads the password only; its interface has no const.
    *password = reinterpret_cast<std::uint8_t*>(const_cast<char*>(credential.password.data()));
    *password_size = credential.password.size();
    return true;
  }
  return false;
}

struct SystemAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SystemAddress to_system(const SocketAddress& address) noexcept {
  SystemAddress result;
  if (address.is_ipv4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    std::memcpy(&v4.sin_addr, address.ip.data() + 12, 4);
    std::memcpy(&result.storage, &v4, sizeof v4);
    result.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port);
    std::memcpy(&v6.sin6_addr, address.ip.data(), 16);
    std::memcpy(&result.storage, &v6, sizeof v6);
    result.size = sizeof v6;
  }
  return result;
}

std::optional<IceError> error_of(StunValidationStatus status, const Lookup& lookup) noexcept {
  switch (status) {
    case STUN_VALIDATION_SUCCESS:
    case STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE:
      // Both come after the integrity check. Without a match no password was asked for, so nothing was verified.
      return lookup.matched ? std::nullopt : std::optional(IceError::no_credentials);
    case STUN_VALIDATION_BAD_REQUEST:
      return IceError::bad_fingerprint;
    case STUN_VALIDATION_UNAUTHORIZED_BAD_REQUEST:
      return IceError::no_credentials;
    case STUN_VALIDATION_UNAUTHORIZED:
      return lookup.matched ? IceError::bad_integrity : IceError::wrong_username;
    default:
      return IceError::not_stun;
  }
}

/// The 96 bits of the transaction id in 64. Peers choose them at random (RFC 8489 section 5), so two that collide are not
/// to be expected; who makes them collide gets its own check ignored.
std::uint64_t transaction_of(Bytes datagram) noexcept {
  ByteReader id(datagram.subspan(8));
  const std::uint64_t low = id.u64();
  const std::uint64_t mixed = low ^ (std::uint64_t{id.u32()} * 0x9e3779b97f4a7c15U);
  return mixed != 0 ? mixed : 1;
}

std::uint8_t* octets(StunReply& reply) noexcept {
  return reinterpret_cast<std::uint8_t*>(reply.storage.data());
}

std::size_t write_success(StunAgent& agent, const StunMessage& request, const SocketAddress& from,
                          StunReply& reply) noexcept {
  StunMessage message{};
  if (!stun_agent_init_response(&agent, &message, octets(reply), reply.storage.size(), &request)) return 0;
  const SystemAddress address = to_system(from);
  if (stun_message_append_xor_addr(&message, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &address.storage, address.size) !=
      STUN_MESSAGE_RETURN_SUCCESS)
    return 0;
  return stun_agent_finish_message(&agent, &message, nullptr, 0);
}

std::size_t write_role_conflict(StunAgent& agent, const StunMessage& request, StunReply& reply) noexcept {
  StunMessage message{};
  if (!stun_agent_init_error(&agent, &message, octets(reply), reply.storage.size(), &request, STUN_ERROR_ROLE_CONFLICT))
    return 0;
  return stun_agent_finish_message(&agent, &message, nullptr, 0);
}

std::size_t write_unknown_attributes(StunAgent& agent, const StunMessage& request, StunReply& reply) noexcept {
  StunMessage message{};
  return stun_agent_build_unknown_attributes_error(&agent, &message, octets(reply), reply.storage.size(), &request);
}

}  // namespace

struct StunCodec::Agent {
  StunAgent nice;
};

StunCodec::StunCodec() : agent_(std::make_unique<Agent>()) {
  stun_agent_init(
      &agent_->nice, known_attributes.data(), STUN_COMPATIBILITY_RFC5389,
      static_cast<StunAgentUsageFlags>(STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT));
}

StunCodec::~StunCodec() = default;

Result<StunCheck, IceError> StunCodec::answer(Bytes datagram, const SocketAddress& from,
                                              std::array<StunCredential, 2> credentials) const noexcept {
  // Kept from libnice: everything but whole Binding requests.
  if (datagram.size() < stun_header_size || (std::to_integer<unsigned>(datagram[0]) & 0xc0U) != 0 ||
      stun_header_size + load_u16(datagram, 2) != datagram.size() || datagram.size() % 4 != 0)
    return unexpected(IceError::not_stun);
  if (load_u16(datagram, 0) != binding_request) return unexpected(IceError::not_a_request);

  StunAgent& agent = agent_->nice;
  StunMessage request{};
  Lookup lookup{.credentials = credentials, .matched = std::nullopt};
  const StunValidationStatus status = stun_agent_validate(
      &agent, &request, reinterpret_cast<const std::uint8_t*>(datagram.data()), datagram.size(), find_password, &lookup);
  if (const std::optional<IceError> error = error_of(status, lookup)) return unexpected(*error);

  StunCheck check;
  check.credential = *lookup.matched;
  check.transaction = transaction_of(datagram);
  check.use_candidate = stun_message_has_attribute(&request, STUN_ATTRIBUTE_USE_CANDIDATE);
  // A lite agent is always the controlled one (RFC 8445 section 6.1.1): whoever claims that role too must switch, whatever
  // the tie-breakers (section 7.3.1.1 with ours the smallest).
  const bool role_conflict = stun_message_has_attribute(&request, STUN_ATTRIBUTE_ICE_CONTROLLED);
  if (status == STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE) {
    check.accepted = false;
    check.reply.size = write_unknown_attributes(agent, request, check.reply);
  } else if (role_conflict) {
    check.accepted = false;
    check.reply.size = write_role_conflict(agent, request, check.reply);
  } else {
    check.reply.size = write_success(agent, request, from, check.reply);
  }
  if (check.reply.size == 0 || check.reply.size > datagram.size()) return unexpected(IceError::reply_too_large);
  return check;
}

}  // namespace sluice
