#pragma once

#include <string_view>

#include "control/app/dialect_listener.hpp"
#include "control/app/feature.hpp"
#include "control/app/feature_context.hpp"
#include "control/loop/event_loop.hpp"
#include "control/signaling/protoo/protoo_dialect.hpp"
#include "control/signaling/room_names/room_names.hpp"

namespace sluice::app {

/// protoo: what makes its dialect a part of the server.
class ProtooFeature final : public Feature, public loop::Route {
 public:
  /// All borrowed for life.
  ProtooFeature(FeatureContext& context, const RoomNames& names);

  void restored(TimePoint now) override;
  void attached(std::string_view module) override;
  void handle_timeout(TimePoint now) override { dialect_.handle_timeout(now); }
  [[nodiscard]] TimePoint next_deadline() const override { return dialect_.next_deadline(); }

  /// An upgrade that offers the subprotocol, whatever its path; and /protoo.
  [[nodiscard]] bool claims(const loop::RequestHead& head) const override;
  [[nodiscard]] loop::UpgradeDecision upgrade(const loop::UpgradeRequest& request) override;
  void http(const loop::HttpRequest& request, loop::HttpReply reply) override;

 private:
  FeatureContext& context_;
  ProtooOptions options_;
  std::size_t message_bytes_max_;
  DialectListener listener_;
  ProtooDialect dialect_;
};

}  // namespace sluice::app
