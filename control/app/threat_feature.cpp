#include "control/app/threat_feature.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <utility>

#include "control/security/address.hpp"

namespace sluice::app {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr Duration sweep_period = 60s;
/// Of a ban by an operator who names no length: an hour.
constexpr std::int64_t ban_ms = 3'600'000;

std::set<std::string> address_set(const std::vector<std::string>& addresses) {
  return {addresses.begin(), addresses.end()};
}

RateLimiterOptions limiter_options(const config::RateLimiterConfig& config) {
  RateLimiterOptions options;
  options.connections_per_minute = config.connections_per_minute;
  options.messages_per_second = config.messages_per_second;
  options.messages_per_minute = config.messages_per_minute;
  options.ban = config.ban;
  options.whitelist = address_set(config.whitelist);
  return options;
}

ThreatDetectorOptions threat_options(const config::ThreatDetectorConfig& config) {
  ThreatDetectorOptions options;
  ThreatThresholds& limits = options.thresholds;
  limits.max_conn_per_min_per_ip = config.max_conn_per_min_per_ip;
  limits.conn_flood_ban = config.conn_flood_ban;
  limits.max_signals_per_sec_per_peer = config.max_signals_per_sec_per_peer;
  limits.max_signals_per_min_per_peer = config.max_signals_per_min_per_peer;
  limits.signal_flood_kick_threshold = config.signal_flood_kick_threshold;
  limits.max_join_leave_per_min_per_ip = config.max_join_leave_per_min_per_ip;
  limits.room_cycling_ban = config.room_cycling_ban;
  limits.max_sdp_per_min_per_peer = config.max_sdp_per_min_per_peer;
  limits.max_payload_bytes = config.max_payload_bytes;
  limits.max_data_msg_per_sec_per_peer = config.max_data_msg_per_sec_per_peer;
  limits.max_metadata_patch_bytes = config.max_metadata_patch_bytes;
  limits.idle_timeout = config.idle_timeout;
  limits.max_broadcast_ratio = config.max_broadcast_ratio;
  options.whitelist = address_set(config.whitelist);
  options.media_is_activity = config.media_is_activity;
  return options;
}

json ban_list(const std::vector<BanList::Ban>& bans, std::int64_t unix_ms) {
  json list = json::array();
  for (const BanList::Ban& ban : bans) list.push_back({{"ip", ban.ip}, {"expiresIn", ban.until - unix_ms}});
  return list;
}

}  // namespace

ThreatFeature::ThreatFeature(FeatureContext& context)
    : context_(context), now_(context.now), next_sweep_(context.now() + sweep_period) {
  if (context.config.security.threat_detector) make_detector();
  if (context.config.security.rate_limiter) make_limiter();
  emit_events(context);
  context.collectors.push_back([this](PrometheusText& out) { collect(out); });
}

void ThreatFeature::make_detector() {
  threat_bans_ = std::make_unique<BanList>(context_.store, "threat_bans", context_.unix_ms, now_());
  threats_ = std::make_unique<ThreatDetector>(context_.rooms, context_.bus, *threat_bans_,
                                              threat_options(*context_.config.security.threat_detector), now_);
  guard_ = SecurityGuard(threats_.get(), limiter_.get());
  add_ban_operations(context_);
}

void ThreatFeature::make_limiter() {
  rate_bans_ = std::make_unique<BanList>(context_.store, "rate_bans", context_.unix_ms, now_());
  limiter_ =
      std::make_unique<RateLimiter>(context_.bus, *rate_bans_, limiter_options(*context_.config.security.rate_limiter));
  guard_ = SecurityGuard(threats_.get(), limiter_.get());
  add_limit_operations(context_);
}

bool ThreatFeature::attach(std::string_view module) {
  if (module == "threatDetector") {
    make_detector();
  } else if (module == "rateLimiter") {
    make_limiter();
  } else {
    return false;
  }
  return true;
}

// --- what dialects ask
// ------------------------------------------------------------------------------------------------------------

std::optional<std::string> ThreatFeature::refuse_connection(std::string_view ip, TimePoint now) {
  auto refused = guard_.refuse_connection(ip, now);
  if (refused) ++counters_.connections_refused;
  return refused;
}

GuardVerdict ThreatFeature::check(const PeerId& peer, const GuardedMessage& message, TimePoint now) {
  if (backpressure_ != nullptr) backpressure_->heard(peer, now);
  const GuardVerdict verdict = guard_.check(peer, message, now);
  if (verdict == GuardVerdict::ended) ++counters_.peers_ended;
  if (verdict == GuardVerdict::drop || verdict == GuardVerdict::drop_and_tell) ++counters_.messages_dropped;
  return verdict;
}

void ThreatFeature::handle_timeout(TimePoint now) {
  if (threats_) threats_->handle_timeout(now);
  if (now < next_sweep_) return;
  next_sweep_ = now + sweep_period;
  if (limiter_) limiter_->sweep(now);
}

TimePoint ThreatFeature::next_deadline() const {
  return threats_ ? std::min(next_sweep_, threats_->next_deadline()) : next_sweep_;
}

void ThreatFeature::reload(const config::ServerConfig& config) {
  // What is attached stays attached; limits may change.
  if (threats_ && config.security.threat_detector) threats_->set_options(threat_options(*config.security.threat_detector));
  if (limiter_ && config.security.rate_limiter) limiter_->set_options(limiter_options(*config.security.rate_limiter));
}

// --- operations, events, figures
// --------------------------------------------------------------------------------------------------

void ThreatFeature::add_ban_operations(FeatureContext& context) {
  Operations& operations = context.operations;
  const auto unix_ms = context.unix_ms;
  operations.add(
      {"bans.list",
       "Lists the addresses that are shut out.",
       {},
       "{bans[{ip, expiresIn}], stats}",
       [this, unix_ms](const json&, const OperationCaller&, const OperationReply& reply) {
         const TimePoint now = now_();
         const auto bans = threats_->bans(now);
         reply(json{
             {"bans", ban_list(bans, unix_ms(now))},
             {"stats",
              {{"bans", bans.size()}, {"trackedPeers", threats_->tracked_peers()}, {"whitelist", threats_->whitelist()}}}});
       }});
  operations.add(
      {"bans.add",
       "Shuts an address out; who is connected from there is put out.",
       {{"ip", "string", true, "numeric address"}, {"durationMs", "integer", false, "milliseconds; default an hour"}},
       "{banned: true, ip, until}",
       [this, unix_ms](const json& params, const OperationCaller&, const OperationReply& reply) {
         const std::string given = params["ip"];
         if (!is_address(given))
           return reply(
               tl::unexpected(OperationError{OperationError::Kind::invalid_params, "'ip' must be a numeric address."}));
         const std::int64_t length = params.value("durationMs", ban_ms);
         if (length <= 0)
           return reply(
               tl::unexpected(OperationError{OperationError::Kind::invalid_params, "'durationMs' must be positive."}));
         const std::string ip = canonical_address(given);
         const TimePoint now = now_();
         threats_->ban(ip, std::chrono::milliseconds(length), now);
         reply(json{{"banned", true}, {"ip", ip}, {"until", unix_ms(now) + length}});
       }});
  operations.add({"bans.remove",
                  "Ends the ban of an address, also if there is none.",
                  {{"ip", "string", true, "numeric address"}},
                  "{unbanned: true, ip}",
                  [this](const json& params, const OperationCaller&, const OperationReply& reply) {
                    const std::string ip = params["ip"];
                    (void)threats_->unban(canonical_address(ip));
                    reply(json{{"unbanned", true}, {"ip", ip}});
                  }});
}

void ThreatFeature::add_limit_operations(FeatureContext& context) {
  Operations& operations = context.operations;
  const auto unix_ms = context.unix_ms;
  operations.add({"rateLimiter.bans",
                  "Lists the addresses that made too many connections.",
                  {},
                  "{bans[{ip, expiresIn}]}",
                  [this, unix_ms](const json&, const OperationCaller&, const OperationReply& reply) {
                    const TimePoint now = now_();
                    reply(json{{"bans", ban_list(limiter_->bans(now), unix_ms(now))}});
                  }});
  operations.add(
      {"rateLimiter.ban",
       "Lets an address not connect for a while.",
       {{"ip", "string", true, "numeric address"}, {"durationMs", "integer", false, "default rateLimiter.banDurationMs"}},
       "{banned: true, ip}",
       [this](const json& params, const OperationCaller&, const OperationReply& reply) {
         const std::string given = params["ip"];
         const auto length = params.find("durationMs");
         const bool bad_length = length != params.end() && length->is_number_integer() && length->get<std::int64_t>() <= 0;
         if (!is_address(given) || bad_length)
           return reply(tl::unexpected(OperationError{OperationError::Kind::invalid_params,
                                                      "'ip' must be a numeric address, 'durationMs' positive."}));
         const std::string ip = canonical_address(given);
         if (length != params.end() && length->is_number_integer()) {
           limiter_->ban(ip, std::chrono::milliseconds(length->get<std::int64_t>()), now_());
         } else {
           limiter_->ban(ip, now_());
         }
         reply(json{{"banned", true}, {"ip", ip}});
       }});
  operations.add({"rateLimiter.unban",
                  "Lets such an address connect again.",
                  {{"ip", "string", true, "numeric address"}},
                  "{unbanned: true, ip}",
                  [this](const json& params, const OperationCaller&, const OperationReply& reply) {
                    const std::string ip = params["ip"];
                    (void)limiter_->unban(canonical_address(ip));
                    reply(json{{"unbanned", true}, {"ip", ip}});
                  }});
}

void ThreatFeature::emit_events(FeatureContext& context) {
  EventFeed& events = context.events;
  const auto clock = [unix_ms = context.unix_ms, now = context.now] { return unix_ms(now()); };
  subscriptions_.push_back(context.bus.subscribe<ThreatDetected>([this, &events, clock](const ThreatDetected& fact) {
    ++counters_.threats;
    json data = {{"level", std::string(to_string(fact.level))},
                 {"threat", fact.threat},
                 {"peer", nullptr},
                 {"ip", fact.ip},
                 {"ts", clock()}};
    if (fact.peer) data["peer"] = fact.peer->value;
    events.emit("threat", data);
  }));
  subscriptions_.push_back(context.bus.subscribe<AddressBanned>([&events](const AddressBanned& fact) {
    events.emit(fact.by_rate_limit ? "ip:banned" : "ban", {{"ip", fact.ip}, {"until", fact.until}});
  }));
  subscriptions_.push_back(context.bus.subscribe<AddressUnbanned>([&events](const AddressUnbanned& fact) {
    events.emit("unban", {{"ip", fact.ip}});
  }));
  subscriptions_.push_back(context.bus.subscribe<ConnectionBlocked>([&events](const ConnectionBlocked& fact) {
    events.emit("connection:blocked", {{"ip", fact.ip}});
  }));
  subscriptions_.push_back(context.bus.subscribe<MessageBlocked>([&events](const MessageBlocked& fact) {
    events.emit("signal:blocked", {{"peerId", fact.peer.value}});
  }));
}

void ThreatFeature::collect(PrometheusText& out) const {
  using Type = PrometheusText::Type;
  if (!threats_ && !limiter_) return;
  const auto figure = [](std::uint64_t value) { return static_cast<double>(value); };
  out.single("sluice_guard_connections_refused_total", Type::counter, "Connections refused by rate limit or ban.",
             figure(counters_.connections_refused));
  out.single("sluice_guard_messages_dropped_total", Type::counter, "Messages of clients dropped by rate limit or detector.",
             figure(counters_.messages_dropped));
  out.single("sluice_guard_peers_ended_total", Type::counter, "Peers put out for what they sent.",
             figure(counters_.peers_ended));
  out.single("sluice_threats_total", Type::counter, "Times that a threat model fired.", figure(counters_.threats));
  const TimePoint now = now_();
  out.single("sluice_bans", Type::gauge, "Addresses that are shut out.",
             figure((threats_ ? threats_->bans(now).size() : 0) + (limiter_ ? limiter_->bans(now).size() : 0)));
}

}  // namespace sluice::app
