#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "shm/types/entropy.hpp"

namespace sluice {

/// A UUID version 4 (RFC 9562 section 5.4), lower case: 122 random bits.
[[nodiscard]] std::string random_uuid(Entropy& entropy);

/// `prefix` followed by `length` characters of [a-z0-9], about 5.17 random bits each.
[[nodiscard]] std::string random_id(Entropy& entropy, std::string_view prefix, std::size_t length);

/// An unguessable token: 256 random bits as base64url without padding (RFC 4648 section 5), 43 characters.
[[nodiscard]] std::string random_token(Entropy& entropy);

}  // namespace sluice
