#include "control/webhooks/webhook_dispatcher.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "control/rooms/random_id.hpp"

namespace sluice {

using nlohmann::json;
using namespace std::chrono_literals;

namespace {

/// Waiting times before the second, third and fourth attempt.
constexpr std::array<std::chrono::milliseconds, 3> retry_after{2s, 4s, 8s};

/// Raw JSON texts of metadata as JSON; they were validated when they came in.
json metadata_json(const Metadata& metadata) {
  json object = json::object();
  for (const auto& [key, raw] : metadata.entries()) object[key] = json::parse(raw, nullptr, false);
  return object;
}

json snapshot_json(const PeerSnapshot& peer) {
  return {{"id", peer.id.value},
          {"roomId", peer.room ? json(peer.room->value) : json()},
          {"state", to_string(peer.state)},
          {"metadata", metadata_json(peer.metadata)}};
}

}  // namespace

WebhookDispatcher::WebhookDispatcher(Bus& bus, const Rooms& rooms, Entropy& entropy, Outside outside, WebhookOptions options,
                                     std::function<void(json& data)> tag)
    : rooms_(rooms),
      entropy_(entropy),
      outside_(std::move(outside)),
      options_(std::move(options)),
      tag_(std::move(tag)),
      dead_letters_(options_.dead_letters_max, outside_.write_dead_letter) {
  for (const WebhookEndpoint& endpoint : options_.endpoints) {
    lines_.push_back(std::make_shared<Line>());
    lines_.back()->endpoint = endpoint;
  }
  follow(bus);
}

void WebhookDispatcher::follow(Bus& bus) {
  const auto on = [&]<typename Fact>(auto react) { subscriptions_.push_back(bus.subscribe<Fact>(react)); };
  on.template operator()<RoomCreated>([this](const RoomCreated& fact) {
    remember(fact.room);
    dispatch("room.created", {{"room", summary(fact.room)}});
  });
  on.template operator()<RoomMetadataChanged>([this](const RoomMetadataChanged& fact) { remember(fact.room); });
  on.template operator()<RoomDestroyed>([this](const RoomDestroyed& fact) {
    dispatch("room.destroyed", {{"room", summary(fact.room)}});
    known_rooms_.erase(fact.room);
  });
  on.template operator()<PeerJoined>([this](const PeerJoined& fact) {
    dispatch("peer.joined", {{"peer", snapshot_json(fact.peer)}, {"room", summary(fact.room)}});
  });
  on.template operator()<PeerLeft>([this](const PeerLeft& fact) {
    dispatch("peer.left", {{"peer", snapshot_json(fact.peer)}, {"room", summary(fact.room)}});
  });
  on.template operator()<RoomsRestored>([this](const RoomsRestored&) {
    for (const auto& [id, room] : rooms_.rooms()) remember(id);
  });
}

void WebhookDispatcher::remember(const RoomId& id) {
  if (const Room* room = rooms_.find_room(id))
    known_rooms_.insert_or_assign(id, RoomMemory{room->created_at(), metadata_json(room->metadata())});
}

json WebhookDispatcher::summary(const RoomId& id) const {
  const Room* room = rooms_.find_room(id);
  const auto known = known_rooms_.find(id);
  return {{"id", id.value},
          {"peerCount", room == nullptr ? 0 : room->members().size()},
          {"createdAt", known == known_rooms_.end() ? 0 : known->second.created_at},
          {"metadata", known == known_rooms_.end() ? json::object() : known->second.metadata}};
}

// --- delivery
// ------------------------------------------------------------------------------------------------------------------

void WebhookDispatcher::dispatch(std::string_view type, json data) {
  if (!options_.events.empty() && std::find(options_.events.begin(), options_.events.end(), type) == options_.events.end())
    return;
  if (lines_.empty()) return;
  if (tag_) tag_(data);
  const auto event = std::make_shared<const WebhookEvent>(
      WebhookEvent{random_uuid(entropy_), std::string(type), outside_.unix_ms(outside_.now()), std::move(data)});
  for (const std::shared_ptr<Line>& line : lines_) {
    if (!line->endpoint.wants(type)) continue;
    if (line->queue.size() >= options_.queue_max) {
      bury(line->endpoint, *event, "the endpoint's queue is full");
      continue;
    }
    line->queue.push_back(event);
    if (line->queue.size() == 1) begin(*line);
  }
}

void WebhookDispatcher::begin(Line& line) {
  line.request = webhook_request(line.endpoint, *line.queue.front(), options_.timeout);
  line.attempt = 0;
  // Not from here, which may be deep inside a join: in the turn's timers.
  line.retry_at = TimePoint::min();
}

void WebhookDispatcher::handle_timeout(TimePoint now) {
  const std::vector<std::shared_ptr<Line>> lines = lines_;
  for (const std::shared_ptr<Line>& line : lines) {
    if (!line->queue.empty() && !line->posting && line->retry_at <= now) post(*line);
  }
}

TimePoint WebhookDispatcher::next_deadline() const noexcept {
  TimePoint next = never;
  for (const std::shared_ptr<Line>& line : lines_) {
    if (!line->queue.empty() && !line->posting) next = std::min(next, line->retry_at);
  }
  return next;
}

void WebhookDispatcher::post(Line& line) {
  ++line.attempt;
  line.posting = true;
  const auto shared = std::find_if(lines_.begin(), lines_.end(), [&](const auto& other) { return other.get() == &line; });
  outside_.post(*line.request,
                [this, number = ++line.post_number, weak = std::weak_ptr<Line>(*shared)](std::optional<std::string> error) {
                  // A line that was taken away, with its endpoint or the whole dispatcher, hears nothing any more.
                  const std::shared_ptr<Line> target = weak.lock();
                  if (target && target->posting && target->post_number == number) answered(*target, std::move(error));
                });
}

void WebhookDispatcher::answered(Line& line, std::optional<std::string> error) {
  line.posting = false;
  const json event = webhook_event_json(*line.queue.front());
  if (!error) {
    ++stats_.delivered;
    outside_.emit("delivery:success", {{"event", event}, {"endpoint", line.endpoint.url}, {"attempt", line.attempt}});
  } else if (line.attempt <= retry_after.size()) {
    ++stats_.retries;
    const auto wait = retry_after.at(line.attempt - 1);
    line.retry_at = outside_.now() + wait;
    outside_.emit("delivery:retry", {{"event", event},
                                     {"endpoint", line.endpoint.url},
                                     {"attempt", line.attempt},
                                     {"retryIn", wait.count()},
                                     {"error", *error}});
    return;
  } else {
    bury(line.endpoint, *line.queue.front(), *error);
  }
  line.queue.pop_front();
  if (!line.queue.empty()) begin(line);
}

void WebhookDispatcher::bury(const WebhookEndpoint& endpoint, const WebhookEvent& event, const std::string& error) {
  ++stats_.failed;
  json entry{{"event", webhook_event_json(event)},
             {"endpoint", endpoint.url},
             {"failedAt", outside_.unix_ms(outside_.now())},
             {"error", error}};
  outside_.emit("delivery:failed", entry);
  dead_letters_.add(std::move(entry));
}

void WebhookDispatcher::fail(Line& line, const std::string& error) {
  for (const EventPtr& event : line.queue) bury(line.endpoint, *event, error);
  line.queue.clear();
}

void WebhookDispatcher::set_options(WebhookOptions options) {
  options_ = std::move(options);
  dead_letters_.set_entries_max(options_.dead_letters_max);
  std::vector<std::shared_ptr<Line>> before = std::move(lines_);
  lines_.clear();
  for (const WebhookEndpoint& endpoint : options_.endpoints) {
    const auto same = std::find_if(before.begin(), before.end(),
                                   [&](const auto& line) { return line && line->endpoint.url == endpoint.url; });
    if (same == before.end()) {
      lines_.push_back(std::make_shared<Line>());
    } else {
      lines_.push_back(std::move(*same));
    }
    lines_.back()->endpoint = endpoint;
  }
  for (const std::shared_ptr<Line>& line : before) {
    if (line) fail(*line, "the endpoint was removed from the configuration");
  }
}

void WebhookDispatcher::stop() {
  for (const std::shared_ptr<Line>& line : lines_) fail(*line, "the server ended before it was delivered");
  lines_.clear();
}

WebhookDispatcher::Stats WebhookDispatcher::stats() const noexcept {
  Stats stats = stats_;
  stats.waiting = 0;
  for (const std::shared_ptr<Line>& line : lines_) stats.waiting += line->queue.size();
  return stats;
}

}  // namespace sluice
