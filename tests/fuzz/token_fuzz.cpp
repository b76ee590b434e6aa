// uses: control_policy
// Any text as a token, as it is and with a signature that fits: nothing is believed that was not signed, and what a holder
// of the secret writes does no harm.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "control/crypto/encoding.hpp"
#include "control/crypto/mac.hpp"
#include "control/policy/policy_token.hpp"
#include "control/policy/room_token.hpp"
#include "tests/fuzz/support/require.hpp"

namespace {

constexpr std::string_view secret = "0123456789abcdef0123456789abcdef";
constexpr std::int64_t now = 1'714'000'000'000;

using sluice::fuzz::require;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  require(!sluice::verify_policy_token(text, secret, now));
  require(!sluice::verify_room_token(text, secret, now / 1000));

  const std::string body = sluice::base64url(sluice::as_bytes(text));
  const auto policy =
      sluice::verify_policy_token(body + "." + sluice::base64url(sluice::hmac_sha256(secret, body)), secret, now);
  if (policy) {
    require(policy->expires_at >= now);
    // What was read says the same when it is written and read again.
    const std::string again = sluice::base64url(sluice::as_bytes(sluice::policy_json(*policy)));
    const auto twice =
        sluice::verify_policy_token(again + "." + sluice::base64url(sluice::hmac_sha256(secret, again)), secret, now);
    require(twice && *twice == *policy);
  }
  const std::string header = sluice::base64url(sluice::as_bytes(std::string_view(R"({"alg":"HS256"})")));
  for (const std::string& part : {header + "." + body, body + "." + body, std::string(text)}) {
    const auto claims =
        sluice::verify_room_token(part + "." + sluice::base64url(sluice::hmac_sha256(secret, part)), secret, now / 1000);
    if (!claims) continue;
    for (const auto& [key, value] : claims->metadata.entries()) require(!sluice::is_reserved_key(key) && !value.empty());
  }
  (void)sluice::parse_token_duration(text);
  return 0;
}
