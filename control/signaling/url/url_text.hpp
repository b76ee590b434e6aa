#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the paths and queries of upgrade requests mean to the dialects.
namespace sluice::url {

enum class Plus : std::uint8_t { plus, space };

/// `%XX` becomes a byte, and with Plus::space `+` a space (queries); what is no escape stays as it is.
[[nodiscard]] std::string percent_decoded(std::string_view text, Plus plus = Plus::plus);

/// The first value of `key` in a query (without '?'; URL standard, application/x-www-form-urlencoded), decoded; empty text
/// for a key without a value, nothing when it does not occur.
[[nodiscard]] std::optional<std::string> query_value(std::string_view query, std::string_view key);

/// The segments of a path, decoded one by one: an escaped slash is part of its segment. `/a//b/` has "a", "", "b", "".
[[nodiscard]] std::vector<std::string> path_segments(std::string_view raw_path);

/// Strict UTF-8 (RFC 3629): what may go into a JSON text or a WebSocket text frame.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace sluice::url
