#include "control/app/socketio_feature.hpp"

#include <utility>

#include "control/config/sources.hpp"
#include "control/observability/log.hpp"

namespace sluice::app {
namespace {

constexpr const char* socketio_path = "/socket.io/";

socketio::EngineSettings engine_settings(const config::SocketioConfig& config) {
  socketio::EngineSettings settings;
  settings.ping_interval = config.ping_interval;
  settings.ping_timeout = config.ping_timeout;
  settings.upgrade_timeout = config.upgrade_timeout;
  settings.connect_timeout = config.connect_timeout;
  settings.payload_bytes_max = config.max_payload_bytes;
  settings.sessions_per_ip_max = config.sessions_per_ip_max;
  return settings;
}

RtcioOptions rtcio_options(const config::RtcioConfig& config) {
  RtcioOptions options;
  options.rooms_per_socket_max = config.max_rooms_per_peer;
  options.members_per_room_max = config.max_peers_per_room;
  options.messages_per_second_max = config.messages_per_second;
  options.require_shared_room = config.require_shared_room;
  return options;
}

WrtcOptions wrtc_options(const config::WrtcSignalConfig& config) {
  WrtcOptions options;
  options.token_lifetime = config.token_lifetime;
  options.legacy_silent_reject = config.legacy_silent_reject;
  options.members_per_room_max = config.max_peers_per_room;
  options.ownerless = config.ownerless == "reject"           ? WrtcOptions::Ownerless::reject
                      : config.ownerless == "promote-oldest" ? WrtcOptions::Ownerless::promote_oldest
                                                             : WrtcOptions::Ownerless::silent;
  return options;
}

RoomNames room_names(const config::DialectsConfig& config) {
  auto names = RoomNames::bridging(config.bridge);
  if (!names) throw config::ConfigError("'dialects.bridge': " + names.error() + ".");
  return std::move(*names);
}

/// A room token has a name of its own here: `token` is what makes a CONNECT wrtc-signal's.
std::vector<socketio::Memberships::TokenKey> token_keys(const config::PolicyConfig& config) {
  std::vector<socketio::Memberships::TokenKey> keys;
  if (!config.api_secret.empty()) keys.push_back({"roomToken", "token"});
  if (config.policy_engine)
    keys.push_back({config.policy_engine->token_metadata_key, config.policy_engine->token_metadata_key});
  return keys;
}

/// Stands where a token comes in and wrtc-signal is not served.
class NoTokens final : public socketio::Application {
 public:
  socketio::ConnectDecision connect(const socketio::ConnectRequest&, TimePoint) override {
    return socketio::ConnectRefused{"Token is not valid"};
  }
  void on_connect(socketio::SocketKey, const socketio::ConnectRequest&, TimePoint) override {}
  void on_recover(socketio::SocketKey, const socketio::ConnectRequest&, std::string_view, TimePoint) override {}
  void on_event(socketio::SocketKey, const socketio::Event&, TimePoint) override {}
  void on_disconnecting(socketio::SocketKey, socketio::DisconnectReason, TimePoint) override {}
  [[nodiscard]] std::string save(socketio::SocketKey) const override { return {}; }
};
NoTokens& no_tokens() {
  static NoTokens application;
  return application;
}

}  // namespace

SocketioFeature::SocketioFeature(FeatureContext& context)
    : context_(context),
      names_(room_names(context.config.dialects)),
      ports_(context.web, context.config),
      edge_(context.web, context.now),
      server_([this](std::string_view name, const JsonView& auth,
                     std::uint8_t entrance) { return choose(name, auth, entrance); },
              context.entropy),
      engine_(engine_settings(context.config.dialects.socketio), server_, edge_, context.entropy) {
  server_.attach(engine_);
  edge_.attach(engine_);
  const config::DialectsConfig& config = context.config.dialects;
  const auto room_ids = [this](std::string_view dialect) {
    return [this, dialect](std::string_view room) { return names_.id(dialect, room); };
  };
  const auto entrance = [this](Entrance way) -> SocketioEntrance& {
    return *entrances_.emplace_back(std::make_unique<SocketioEntrance>(edge_, socketio_path, way));
  };
  context.routes.add(entrance(shared));
  wrtc_endpoint_.application = &no_tokens();
  if (config.rtcio.enabled) {
    rtcio_.emplace(server_, rtcio_endpoint_, context.rooms, context.bus, room_ids(rtcio_dialect_name),
                   rtcio_options(config.rtcio));
    rtcio_endpoint_.application = &*rtcio_;
    rtcio_->set_token_keys(token_keys(context.config.policy));
    if (context.guard != nullptr) rtcio_->set_guard(*context.guard);
    if (config.socketio.recovery.count() > 0) {
      rtcio_endpoint_.recovery = std::make_unique<socketio::RecoveryStore>(
          socketio::RecoverySettings{config.socketio.recovery, config.socketio.recovery_bytes_max, 20'000});
    }
    if (config.rtcio.port) ports_.open("rtcio", config.rtcio.port, entrance(only_rtcio));
  }
  if (config.wrtc_signal.enabled && !config.wrtc_signal.app_secret.empty()) {
    tokens_.emplace(config.wrtc_signal.app_secret);
    wrtc_.emplace(
        server_, wrtc_endpoint_, context.rooms, context.bus, context.entropy, *tokens_, room_ids(wrtc_dialect_name),
        [unix_ms = context.unix_ms](TimePoint at) { return unix_ms(at) / 1000; }, wrtc_options(config.wrtc_signal));
    wrtc_endpoint_.application = &*wrtc_;
    wrtc_->set_token_keys(token_keys(context.config.policy));
    if (context.guard != nullptr) wrtc_->set_guard(*context.guard);
    app_endpoint_.emplace(*tokens_, config.wrtc_signal.app_pass);
    demo_.emplace(config.wrtc_signal.ice_servers, config.wrtc_signal.demo_token);
    wrtc_http_.emplace(*app_endpoint_, *demo_);
    context.routes.add(*wrtc_http_);
    if (config.wrtc_signal.port) {
      routes_.push_back(std::make_unique<WrtcPort>(*wrtc_http_, entrance(only_wrtc)));
      ports_.open("wrtcSignal", config.wrtc_signal.port, *routes_.back());
    }
  }
  context.collectors.emplace_back([this](PrometheusText& out) { write(out); });
}

socketio::Endpoint* SocketioFeature::choose(std::string_view name_space, const JsonView& auth, std::uint8_t entrance) {
  if (name_space != "/") return nullptr;
  if (entrance == only_rtcio) return &rtcio_endpoint_;
  if (entrance == only_wrtc || !rtcio_) return &wrtc_endpoint_;
  const auto object = JsonObject::of(auth);
  return object && object->find("token") ? &wrtc_endpoint_ : &rtcio_endpoint_;
}

/// Their connections died with the predecessor of this process; clients come back as new ones.
void SocketioFeature::restored(TimePoint now) {
  (void)now;
  std::vector<PeerId> gone;
  for (const auto& [id, peer] : context_.rooms.peers()) {
    if (peer->dialect() == rtcio_dialect_name || peer->dialect() == wrtc_dialect_name) gone.push_back(id);
  }
  for (const PeerId& peer : gone) context_.rooms.leave(peer, LeaveCause::dropped);
}

void SocketioFeature::attached(std::string_view module) {
  if (module != "policyEngine") return;
  if (rtcio_) rtcio_->set_token_keys(token_keys(context_.config.policy));
  if (wrtc_) wrtc_->set_token_keys(token_keys(context_.config.policy));
}

void SocketioFeature::stop() {
  engine_.shut_down(context_.now());
}

void SocketioFeature::write(PrometheusText& out) const {
  using enum PrometheusText::Type;
  const auto count = [](auto value) { return static_cast<double>(value); };
  const socketio::EngineStatistics& engine = engine_.statistics();
  const socketio::SocketServerStatistics& sockets = server_.statistics();
  out.single("sluice_socketio_sessions", gauge, "Engine.IO sessions now.", count(engine_.session_count()));
  out.single("sluice_socketio_sessions_total", counter, "Engine.IO sessions opened.", count(engine.sessions_opened));
  out.single("sluice_socketio_upgrades_total", counter, "Sessions that moved from polling to WebSocket.",
             count(engine.upgrades));
  out.single("sluice_socketio_refused_total", counter, "Requests answered by an Engine.IO error.", count(engine.refused));
  out.single("sluice_socketio_messages_in_total", counter, "Messages received.", count(engine.messages_in));
  out.single("sluice_socketio_messages_out_total", counter, "Messages sent.", count(engine.messages_out));
  out.single("sluice_socketio_ping_timeouts_total", counter, "Sessions that answered no ping.", count(engine.ping_timeouts));
  out.single("sluice_socketio_queue_overflows_total", counter, "Sessions whose queue grew too long.",
             count(engine.queues_overflowed));
  out.single("sluice_socketio_violations_total", counter, "Sessions closed because of what they sent.",
             count(engine.protocol_errors + sockets.violations));
  out.single("sluice_socketio_recovered_total", counter, "Connections whose state was recovered.", count(sockets.recovered));
  if (rtcio_) {
    const RtcioStatistics& rtcio = rtcio_->statistics();
    out.single("sluice_rtcio_relayed_total", counter, "rtc.io envelopes relayed.", count(rtcio.relayed));
    out.family("sluice_rtcio_dropped_total", counter, "rtc.io messages dropped, by reason.");
    out.sample(count(rtcio.dropped_no_target), prometheus_label("reason", "no_target"));
    out.sample(count(rtcio.dropped_forged), prometheus_label("reason", "forged_source"));
    out.sample(count(rtcio.dropped_malformed), prometheus_label("reason", "malformed"));
    out.sample(count(rtcio.dropped_over_limit), prometheus_label("reason", "over_limit"));
    out.sample(count(rtcio.dropped_not_allowed), prometheus_label("reason", "not_allowed"));
  }
  if (wrtc_) {
    const WrtcStatistics& wrtc = wrtc_->statistics();
    out.single("sluice_wrtc_signal_relayed_total", counter, "wrtc-signal descriptions and candidates relayed.",
               count(wrtc.relayed));
    out.single("sluice_wrtc_signal_dropped_total", counter, "The same without a receiver.", count(wrtc.dropped));
    out.single("sluice_wrtc_signal_tokens_refused_total", counter, "App tokens that were not valid.",
               count(wrtc.tokens_refused));
    out.single("sluice_wrtc_signal_unauthorized_total", counter, "Events without a valid session token.",
               count(wrtc.unauthorized));
  }
}

// --- conformance mode -----------------------------------------------------------------------------------------------------

SocketioConformance::SocketioConformance(FeatureContext& context)
    : socket_edge_(context.web, context.now),
      engine_edge_(context.web, context.now),
      server_(
          [this](std::string_view name, const JsonView&, std::uint8_t) {
            return name == "/" ? &main_ : name == "/custom" ? &custom_ : nullptr;
          },
          context.entropy),
      socket_engine_(socketio::conformance_settings(), server_, socket_edge_, context.entropy),
      bare_engine_(
          [] {
            socketio::EngineSettings settings = socketio::conformance_settings();
            settings.connect_timeout = std::chrono::milliseconds(0);  // there is nothing to connect to
            return settings;
          }(),
          bare_, engine_edge_, context.entropy),
      echo_(server_),
      socket_entrance_(socket_edge_, socketio_path, 0, SocketioEntrance::Visitors::loopback),
      engine_entrance_(engine_edge_, "/engine.io/", 0, SocketioEntrance::Visitors::loopback) {
  main_.application = &echo_;
  custom_.application = &echo_;
  server_.attach(socket_engine_);
  bare_.attach(bare_engine_);
  socket_edge_.attach(socket_engine_);
  engine_edge_.attach(bare_engine_);
  context.routes.add(socket_entrance_);
  context.routes.add(engine_entrance_);
  log::warn("socketio conformance mode: rtc.io and wrtc-signal are not served");
}

void SocketioConformance::handle_timeout(TimePoint now) {
  socket_engine_.handle_timeout(now);
  bare_engine_.handle_timeout(now);
  echo_.handle_timeout(now);
}

TimePoint SocketioConformance::next_deadline() const {
  return std::min({socket_engine_.next_deadline(), bare_engine_.next_deadline(), echo_.next_deadline()});
}

void add_socketio(FeatureContext& context, Features& features) {
  const config::SocketioConfig& config = context.config.dialects.socketio;
  if (!config.enabled) return;
  if (config.conformance) {
    features.push_back(std::make_unique<SocketioConformance>(context));
  } else {
    features.push_back(std::make_unique<SocketioFeature>(context));
  }
}

}  // namespace sluice::app
