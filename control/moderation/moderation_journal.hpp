#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "control/bus/bus.hpp"
#include "control/moderation/moderation_bus.hpp"
#include "control/store/store.hpp"

namespace sluice {

/// An entry as JSON: `{action, actorId, targetId|null, roomId, reason, ts}`.
[[nodiscard]] std::string entry_json(const ModerationEntry& entry);
/// Reads it back; nothing when it is damaged.
[[nodiscard]] std::optional<ModerationEntry> parse_moderation_entry(std::string_view json);

/// Keeps the moderation log in the store (table `moderation_log`), so that it outlives the process and the server: hands
/// what is there to the bus when it is made, then writes each new entry and forgets the oldest beyond `entries_max`.
class ModerationJournal {
 public:
  /// Borrowed for life.
  ModerationJournal(Store& store, ModerationBus& moderation, Bus& bus, std::size_t entries_max);
  ModerationJournal(const ModerationJournal&) = delete;
  ModerationJournal& operator=(const ModerationJournal&) = delete;

 private:
  void write(const ModerationEntry& entry);

  Store& store_;
  std::size_t entries_max_;
  std::deque<std::string> keys_;  // oldest first
  std::uint64_t next_ = 1;
  Bus::Subscription done_;
};

}  // namespace sluice
