#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::cli {

/// The parts of SCHEME://HOST[:PORT][/PATH].
struct HostUrl {
  std::string host;  // without the brackets of an IPv6 address
  std::string port = "80";
  std::string path;  // from its slash on; may be empty
};

/// Nothing when the scheme is another one, or host or port are empty. `scheme` with its "://".
[[nodiscard]] std::optional<HostUrl> parse_host_url(std::string_view scheme, std::string_view text);

}  // namespace sluice::cli
