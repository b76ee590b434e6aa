#pragma once

#include <string_view>

#include "control/app/dialect_listener.hpp"
#include "control/app/feature.hpp"
#include "control/app/feature_context.hpp"
#include "control/signaling/partyrooms/party_dialect.hpp"
#include "control/signaling/partyrooms/party_http.hpp"
#include "control/signaling/room_names/room_names.hpp"

namespace sluice::app {

/// PartyKit rooms: what makes their dialect a part of the server.
class PartyRoomsFeature final : public Feature, public loop::Route {
 public:
  /// All borrowed for life.
  PartyRoomsFeature(FeatureContext& context, const RoomNames& names);

  void restored(TimePoint now) override;
  void attached(std::string_view module) override;

  /// /parties and /party and all below.
  [[nodiscard]] bool claims(const loop::RequestHead& head) const override;
  [[nodiscard]] loop::UpgradeDecision upgrade(const loop::UpgradeRequest& request) override;
  void http(const loop::HttpRequest& request, loop::HttpReply reply) override;

 private:
  FeatureContext& context_;
  PartyOptions options_;
  PartyHttp http_;
  DialectListener listener_;
  PartyDialect dialect_;
};

}  // namespace sluice::app
