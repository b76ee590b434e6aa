#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "control/abr/receiver_memory.hpp"
#include "control/abr/receiver_score.hpp"
#include "control/bus/bus.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/publications.hpp"
#include "control/rooms/rooms.hpp"
#include "shm/state_log/state_log.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// Contract section 17, with its defaults.
struct AdaptiveBitrateOptions {
  Duration upgrade_hold = std::chrono::seconds(5);
  Duration decay_interval = std::chrono::seconds(2);
  bool mobile_first = true;
  bool protect_active_speaker = true;
  bool protect_screen_share = true;
  /// Only the producer's owner, a moderator or an admin may say who speaks (a policy is attached).
  bool restrict_active_speaker = false;
};

/// Chooses a layer for each consumer by what its client reports (contract section 17, AdaptiveBitrateController): a score,
/// thresholds, an upgrade that waits. What it chooses is an upper bound beside the client's own and what allocation affords:
/// SubscriptionLayerTargeted, obeyed by the media module. The subscriber is told `sfu:layer:auto`.
///
/// Consumers without layers have a score but nothing to choose.
///
/// Scores, layers, waiting upgrades, speakers and screens lie in the state log too: a restart of control changes no layer
/// and prolongs no wait.
class AdaptiveBitrate {
 public:
  /// `layer:changed`, `score:updated`, `audio:only:hint` for the event feed.
  using Emit = std::function<void(std::string_view event, const nlohmann::json& data)>;

  struct Clocks {
    std::function<TimePoint()> now;
    std::function<std::int64_t(TimePoint)> unix_ms;
  };
  /// All borrowed for life. Follows the facts of the room core.
  AdaptiveBitrate(Bus& bus, Rooms& rooms, const Publications& publications, StateLog& log, Emit emit,
                  AdaptiveBitrateOptions options, Clocks clocks);

  /// `{"__sfu":"feedback"}`: heard only from the consumer's owner. Anything that is not as the contract says is ignored.
  void feedback(const PeerId& from, const ConsumerId& consumer, std::string_view type, std::optional<double> count,
                std::optional<double> bitrate, TimePoint now);
  /// `{"__sfu":"active-speaker"}` of a member of the producer's room.
  void report_speaker(const PeerId& from, const ProducerId& producer, bool active);

  /// All its consumers get the highest layer at once, and protection. False for an unknown producer.
  bool set_active_speaker(const ProducerId& producer);
  bool clear_active_speaker(const ProducerId& producer);
  bool mark_screen_share(const ProducerId& producer, bool is_screen_share = true);
  /// `layer` is a name of the producer's layers, or high, mid, low. False when consumer or layer are unknown.
  bool force_layer(const ConsumerId& consumer, std::string_view layer);

  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const noexcept;
  void set_options(const AdaptiveBitrateOptions& options, TimePoint now);

  /// `stats()` of the contract.
  [[nodiscard]] nlohmann::json stats() const;
  [[nodiscard]] std::size_t consumers() const noexcept { return receivers_.size(); }

 private:
  struct Receiver {
    RoomId room;
    PeerId peer;
    ProducerId producer;
    std::vector<std::string> layers;  // lowest first
    DeviceType device = DeviceType::unknown;
    ReceiverScore score;
    std::uint8_t current = 0;       // index into `layers`
    std::uint8_t target = 0;        // what the score wanted last
    std::uint8_t manual = 255;      // the client's own ceiling
    std::optional<TimePoint> hold;  // since when an upgrade waits
    TimePoint heard;                // the last feedback, or the start
    bool hinted = false;            // audio:only:hint was sent
    std::uint64_t pli = 0;
    std::uint64_t nack = 0;
  };
  enum class Direction : std::uint8_t { any, up_only };
  enum class Reason : std::uint8_t { adaptive, forced };

  void follow(Bus& bus);
  void start(const ConsumerId& consumer, const PeerId& subscriber, const ProducerId& producer, const RoomId& room,
             TimePoint now);
  void restore();
  void restore_protected();
  void store(const ConsumerId& consumer, const Receiver& receiver);
  void set_protected(std::unordered_set<ProducerId>& producers, std::string_view prefix, const ProducerId& producer,
                     bool is);
  [[nodiscard]] std::optional<ReceiverMemory> remembered(const ConsumerId& consumer) const;
  void evaluate(const ConsumerId& consumer, Receiver& receiver, Direction direction, TimePoint now);
  void change(const ConsumerId& consumer, Receiver& receiver, std::uint8_t layer, Reason reason);
  void publish(const ConsumerId& consumer, const Receiver& receiver);
  void tell(std::string_view event, nlohmann::json data);
  void flush();
  void hear(const ActiveSpeakerChanged& fact);
  void raise_consumers_of(const ProducerId& producer);
  [[nodiscard]] bool is_speaker(const ProducerId& producer) const;
  [[nodiscard]] bool is_protected(const ProducerId& producer) const;
  [[nodiscard]] bool may_report(const PeerId& peer, const Publication& publication) const;
  [[nodiscard]] static std::string name_of(const Receiver& receiver, std::uint8_t layer);

  Bus& bus_;
  Rooms& rooms_;
  const Publications& publications_;
  StateLog& log_;
  Emit emit_;
  AdaptiveBitrateOptions options_;
  Clocks clocks_;
  TimePoint next_decay_ = never;
  std::unordered_map<ConsumerId, Receiver> receivers_;
  std::unordered_map<ProducerId, std::unordered_set<ConsumerId>> by_producer_;
  std::unordered_set<ProducerId> speakers_;
  std::unordered_set<ProducerId> screens_;
  std::unordered_map<RoomId, PeerId> heard_;     // active speakers by the levels of their sound; found anew after a restart
  std::vector<std::function<void()>> outgoing_;  // facts, messages, events of the call under way
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice
