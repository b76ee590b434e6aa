#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/json/json_view.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/media_signaling.hpp"
#include "control/rooms/publications.hpp"
#include "control/rooms/rooms.hpp"
#include "control/signaling/native/control_payload.hpp"
#include "control/signaling/native/outbox.hpp"
#include "control/signaling/native/signaling_options.hpp"

namespace sluice {

/// `__sfu` payloads and the negotiation with `__sfu__` (contract section 15, and the rulings of the design): turns them into
/// calls of Publications and MediaSignaling, and their facts into `sfu:*` messages.
///
/// Construct it after the dialect whose outbox it uses, so that `sfu:ready` follows `room:joined`, and after the media
/// module.
class SfuSignaling final : public ControlPayloadModule {
 public:
  /// All borrowed for life.
  SfuSignaling(Rooms& rooms, Publications& publications, MediaSignaling& media, Outbox& outbox, Bus& bus,
               SfuOptions options);

  /// A further action of `__sfu` payloads (`feedback`), handled by another module. Valid for the life of this.
  using Action = std::function<void(const PeerId& from, const JsonObject& payload, TimePoint now)>;
  void add_action(std::string name, Action action) { actions_.insert_or_assign(std::move(name), std::move(action)); }

  [[nodiscard]] std::string_view discriminator() const override { return "__sfu"; }
  void handle(const PeerId& from, const JsonObject& payload, TimePoint now) override;

  /// An offer, answer or candidate with target `__sfu__` from a member. `body` is the value of `sdp` or `candidate`.
  void negotiate(const PeerId& from, std::string_view type, const JsonView& body, TimePoint now);

 private:
  void publish(const PeerId& from, const JsonObject& payload, TimePoint now);
  void unpublish(const PeerId& from, const JsonObject& payload);
  void subscribe(const PeerId& from, const JsonObject& payload, TimePoint now);
  void unsubscribe(const PeerId& from, const JsonObject& payload);
  void select_layer(const PeerId& from, const JsonObject& payload);
  void pause_publication(const PeerId& from, const JsonObject& payload, bool paused);
  void pause_subscription(const PeerId& from, const JsonObject& payload, bool paused);
  void offer(const PeerId& from, const JsonView& sdp, TimePoint now);
  bool within_rate(const PeerId& from, TimePoint now);
  void refuse(const PeerId& to, PublicationError reason, std::string_view key, const std::optional<JsonView>& echoed);
  void tell_ready(const PeerJoined& fact);
  void tell_paused(const ProducerId& producer, bool paused);
  void tell_mid(const PeerId& peer, const ConsumerId& consumer, const std::string& mid);
  void follow(Bus& bus);

  struct Window {
    TimePoint begin;
    std::uint32_t count = 0;
  };

  Rooms& rooms_;
  Publications& publications_;
  MediaSignaling& media_;
  Outbox& outbox_;
  SfuOptions options_;
  std::unordered_map<std::string, Action> actions_;
  std::unordered_map<PeerId, Window> rates_;
  std::unordered_map<ConsumerId, std::string> told_mids_;  // so that nobody is told twice
  std::optional<PeerId> answering_;                        // in handle_offer(): its consumers wait for the answer
  std::vector<ConsumerReady> waiting_;
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice
