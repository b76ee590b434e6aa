#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/rooms.hpp"
#include "control/webhooks/dead_letters.hpp"
#include "control/webhooks/webhook_delivery.hpp"
#include "control/webhooks/webhook_outbox.hpp"
#include "shm/types/entropy.hpp"
#include "shm/types/time.hpp"

namespace sluice {

struct WebhookOptions {
  std::vector<WebhookEndpoint> endpoints;
  std::vector<std::string> events;  // types sent at all; empty: all
  Duration timeout = std::chrono::seconds(5);
  std::size_t dead_letters_max = 500;
  /// What may wait for one endpoint; beyond it the oldest becomes a dead letter.
  std::size_t queue_max = 10'000;
  /// The same in bytes of their bodies, for all endpoints together: an eighth of a state log, where they wait for the disk.
  std::size_t queue_bytes_max = std::size_t{4} << 20U;
};

/// Tells other programs what happens (contract section 35): room.created, room.destroyed, peer.joined, peer.left, and what
/// dispatch() is given. Each endpoint gets each event, in order, one at a time; a failing one is tried four times in
/// all, with the same bytes, and delays only itself.
///
/// What waits lies in lasting storage as well: the successor of a process that died delivers it, with the same id, in the
/// same order, at the time that the predecessor would have. What was under way at the death is sent again, so a receiver may
/// see an id twice.
class WebhookDispatcher {
 public:
  /// `done` is called once, with nothing for a 2xx or else with what went wrong.
  using Done = std::function<void(std::optional<std::string> error)>;
  struct Outside {
    std::function<void(const WebhookRequest& request, Done done)> post;
    std::function<void(std::string_view event, const nlohmann::json& data)> emit;  // delivery:success, :retry, :failed
    std::function<TimePoint()> now;
    std::function<std::int64_t(TimePoint)> unix_ms;
    DeadLetters::Write write_dead_letter;  // may be empty: memory only
    WebhookOutbox::Write write_outbox;     // the same
  };

  /// All borrowed for life. `tag` (raw data of an event in, changed in place) is DataResidency's; may be empty.
  WebhookDispatcher(Bus& bus, const Rooms& rooms, Entropy& entropy, Outside outside, WebhookOptions options,
                    std::function<void(nlohmann::json& data)> tag = {});
  WebhookDispatcher(const WebhookDispatcher&) = delete;
  WebhookDispatcher& operator=(const WebhookDispatcher&) = delete;

  using Rows = std::vector<std::pair<std::string, std::string>>;  // key and text
  /// What a predecessor wrote, once, before anything else.
  void restore(const Rows& dead_letters, const Rows& outbox);

  /// When this returns the event survives the death of this process.
  void dispatch(std::string_view type, nlohmann::json data);
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const noexcept;
  /// Endpoints that are no longer named lose what waits for them to the dead letters.
  void set_options(WebhookOptions options);
  /// The server ends: what is not delivered waits for the next one; without lasting storage it becomes dead letters.
  void stop();

  [[nodiscard]] DeadLetters& dead_letters() noexcept { return dead_letters_; }
  struct Stats {
    std::uint64_t delivered = 0;
    std::uint64_t retries = 0;
    std::uint64_t failed = 0;
    std::uint64_t dropped = 0;   // of the failed: the queue was full
    std::uint64_t restored = 0;  // went on after the death of a predecessor, or its end
    std::size_t waiting = 0;
  };
  [[nodiscard]] Stats stats() const noexcept;

 private:
  using EventPtr = std::shared_ptr<const WebhookEvent>;
  struct Waiting {
    EventPtr event;
    std::uint64_t number = 0;  // in the outbox
    std::size_t bytes = 0;
  };
  struct Line {
    WebhookEndpoint endpoint;
    std::deque<Waiting> queue;  // the first is under way, or waits for its next attempt
    std::size_t bytes = 0;
    std::optional<WebhookRequest> request;
    unsigned attempt = 0;
    bool posting = false;
    TimePoint retry_at = never;
    std::uint64_t post_number = 0;  // so that an answer to an earlier post does nothing
  };
  struct RoomMemory {
    std::int64_t created_at = 0;
    nlohmann::json metadata;
  };

  void follow(Bus& bus);
  void remember(const RoomId& room);
  [[nodiscard]] nlohmann::json summary(const RoomId& room) const;
  void append(Line& line, EventPtr event, std::uint64_t number, std::size_t bytes);
  void make_room(Line& line, std::size_t bytes);
  void drop(Line& line, std::size_t index, const std::string& error);
  void finish_first(Line& line);
  void begin(Line& line);
  void post(Line& line);
  void answered(Line& line, std::optional<std::string> error);
  void fail(Line& line, const std::string& error);
  void bury(const WebhookEndpoint& endpoint, const WebhookEvent& event, const std::string& error);

  const Rooms& rooms_;
  Entropy& entropy_;
  Outside outside_;
  WebhookOptions options_;
  std::function<void(nlohmann::json&)> tag_;
  DeadLetters dead_letters_;
  WebhookOutbox outbox_;
  std::vector<std::shared_ptr<Line>> lines_;  // one for each endpoint
  std::map<RoomId, RoomMemory> known_rooms_;  // a room is gone from the table when its last facts arrive
  Stats stats_;
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice
