#include "control/abr/adaptive_bitrate.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "shm/types/bytes.hpp"

namespace sluice {

using nlohmann::json;
using namespace std::chrono_literals;

namespace {

/// Silence after which a score begins to recover.
constexpr Duration silence = 3s;

// Keys in the state log.
constexpr std::string_view score_prefix = "abr/score/";
constexpr std::string_view speaker_prefix = "abr/speaker/";
constexpr std::string_view screen_prefix = "abr/screen/";

std::string log_key(std::string_view prefix, const std::string& id) {
  return std::string(prefix) + id;
}

std::optional<std::string> text_of(const Metadata& metadata, std::string_view key) {
  const std::string* raw = metadata.find(key);
  if (raw == nullptr) return std::nullopt;
  const json value = json::parse(*raw, nullptr, false);
  if (!value.is_string()) return std::nullopt;
  return value.get<std::string>();
}

DeviceType device_in(const Metadata& metadata) {
  const auto agent = text_of(metadata, "userAgent");
  const auto type = text_of(metadata, "deviceType");
  return device_of(agent ? std::optional<std::string_view>(*agent) : std::nullopt,
                   type ? std::optional<std::string_view>(*type) : std::nullopt);
}

}  // namespace

AdaptiveBitrate::AdaptiveBitrate(Bus& bus, Rooms& rooms, const Publications& publications, StateLog& log, Emit emit,
                                 AdaptiveBitrateOptions options, Clocks clocks)
    : bus_(bus),
      rooms_(rooms),
      publications_(publications),
      log_(log),
      emit_(std::move(emit)),
      options_(options),
      clocks_(std::move(clocks)) {
  follow(bus);
}

void AdaptiveBitrate::set_options(const AdaptiveBitrateOptions& options, TimePoint now) {
  options_ = options;
  next_decay_ = now + options.decay_interval;
}

void AdaptiveBitrate::follow(Bus& bus) {
  const auto on = [&]<typename Fact>(auto react) { subscriptions_.push_back(bus.subscribe<Fact>(react)); };
  on.template operator()<SubscriptionStarted>([this](const SubscriptionStarted& fact) {
    start(fact.consumer, fact.subscriber, fact.producer, fact.room, clocks_.now());
    flush();
  });
  on.template operator()<SubscriptionEnded>([this](const SubscriptionEnded& fact) {
    receivers_.erase(fact.consumer);
    (void)log_.erase(log_key(score_prefix, fact.consumer.value));
    const auto consumers = by_producer_.find(fact.producer);
    if (consumers == by_producer_.end()) return;
    consumers->second.erase(fact.consumer);
    if (consumers->second.empty()) by_producer_.erase(consumers);
  });
  on.template operator()<PublicationEnded>([this](const PublicationEnded& fact) {
    set_protected(speakers_, speaker_prefix, fact.producer, false);
    set_protected(screens_, screen_prefix, fact.producer, false);
  });
  on.template operator()<SubscriptionLayerSelected>([this](const SubscriptionLayerSelected& fact) {
    const auto found = receivers_.find(fact.consumer);
    if (found != receivers_.end()) found->second.manual = fact.layer;
  });
  on.template operator()<ActiveSpeakerChanged>([this](const ActiveSpeakerChanged& fact) { hear(fact); });
  on.template operator()<RoomDestroyed>([this](const RoomDestroyed& fact) { heard_.erase(fact.room); });
  on.template operator()<RoomsRestored>([this](const RoomsRestored&) { restore(); });
}

// --- what a restart keeps
// -----------------------------------------------------------------------------------------------------------------

void AdaptiveBitrate::restore() {
  const TimePoint now = clocks_.now();
  restore_protected();
  for (const auto& [id, subscription] : publications_.subscriptions()) {
    start(id, subscription.subscriber, subscription.producer, subscription.room, now);
    if (const auto made = receivers_.find(id); made != receivers_.end() && subscription.layer)
      made->second.manual = *subscription.layer;
  }
  std::vector<std::string> gone;
  log_.for_each(score_prefix, [&](std::string_view key, Bytes) {
    if (!receivers_.contains(ConsumerId(std::string(key.substr(score_prefix.size()))))) gone.emplace_back(key);
  });
  for (const std::string& key : gone) (void)log_.erase(key);
  flush();
}

void AdaptiveBitrate::restore_protected() {
  std::vector<std::string> gone;
  const auto read = [&](std::string_view prefix, std::unordered_set<ProducerId>& producers) {
    log_.for_each(prefix, [&](std::string_view key, Bytes) {
      const ProducerId producer(std::string(key.substr(prefix.size())));
      if (publications_.find(producer) == nullptr) {
        gone.emplace_back(key);
      } else {
        producers.insert(producer);
      }
    });
  };
  read(speaker_prefix, speakers_);
  read(screen_prefix, screens_);
  for (const std::string& key : gone) (void)log_.erase(key);
}

std::optional<ReceiverMemory> AdaptiveBitrate::remembered(const ConsumerId& consumer) const {
  const auto row = log_.get(log_key(score_prefix, consumer.value));
  return row ? parse_receiver_memory(as_text(*row)) : std::nullopt;
}

void AdaptiveBitrate::store(const ConsumerId& consumer, const Receiver& receiver) {
  ReceiverMemory memory{.score = receiver.score.ten_thousandths(),
                        .current = receiver.current,
                        .target = receiver.target,
                        .hinted = receiver.hinted,
                        .heard = clocks_.unix_ms(receiver.heard),
                        .hold = std::nullopt,
                        .pli = receiver.pli,
                        .nack = receiver.nack};
  if (receiver.hold) memory.hold = clocks_.unix_ms(*receiver.hold);
  (void)log_.put(log_key(score_prefix, consumer.value), as_bytes(to_row(memory)));
}

void AdaptiveBitrate::set_protected(std::unordered_set<ProducerId>& producers, std::string_view prefix,
                                    const ProducerId& producer, bool is) {
  const std::string key = log_key(prefix, producer.value);
  if (is) {
    if (producers.insert(producer).second) (void)log_.put(key, as_bytes(std::string_view("1")));
  } else if (producers.erase(producer) > 0) {
    (void)log_.erase(key);
  }
}

// --- consumers
// ----------------------------------------------------------------------------------------------------------------------------

void AdaptiveBitrate::start(const ConsumerId& consumer, const PeerId& subscriber, const ProducerId& producer,
                            const RoomId& room, TimePoint now) {
  const Peer* peer = rooms_.find_peer(subscriber);
  const Publication* publication = publications_.find(producer);
  if (peer == nullptr || publication == nullptr) return;
  const DeviceType device = device_in(peer->metadata());
  Receiver receiver{.room = room,
                    .peer = subscriber,
                    .producer = producer,
                    .layers = publication->layers,
                    .device = device,
                    .score = ReceiverScore::of(device, options_.mobile_first),
                    .hold = std::nullopt,
                    .heard = now};
  receiver.current = receiver.target = layer_of(receiver.score.level(), receiver.layers.size());
  if (const auto memory = remembered(consumer)) {
    // A time of the past on this process's clock; never of the future, whatever clocks did.
    const auto time_of = [&](std::int64_t unix_ms) {
      return now - std::chrono::milliseconds(std::max<std::int64_t>(clocks_.unix_ms(now) - unix_ms, 0));
    };
    const auto highest = static_cast<std::uint8_t>(std::max<std::size_t>(receiver.layers.size(), 1) - 1);
    receiver.score = ReceiverScore::kept(memory->score);
    receiver.current = std::min(memory->current, highest);
    receiver.target = std::min(memory->target, highest);
    receiver.hinted = memory->hinted;
    receiver.heard = time_of(memory->heard);
    if (memory->hold) receiver.hold = time_of(*memory->hold);
    receiver.pli = memory->pli;
    receiver.nack = memory->nack;
  }
  if (receivers_.empty()) next_decay_ = now + options_.decay_interval;
  by_producer_[producer].insert(consumer);
  const auto made = receivers_.insert_or_assign(consumer, std::move(receiver)).first;
  store(consumer, made->second);
  publish(consumer, made->second);
}

void AdaptiveBitrate::publish(const ConsumerId& consumer, const Receiver& receiver) {
  if (receiver.layers.empty()) return;
  outgoing_.push_back([this, fact = SubscriptionLayerTargeted{receiver.room, consumer, receiver.peer, receiver.current}] {
    bus_.publish(fact);
  });
}

/// What others hear goes out last: what they do then may change the tables.
void AdaptiveBitrate::flush() {
  for (const auto& send : std::exchange(outgoing_, {})) send();
}

bool AdaptiveBitrate::is_speaker(const ProducerId& producer) const {
  if (speakers_.contains(producer)) return true;
  const Publication* publication = publications_.find(producer);
  if (publication == nullptr) return false;
  const auto heard = heard_.find(publication->room);
  return heard != heard_.end() && heard->second == publication->peer;
}

bool AdaptiveBitrate::is_protected(const ProducerId& producer) const {
  return (options_.protect_active_speaker && is_speaker(producer)) ||
         (options_.protect_screen_share && screens_.contains(producer));
}

std::string AdaptiveBitrate::name_of(const Receiver& receiver, std::uint8_t layer) {
  return layer < receiver.layers.size() ? receiver.layers[layer] : std::string();
}

// --- scores
// --------------------------------------------------------------------------------------------------------------------

void AdaptiveBitrate::feedback(const PeerId& from, const ConsumerId& consumer, std::string_view type,
                               std::optional<double> count, std::optional<double> bitrate, TimePoint now) {
  const auto found = receivers_.find(consumer);
  const auto kind = feedback_kind_of(type);
  if (found == receivers_.end() || found->second.peer != from || !kind) return;
  Receiver& receiver = found->second;
  if (!receiver.score.apply(*kind, count, bitrate)) return;
  receiver.heard = now;
  if (*kind == FeedbackKind::pli) ++receiver.pli;
  if (*kind == FeedbackKind::nack) ++receiver.nack;
  tell("score:updated",
       {{"consumerId", consumer.value}, {"peerId", receiver.peer.value}, {"score", receiver.score.value()}});
  evaluate(consumer, receiver, Direction::any, now);
  store(consumer, receiver);
  flush();
}

void AdaptiveBitrate::evaluate(const ConsumerId& consumer, Receiver& receiver, Direction direction, TimePoint now) {
  ReceiverScore::Level level = receiver.score.level();
  if (std::exchange(receiver.hinted, receiver.score.hints_audio_only()) == false && receiver.hinted) {
    tell("audio:only:hint",
         {{"consumerId", consumer.value}, {"peerId", receiver.peer.value}, {"score", receiver.score.value()}});
  }
  if (level == ReceiverScore::Level::low && is_protected(receiver.producer)) level = ReceiverScore::Level::mid;
  receiver.target = layer_of(level, receiver.layers.size());
  if (receiver.target < receiver.current) {
    // A score that rises lowers nothing, not even a layer that was forced above what it affords.
    if (direction == Direction::up_only) return;
    receiver.hold.reset();
    change(consumer, receiver, receiver.target, Reason::adaptive);
  } else if (receiver.target > receiver.current) {
    if (!receiver.hold) {
      receiver.hold = now;
    } else if (now - *receiver.hold >= options_.upgrade_hold) {
      receiver.hold.reset();
      change(consumer, receiver, receiver.target, Reason::adaptive);
    }
  }
}

void AdaptiveBitrate::change(const ConsumerId& consumer, Receiver& receiver, std::uint8_t layer, Reason reason) {
  const std::uint8_t before = std::exchange(receiver.current, layer);
  if (before == layer || receiver.layers.empty()) return;
  const bool adaptive = reason == Reason::adaptive;
  publish(consumer, receiver);
  // What it comes to under the client's own ceiling (DESIGN.md: sfu:layer:auto reports the result).
  const std::uint8_t shown = std::min(layer, receiver.manual);
  if (shown != std::min(before, receiver.manual)) {
    json message{{"type", "sfu:layer:auto"}, {"consumerId", consumer.value}, {"layer", name_of(receiver, shown)}};
    message["reason"] = adaptive ? "adaptive" : "forced";
    if (adaptive) message["score"] = receiver.score.rounded();
    outgoing_.push_back([this, peer = receiver.peer, text = message.dump()] { rooms_.post(peer, text); });
  }
  tell("layer:changed", {{"consumerId", consumer.value},
                         {"peerId", receiver.peer.value},
                         {"from", name_of(receiver, before)},
                         {"to", name_of(receiver, layer)},
                         {"score", adaptive ? json(receiver.score.value()) : json()}});
}

void AdaptiveBitrate::tell(std::string_view event, json data) {
  outgoing_.push_back([this, name = std::string(event), data = std::move(data)] { emit_(name, data); });
}

void AdaptiveBitrate::handle_timeout(TimePoint now) {
  if (now < next_decay_) return;
  next_decay_ = now + options_.decay_interval;
  for (auto& [consumer, receiver] : receivers_) {
    const bool recovers = now - receiver.heard > silence && !receiver.score.is_full();
    if (recovers) receiver.score.recover();
    if (!recovers && !receiver.hold) continue;
    evaluate(consumer, receiver, Direction::up_only, now);
    if (recovers || !receiver.hold) store(consumer, receiver);  // a wait that goes on is written already
  }
  flush();
}

TimePoint AdaptiveBitrate::next_deadline() const noexcept {
  return receivers_.empty() ? never : next_decay_;
}

// --- speakers, screens, force
// ----------------------------------------------------------------------------------------------------------------

bool AdaptiveBitrate::may_report(const PeerId& peer, const Publication& publication) const {
  if (!rooms_.same_room(peer, publication.peer)) return false;
  if (!options_.restrict_active_speaker || peer == publication.peer) return true;
  const auto role = text_of(rooms_.find_peer(peer)->metadata(), "__role");
  return role == "moderator" || role == "admin";
}

void AdaptiveBitrate::report_speaker(const PeerId& from, const ProducerId& producer, bool active) {
  const Publication* publication = publications_.find(producer);
  if (publication == nullptr || !may_report(from, *publication)) return;
  if (active) {
    set_active_speaker(producer);
  } else {
    clear_active_speaker(producer);
  }
}

bool AdaptiveBitrate::set_active_speaker(const ProducerId& producer) {
  if (publications_.find(producer) == nullptr) return false;
  set_protected(speakers_, speaker_prefix, producer, true);
  raise_consumers_of(producer);
  flush();
  return true;
}

void AdaptiveBitrate::raise_consumers_of(const ProducerId& producer) {
  const auto consumers = by_producer_.find(producer);
  if (consumers == by_producer_.end()) return;
  for (const ConsumerId& consumer : consumers->second) {
    Receiver& receiver = receivers_.at(consumer);
    change(consumer, receiver, layer_of(ReceiverScore::Level::high, receiver.layers.size()), Reason::forced);
    store(consumer, receiver);
  }
}

/// What was heard is as good as what a client says, and ends by itself. It protects all that the speaker shows.
void AdaptiveBitrate::hear(const ActiveSpeakerChanged& fact) {
  if (!fact.peer) {
    heard_.erase(fact.room);
    return;
  }
  heard_.insert_or_assign(fact.room, *fact.peer);
  if (!options_.protect_active_speaker) return;
  for (const Publication* publication : publications_.of_publisher(*fact.peer)) {
    if (publication->kind == PublicationKind::video) raise_consumers_of(publication->id);
  }
  flush();
}

bool AdaptiveBitrate::clear_active_speaker(const ProducerId& producer) {
  const bool was = speakers_.contains(producer);
  set_protected(speakers_, speaker_prefix, producer, false);
  return was;
}

bool AdaptiveBitrate::mark_screen_share(const ProducerId& producer, bool is_screen_share) {
  if (publications_.find(producer) == nullptr) return false;
  set_protected(screens_, screen_prefix, producer, is_screen_share);
  return true;
}

bool AdaptiveBitrate::force_layer(const ConsumerId& consumer, std::string_view layer) {
  const auto found = receivers_.find(consumer);
  if (found == receivers_.end() || found->second.layers.empty()) return false;
  Receiver& receiver = found->second;
  const auto named = std::find(receiver.layers.begin(), receiver.layers.end(), layer);
  std::uint8_t index = 0;
  if (named != receiver.layers.end()) {
    index = static_cast<std::uint8_t>(named - receiver.layers.begin());
  } else if (layer == "high") {
    index = layer_of(ReceiverScore::Level::high, receiver.layers.size());
  } else if (layer == "mid") {
    index = layer_of(ReceiverScore::Level::mid, receiver.layers.size());
  } else if (layer != "low") {
    return false;
  }
  change(consumer, receiver, index, Reason::forced);
  store(consumer, receiver);
  flush();
  return true;
}

json AdaptiveBitrate::stats() const {
  json list = json::array();
  for (const auto& [consumer, receiver] : receivers_) {
    list.push_back({{"consumerId", consumer.value},
                    {"peerId", receiver.peer.value},
                    {"score", receiver.score.value()},
                    {"currentLayer", name_of(receiver, receiver.current)},
                    {"targetLayer", name_of(receiver, receiver.target)},
                    {"deviceType", to_string(receiver.device)},
                    {"isActiveSpeaker", is_speaker(receiver.producer)},
                    {"pliCount", receiver.pli},
                    {"nackCount", receiver.nack}});
  }
  return list;
}

}  // namespace sluice
