#include "control/http_client/run_time_url.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <span>

namespace sluice {
namespace {

constexpr std::size_t url_bytes_max = 2048;
constexpr std::size_t host_bytes_max = 253;  // RFC 1035 section 2.3.4
constexpr std::size_t label_bytes_max = 63;

struct Block {
  std::array<std::uint8_t, 16> prefix;
  std::uint8_t bits;
};

// IPv4 blocks that are not global, from IANA's registry, in the first four bytes.
constexpr std::array ipv4_blocks{
    Block{{0}, 8},             // this network
    Block{{10}, 8},            // private
    Block{{100, 64}, 10},      // shared, RFC 6598
    Block{{127}, 8},           // loopback
    Block{{169, 254}, 16},     // link-local, and the metadata services of clouds
    Block{{172, 16}, 12},      // private
    Block{{192, 0, 0}, 24},    // protocol assignments
    Block{{192, 0, 2}, 24},    // documentation
    Block{{192, 88, 99}, 24},  // 6to4 relays, deprecated
    Block{{192, 168}, 16},     // private
    Block{{198, 18}, 15},      // benchmarking
    Block{{198, 51, 100}, 24},
    Block{{203, 0, 113}, 24},
    Block{{224}, 4},  // multicast
    Block{{240}, 4},  // reserved, broadcast
};
// IPv6: only 2000::/3 is global at all; these parts of it are not, or carry an IPv4 address that decides.
constexpr std::array ipv6_blocks{
    Block{{0x20, 0x01, 0x00}, 23},        // protocol assignments, Teredo among them
    Block{{0x20, 0x01, 0x0d, 0xb8}, 32},  // documentation
    Block{{0x3f, 0xff}, 20},              // documentation, RFC 9637
};

bool within(std::span<const std::uint8_t> address, const Block& block) {
  const std::size_t whole = block.bits / 8U;
  if (!std::equal(block.prefix.begin(), block.prefix.begin() + static_cast<std::ptrdiff_t>(whole), address.begin()))
    return false;
  const unsigned rest = block.bits % 8U;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xFFU << (8U - rest));
  return (address[whole] & mask) == (block.prefix[whole] & mask);
}

bool global_ipv4(std::span<const std::uint8_t> address) {
  return std::none_of(ipv4_blocks.begin(), ipv4_blocks.end(), [&](const Block& block) { return within(address, block); });
}

constexpr bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Printable ASCII but what parsers treat differently: a backslash is a slash to some.
bool usable(char c) {
  return c > 0x20 && c < 0x7F && c != '\\' && c != '"' && c != '<' && c != '>' && c != '^' && c != '`' && c != '{' &&
         c != '|' && c != '}';
}

bool valid_name(std::string_view host) {
  if (host.empty() || host.size() > host_bytes_max) return false;
  std::size_t labels = 0;
  std::string_view last;
  for (std::size_t begin = 0; begin <= host.size();) {
    const std::size_t end = std::min(host.find('.', begin), host.size());
    last = host.substr(begin, end - begin);
    if (last.empty() || last.size() > label_bytes_max || last.front() == '-' || last.back() == '-') return false;
    for (const char c : last)
      if (!is_letter_or_digit(c) && c != '-' && c != '_') return false;
    ++labels;
    begin = end + 1;
  }
  // One label is a neighbour's name. A last label that begins with a digit is a number to those who read addresses
  // generously (inet_aton); no top-level domain does.
  return labels > 1 && !is_digit(last.front());
}

bool local_name(std::string_view host) {
  constexpr std::array<std::string_view, 5> endings{".localhost", ".local", ".internal", ".arpa", ".home.arpa"};
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) { return host.ends_with(ending); });
}

}  // namespace

bool is_global_address(const SocketAddress& address) noexcept {
  const std::span<const std::uint8_t> ip(address.ip);
  if (address.is_ipv4()) return global_ipv4(ip.subspan(12));
  constexpr Block nat64{{0x00, 0x64, 0xff, 0x9b}, 96};
  if (within(ip, nat64)) return global_ipv4(ip.subspan(12));
  constexpr Block six_to_four{{0x20, 0x02}, 16};
  if (within(ip, six_to_four)) return global_ipv4(ip.subspan(2, 4));
  constexpr Block unicast{{0x20}, 3};
  return within(ip, unicast) &&
         std::none_of(ipv6_blocks.begin(), ipv6_blocks.end(), [&](const Block& block) { return within(ip, block); });
}

std::string_view to_string(UrlError error) noexcept {
  switch (error) {
    case UrlError::too_long:
      return "the URL is longer than 2048 bytes";
    case UrlError::bad_character:
      return "the URL has a character that may not stand in it";
    case UrlError::not_https:
      return "the URL must begin with https://";
    case UrlError::credentials:
      return "the URL may not contain a user name or password";
    case UrlError::bad_host:
      return "the URL has no usable host name";
    case UrlError::bad_port:
      return "the URL's port is not a number from 1 to 65535";
    case UrlError::local_address:
      break;
  }
  return "the URL leads to an address that is not public";
}

Result<RunTimeUrl, UrlError> RunTimeUrl::parse(std::string_view url) {
  if (url.size() > url_bytes_max) return unexpected(UrlError::too_long);
  if (!std::all_of(url.begin(), url.end(), usable)) return unexpected(UrlError::bad_character);
  constexpr std::string_view scheme = "https://";
  if (url.size() < scheme.size() ||
      !std::equal(scheme.begin(), scheme.end(), url.begin(), [](char a, char b) { return a == lower(b); })) {
    return unexpected(UrlError::not_https);
  }
  url.remove_prefix(scheme.size());
  const std::size_t authority_end = std::min(url.find_first_of("/?#"), url.size());
  std::string_view authority = url.substr(0, authority_end);
  std::string_view target = url.substr(authority_end);
  target = target.substr(0, target.find('#'));
  if (authority.find('@') != std::string_view::npos) return unexpected(UrlError::credentials);
  if (authority.find('%') != std::string_view::npos) return unexpected(UrlError::bad_host);  // zone ids, encoded names

  RunTimeUrl result;
  if (target.empty() || target.front() != '/') result.target = "/";
  result.target += target;
  std::string_view port;
  bool has_port = false;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return unexpected(UrlError::bad_host);
    result.host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
    if (!port.empty() && port.front() != ':') return unexpected(UrlError::bad_host);
    has_port = !port.empty();
    if (has_port) port.remove_prefix(1);
    result.literal = true;
    if (result.host.find(':') == std::string::npos) return unexpected(UrlError::bad_host);
  } else {
    const std::size_t colon = authority.find(':');
    result.host = authority.substr(0, colon);
    has_port = colon != std::string_view::npos;
    if (has_port) port = authority.substr(colon + 1);
  }
  std::transform(result.host.begin(), result.host.end(), result.host.begin(), lower);

  if (has_port) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc() || end != port.data() + port.size() || port.size() > 5 || number == 0 || number > 65535) {
      return unexpected(UrlError::bad_port);
    }
    result.port = static_cast<std::uint16_t>(number);
  }

  // Both forms of an address: in brackets, or four decimal numbers.
  if (const auto address = SocketAddress::parse(result.host, result.port)) {
    if (!result.literal && !address->is_ipv4()) return unexpected(UrlError::bad_host);
    result.literal = true;
    if (!is_global_address(*address)) return unexpected(UrlError::local_address);
    return result;
  }
  if (result.literal || !valid_name(result.host)) return unexpected(UrlError::bad_host);
  if (local_name(result.host)) return unexpected(UrlError::local_address);
  return result;
}

}  // namespace sluice
