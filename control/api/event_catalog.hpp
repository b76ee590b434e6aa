#pragma once

#include <span>
#include <string_view>

namespace sluice {

/// An event of EventFeed, or a hook, for people who program against the server (docs/api.md is written from these).
struct CatalogEntry {
  std::string_view name;
  std::string_view data;  // members of its data (an event), or of what is asked and answered (a hook)
  std::string_view text;  // when; one line
};

/// Every event that any part of the server emits; a test compares with the calls of emit().
[[nodiscard]] std::span<const CatalogEntry> event_catalog() noexcept;
/// Every hook that a client of the control socket may answer.
[[nodiscard]] std::span<const CatalogEntry> hook_catalog() noexcept;

[[nodiscard]] bool is_hook(std::string_view name) noexcept;

/// Whether `name` fits `pattern`, in which `*` stands for any characters: "peer:*".
[[nodiscard]] bool matches_pattern(std::string_view name, std::string_view pattern) noexcept;

}  // namespace sluice
