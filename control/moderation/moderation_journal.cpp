#include "control/moderation/moderation_journal.hpp"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "control/json/json_view.hpp"
#include "control/json/json_writer.hpp"

namespace sluice {
namespace {

constexpr std::string_view table = "moderation_log";
constexpr std::size_t key_digits = 20;  // keys sort as the numbers do

std::string key_of(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(key_digits - digits.size(), '0') + digits;
}

}  // namespace

std::string entry_json(const ModerationEntry& entry) {
  JsonWriter out;
  out.string("action", entry.action).string("actorId", entry.actor);
  if (entry.target.empty()) {
    out.null("targetId");
  } else {
    out.string("targetId", entry.target);
  }
  return out.string("roomId", entry.room.value).string("reason", entry.reason).integer("ts", entry.ts).finish();
}

std::optional<ModerationEntry> parse_moderation_entry(std::string_view json) {
  const auto view = JsonView::parse(json);
  const auto object = view ? JsonObject::of(*view) : std::nullopt;
  if (!object) return std::nullopt;
  ModerationEntry entry;
  entry.action = object->text("action").value_or("");
  entry.actor = object->text("actorId").value_or("");
  entry.target = object->text("targetId").value_or("");
  entry.room = RoomId(object->text("roomId").value_or(""));
  entry.reason = object->text("reason").value_or("");
  const auto ts = object->find("ts");
  const auto number = ts ? ts->as_integer() : std::nullopt;
  if (entry.action.empty() || !number) return std::nullopt;
  entry.ts = *number;
  return entry;
}

ModerationJournal::ModerationJournal(Store& store, ModerationBus& moderation, Bus& bus, std::size_t entries_max)
    : store_(store), entries_max_(entries_max) {
  std::vector<ModerationEntry> entries;
  store_.load(table, [&](std::string_view key, std::string_view value) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number);
    if (error != std::errc() || end != key.data() + key.size()) return;  // not ours
    keys_.emplace_back(key);
    next_ = std::max(next_, number + 1);
    if (auto entry = parse_moderation_entry(value)) entries.push_back(std::move(*entry));
  });
  moderation.restore_log(std::move(entries));
  done_ = bus.subscribe<ModerationDone>([this](const ModerationDone& fact) { write(fact.entry); });
}

void ModerationJournal::write(const ModerationEntry& entry) {
  keys_.push_back(key_of(next_++));
  store_.put(table, keys_.back(), entry_json(entry));
  while (keys_.size() > entries_max_) {
    store_.erase(table, keys_.front());
    keys_.pop_front();
  }
}

}  // namespace sluice
