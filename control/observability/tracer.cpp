#include "control/observability/tracer.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <utility>

#include "control/observability/log.hpp"

namespace sluice {

using nlohmann::json;

namespace {

constexpr std::size_t events_max = 128;

/// A peer's role as text. Metadata values are raw JSON.
std::string role_of(const Metadata& metadata) {
  const std::string* raw = metadata.find("__role");
  if (raw == nullptr) return "unknown";
  const json role = json::parse(*raw, nullptr, false);
  return role.is_string() ? role.get<std::string>() : "unknown";
}

}  // namespace

// --- handles
// -------------------------------------------------------------------------------------------------------------------

Tracer::SpanHandle::SpanHandle(Tracer* tracer, std::unique_ptr<Span> span, TimePoint started)
    : tracer_(tracer), span_(std::move(span)), started_(started) {}

Tracer::SpanHandle::SpanHandle(SpanHandle&& other) noexcept
    : tracer_(std::exchange(other.tracer_, nullptr)), span_(std::move(other.span_)), started_(other.started_) {}

Tracer::SpanHandle::~SpanHandle() {
  end(Span::Status::error, "abandoned");
}

const std::string& Tracer::SpanHandle::span_id() const noexcept {
  static const std::string none;
  return span_ ? span_->span_id : none;
}

const std::string& Tracer::SpanHandle::trace_id() const noexcept {
  static const std::string none;
  return span_ ? span_->trace_id : none;
}

void Tracer::SpanHandle::add_event(std::string_view name, json attributes) {
  if (tracer_ == nullptr || span_->events.size() >= events_max) return;
  if (!attributes.is_object()) attributes = json::object();
  span_->events.push_back({std::string(name), tracer_->unix_ms_(tracer_->now_()), std::move(attributes)});
}

void Tracer::SpanHandle::set(std::string_view attribute, json value) {
  if (tracer_ != nullptr) span_->attributes[std::string(attribute)] = std::move(value);
}

void Tracer::SpanHandle::end(Span::Status status, std::string_view error) {
  Tracer* tracer = std::exchange(tracer_, nullptr);
  if (tracer == nullptr) return;
  span_->status = status;
  span_->duration_ms = std::chrono::duration<double, std::milli>(tracer->now_() - started_).count();
  if (!error.empty()) span_->attributes["error"] = error;
  --tracer->active_;
  tracer->finish(*span_);
}

// --- spans
// ---------------------------------------------------------------------------------------------------------------------

Tracer::Tracer(Bus& bus, const Rooms& rooms, Entropy& entropy, std::function<TimePoint()> now,
               std::function<std::int64_t(TimePoint)> unix_ms, TracerOptions options)
    : rooms_(rooms), entropy_(entropy), now_(std::move(now)), unix_ms_(std::move(unix_ms)), options_(std::move(options)) {
  follow(bus);
}

std::string Tracer::random_hex(std::size_t bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<std::byte, 16> random{};
  std::string text;
  do {  // all zeros would be invalid (W3C Trace Context)
    entropy_.fill(MutableBytes(random.data(), bytes));
    text.clear();
    for (std::size_t i = 0; i < bytes; ++i) {
      const auto value = std::to_integer<unsigned>(random[i]);
      text += digits[value >> 4U];
      text += digits[value & 15U];
    }
  } while (text.find_first_not_of('0') == std::string::npos);
  return text;
}

double Tracer::unix_of(TimePoint at) {
  // One offset between the clocks for all spans, so that those of a trace fit together by fractions of a millisecond; a new
  // one when the wall clock was set.
  const double loop_ms = std::chrono::duration<double, std::milli>(at.time_since_epoch()).count();
  const auto wall_ms = static_cast<double>(unix_ms_(at));
  if (!clock_offset_ms_ || std::abs(loop_ms + *clock_offset_ms_ - wall_ms) > 20.0) clock_offset_ms_ = wall_ms - loop_ms;
  return loop_ms + *clock_offset_ms_;
}

Tracer::SpanHandle Tracer::start_span(std::string_view name, std::string_view trace_id, json attributes,
                                      std::string_view parent_id) {
  const TimePoint now = now_();
  if (options_.mode == TracerMode::noop) return {nullptr, nullptr, now};
  auto span = std::make_unique<Span>();
  span->trace_id = trace_id.empty() ? random_hex(16) : std::string(trace_id);
  span->span_id = random_hex(8);
  span->parent_id = parent_id;
  span->name = name;
  span->start_ms = unix_of(now);
  if (attributes.is_object()) span->attributes = std::move(attributes);
  span->attributes["service"] = options_.service_name;
  ++active_;
  return {this, std::move(span), now};
}

void Tracer::finish(Span span) {
  ++finished_;
  if (options_.mode == TracerMode::console) {
    log::info("span", {{"name", span.name},
                       {"trace", span.trace_id},
                       {"span", span.span_id},
                       {"status", span.status == Span::Status::ok ? "ok" : "error"},
                       {"duration_ms", span.duration_ms}});
  }
  for (const Listener& listener : listeners_) listener(span);
  buffer_.push_back(std::move(span));
  while (buffer_.size() > options_.buffer_size) buffer_.pop_front();
}

void Tracer::set_options(TracerOptions options) {
  options_ = std::move(options);
  while (buffer_.size() > options_.buffer_size) buffer_.pop_front();
}

std::vector<const Span*> Tracer::spans(const Filter& filter) const {
  std::vector<const Span*> found;
  for (auto span = buffer_.rbegin(); span != buffer_.rend() && found.size() < filter.limit; ++span) {
    if (filter.name && span->name != *filter.name) continue;
    if (filter.trace_id && span->trace_id != *filter.trace_id) continue;
    found.push_back(&*span);
  }
  std::reverse(found.begin(), found.end());
  return found;
}

Tracer::Stats Tracer::stats() const noexcept {
  return {active_, buffer_.size(), peers_.size(), finished_};
}

std::optional<std::string> Tracer::trace_id_of(const PeerId& peer) const {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return std::nullopt;
  return found->second.trace_id;
}

// --- peers
// ---------------------------------------------------------------------------------------------------------------------

void Tracer::connected(const PeerId& peer) {
  if (options_.mode == TracerMode::noop) return;
  SpanHandle span = start_span("peer.connected", {}, {{"peerId", peer.value}});
  PeerTrace trace;
  trace.trace_id = span.trace_id();
  trace.connected_id = span.span_id();
  trace.connecting = std::make_unique<SpanHandle>(std::move(span));
  peers_.insert_or_assign(peer, std::move(trace));
}

void Tracer::mark(std::string_view name, const PeerId& peer, json attributes, std::string_view error) {
  if (options_.mode == TracerMode::noop) return;
  const auto found = peers_.find(peer);
  attributes["peerId"] = peer.value;
  SpanHandle span = found == peers_.end()
                        ? start_span(name, {}, std::move(attributes))
                        : start_span(name, found->second.trace_id, std::move(attributes), found->second.connected_id);
  span.end(error.empty() ? Span::Status::ok : Span::Status::error, error);
}

void Tracer::follow(Bus& bus) {
  const auto on = [&]<typename Fact>(auto react) { subscriptions_.push_back(bus.subscribe<Fact>(react)); };
  on.template operator()<PeerConnected>([this](const PeerConnected& fact) { connected(fact.peer); });
  on.template operator()<PeerJoined>([this](const PeerJoined& fact) {
    const auto found = peers_.find(fact.peer.id);
    if (found != peers_.end()) {
      if (found->second.connecting) found->second.connecting->end();
      found->second.connecting.reset();
      found->second.joined = now_();
    }
    mark("peer.join", fact.peer.id, {{"roomId", fact.room.value}, {"role", role_of(fact.peer.metadata)}});
  });
  on.template operator()<JoinRejected>([this](const JoinRejected& fact) {
    mark("peer.join.rejected", fact.peer, {{"reason", fact.reason}, {"roomId", fact.room.value}}, fact.reason);
  });
  on.template operator()<PeerLeft>([this](const PeerLeft& fact) {
    const auto found = peers_.find(fact.peer.id);
    double duration = 0;
    if (found != peers_.end() && found->second.joined)
      duration = std::chrono::duration<double, std::milli>(now_() - *std::exchange(found->second.joined, {})).count();
    mark("peer.leave", fact.peer.id,
         {{"roomId", fact.room.value}, {"duration", duration}, {"cause", to_string(fact.cause)}});
  });
  on.template operator()<PeerReconnected>([this](const PeerReconnected& fact) {
    mark("peer.reconnect", fact.peer.id, {{"roomId", fact.room.value}});
  });
  on.template operator()<PeerClosed>([this](const PeerClosed& fact) {
    const auto found = peers_.find(fact.peer);
    if (found == peers_.end()) return;
    if (found->second.connecting) found->second.connecting->end();
    peers_.erase(found);
  });
  on.template operator()<RoomCreated>([this](const RoomCreated& fact) {
    if (options_.mode != TracerMode::noop) start_span("room.created", {}, {{"roomId", fact.room.value}}).end();
  });
  // After a restart of the process: peers that are held go on under a trace of this process.
  on.template operator()<RoomsRestored>([this](const RoomsRestored&) {
    if (options_.mode == TracerMode::noop) return;
    for (const auto& [id, peer] : rooms_.peers()) {
      PeerTrace& trace = peers_[id];
      trace.trace_id = random_hex(16);
      trace.joined = now_();
    }
  });
}

}  // namespace sluice
