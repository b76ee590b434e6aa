#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "control/api/event_feed.hpp"
#include "control/api/operations.hpp"
#include "control/app/feature.hpp"
#include "control/app/reconfiguration.hpp"
#include "control/bus/bus.hpp"
#include "control/config/server_config.hpp"
#include "control/hooks/hooks.hpp"
#include "control/http_client/http_client.hpp"
#include "control/loop/event_loop.hpp"
#include "control/loop/web_server.hpp"
#include "control/media/media.hpp"
#include "control/observability/prometheus_text.hpp"
#include "control/observability/room_metrics.hpp"
#include "control/observability/troubles.hpp"
#include "control/observability/worker_metrics.hpp"
#include "control/rooms/message_guard.hpp"
#include "control/rooms/publications.hpp"
#include "control/rooms/rooms.hpp"
#include "control/sessions/sessions.hpp"
#include "control/signaling/native/native_dialect.hpp"
#include "control/store/store.hpp"
#include "control/workers/workers.hpp"
#include "shm/descriptors/descriptor.hpp"
#include "shm/state_log/state_log.hpp"
#include "shm/types/entropy.hpp"

namespace sluice::app {

/// Writes families of its own to /metrics.
using Collector = std::function<void(PrometheusText&)>;

/// What features are made from. Everything outlives them.
struct FeatureContext {
  const config::ServerConfig& config;
  loop::EventLoop& loop;
  loop::WebServer& web;
  loop::Routes& routes;  // of the signaling port: dialects add theirs
  Bus& bus;
  Entropy& entropy;
  Rooms& rooms;
  Publications* publications;  // null without `nativeSfu`
  Sessions& sessions;
  NativeDialect& native;
  Media* media;  // null without `nativeSfu`
  workers::Workers& workers;
  RoomMetrics& metrics;
  StateLog& state_log;  // survives this process, not the server
  Store& store;
  Operations& operations;
  EventFeed& events;
  HttpClient& http;  // calls to others: hooks, webhooks, alerts, traces
  Hooks& hooks;
  Reconfiguration& reconfiguration;
  std::vector<Collector>& collectors;
  TimePoint (*now)();
  std::int64_t (*unix_ms)(TimePoint);  // the loop's time as Unix milliseconds
  int audit_folder = -1;               // descriptor of the audit log's folder
  MessageGuard* guard = nullptr;       // what dialects ask for every connection and message; null: nothing is attached
  std::function<void(PrometheusText&)> write_metrics = {};  // all of /metrics
  loop::Routes* admin_routes = nullptr;                     // of the admin listener
  Descriptor* control_listener = nullptr;                   // of the control socket; invalid: none
  const Troubles* troubles = nullptr;                       // which parts are in trouble; never null
};

using Features = std::vector<std::unique_ptr<Feature>>;

}  // namespace sluice::app
