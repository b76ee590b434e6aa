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
      dead_letters_(options_.dead_letters_max, outside_.write_dead_letter),
      outbox_(outside_.write_outbox) {
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

void WebhookDispatcher::restore(const Rows& dead_letters, const Rows& outbox) {
  dead_letters_.restore(dead_letters);
  const TimePoint now = outside_.now();
  const std::int64_t unix_now = outside_.unix_ms(now);
  for (WebhookOutbox::Delivery& delivery : outbox_.restore(outbox)) {
    // Two endpoints may have one URL and differ in their events.
    const auto is_its = [&](const auto& line) { return line->endpoint.url == delivery.endpoint; };
    auto known = std::find_if(lines_.begin(), lines_.end(),
                              [&](const auto& line) { return is_its(line) && line->endpoint.wants(delivery.event.type); });
    if (known == lines_.end()) known = std::find_if(lines_.begin(), lines_.end(), is_its);
    if (known == lines_.end()) {
      bury({delivery.endpoint, {}, {}}, delivery.event, "the endpoint was removed from the configuration");
      outbox_.remove(delivery.number);
      continue;
    }
    ++stats_.restored;
    Line& line = **known;
    const std::size_t bytes = delivery.event.data.dump(-1, ' ', false, json::error_handler_t::replace).size();
    append(line, std::make_shared<const WebhookEvent>(std::move(delivery.event)), delivery.number, bytes);
    if (line.queue.size() > 1 || delivery.attempt == 0) continue;
    line.attempt = std::min(delivery.attempt, static_cast<unsigned>(retry_after.size()));
    // At the time that was said, which is never further away than the longest wait, whatever clocks did meanwhile.
    const std::chrono::milliseconds left(
        std::clamp<std::int64_t>(delivery.retry_at - unix_now, 0, std::chrono::milliseconds(retry_after.back()).count()));
    line.retry_at = now + left;
  }
}

void WebhookDispatcher::dispatch(std::string_view type, json data) {
  if (!options_.events.empty() && std::find(options_.events.begin(), options_.events.end(), type) == options_.events.end())
    return;
  if (lines_.empty()) return;
  if (tag_) tag_(data);
  const auto event = std::make_shared<const WebhookEvent>(
      WebhookEvent{random_uuid(entropy_), std::string(type), outside_.unix_ms(outside_.now()), std::move(data)});
  std::size_t bytes = 0;
  for (const std::shared_ptr<Line>& line : lines_) {
    if (!line->endpoint.wants(type)) continue;
    if (bytes == 0) bytes = event->data.dump(-1, ' ', false, json::error_handler_t::replace).size();
    make_room(*line, bytes);
    append(*line, event, outbox_.add(line->endpoint.url, *event), bytes);
  }
}

void WebhookDispatcher::append(Line& line, EventPtr event, std::uint64_t number, std::size_t bytes) {
  line.queue.push_back({std::move(event), number, bytes});
  line.bytes += bytes;
  if (line.queue.size() == 1) begin(line);
}

/// The oldest make room, but not one that is under way: what became of it will be known.
void WebhookDispatcher::make_room(Line& line, std::size_t bytes) {
  const std::size_t bytes_max = options_.queue_bytes_max / lines_.size();
  const std::size_t kept = line.posting ? 1 : 0;
  while (line.queue.size() > kept && (line.queue.size() >= options_.queue_max || line.bytes + bytes > bytes_max)) {
    ++stats_.dropped;
    drop(line, kept, "the endpoint's queue is full");
  }
}

void WebhookDispatcher::drop(Line& line, std::size_t index, const std::string& error) {
  const auto place = line.queue.begin() + static_cast<std::ptrdiff_t>(index);
  const Waiting waiting = *place;
  line.bytes -= waiting.bytes;
  line.queue.erase(place);
  bury(line.endpoint, *waiting.event, error);
  outbox_.remove(waiting.number);
  if (index == 0 && !line.queue.empty()) begin(line);
}

void WebhookDispatcher::finish_first(Line& line) {
  outbox_.remove(line.queue.front().number);
  line.bytes -= line.queue.front().bytes;
  line.queue.pop_front();
  if (!line.queue.empty()) begin(line);
}

void WebhookDispatcher::begin(Line& line) {
  line.request = webhook_request(line.endpoint, *line.queue.front().event, options_.timeout);
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
  const Waiting& first = line.queue.front();
  const json event = webhook_event_json(*first.event);
  if (!error) {
    ++stats_.delivered;
    outside_.emit("delivery:success", {{"event", event}, {"endpoint", line.endpoint.url}, {"attempt", line.attempt}});
  } else if (line.attempt <= retry_after.size()) {
    ++stats_.retries;
    const auto wait = retry_after.at(line.attempt - 1);
    line.retry_at = outside_.now() + wait;
    outbox_.update({first.number, line.endpoint.url, *first.event, line.attempt, outside_.unix_ms(line.retry_at)});
    outside_.emit("delivery:retry", {{"event", event},
                                     {"endpoint", line.endpoint.url},
                                     {"attempt", line.attempt},
                                     {"retryIn", wait.count()},
                                     {"error", *error}});
    return;
  } else {
    // First the dead letter, then out of the outbox: a death in between delivers once more and loses nothing.
    bury(line.endpoint, *first.event, *error);
  }
  finish_first(line);
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
  for (const Waiting& waiting : line.queue) {
    bury(line.endpoint, *waiting.event, error);
    outbox_.remove(waiting.number);
  }
  line.queue.clear();
  line.bytes = 0;
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
  if (!outbox_.lasting()) {
    for (const std::shared_ptr<Line>& line : lines_) fail(*line, "the server ended before it was delivered");
  }
  lines_.clear();
}

WebhookDispatcher::Stats WebhookDispatcher::stats() const noexcept {
  Stats stats = stats_;
  stats.waiting = 0;
  for (const std::shared_ptr<Line>& line : lines_) stats.waiting += line->queue.size();
  return stats;
}

}  // namespace sluice
