#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/observability/span.hpp"
#include "control/rooms/facts.hpp"
#include "control/rooms/rooms.hpp"
#include "shm/types/entropy.hpp"
#include "shm/types/time.hpp"

namespace sluice {

enum class TracerMode : std::uint8_t {
  buffer,   // kept for questions
  console,  // and one log line each
  noop,     // nothing is made at all
};

struct TracerOptions {
  TracerMode mode = TracerMode::buffer;
  std::size_t buffer_size = 1000;  // finished spans kept; the oldest go first
  std::string service_name = "webrtc-rooms";
};

/// Spans of what peers do (contract section 28): one trace for the life of each peer, every span that was started is ended.
/// Follows the facts of the room core; other modules make spans of their own by start_span().
class Tracer {
 public:
  /// Hears of each finished span (`span:finished`), for exporters. Must not throw.
  using Listener = std::function<void(const Span&)>;

  /// All borrowed for life. `now` and `unix_ms` are the loop's clocks.
  Tracer(Bus& bus, const Rooms& rooms, Entropy& entropy, std::function<TimePoint()> now,
         std::function<std::int64_t(TimePoint)> unix_ms, TracerOptions options);

  /// Work under way. Ended with an error ("abandoned") when it is let go without end(). Must not outlive the tracer.
  class SpanHandle {
   public:
    SpanHandle(SpanHandle&& other) noexcept;
    SpanHandle& operator=(SpanHandle&&) = delete;
    SpanHandle(const SpanHandle&) = delete;
    ~SpanHandle();

    [[nodiscard]] const std::string& span_id() const noexcept;
    [[nodiscard]] const std::string& trace_id() const noexcept;
    /// At most 128 for each span; later ones are left out. `attributes` is an object.
    void add_event(std::string_view name, nlohmann::json attributes = nlohmann::json::object());
    void set(std::string_view attribute, nlohmann::json value);
    /// Once; afterwards the handle does nothing any more. `error` becomes the attribute `error`.
    void end(Span::Status status = Span::Status::ok, std::string_view error = {});

   private:
    friend class Tracer;
    SpanHandle(Tracer* tracer, std::unique_ptr<Span> span, TimePoint started);
    Tracer* tracer_;  // null: ended, or the tracer is a noop
    std::unique_ptr<Span> span_;
    TimePoint started_;
  };

  /// `attributes` is an object; `service` is added. Without a trace id a new trace begins.
  [[nodiscard]] SpanHandle start_span(std::string_view name, std::string_view trace_id = {},
                                      nlohmann::json attributes = nlohmann::json::object(), std::string_view parent_id = {});
  /// The trace of a peer's life; nothing for a peer that is not there.
  [[nodiscard]] std::optional<std::string> trace_id_of(const PeerId& peer) const;

  struct Filter {
    std::size_t limit = 100;  // the newest so many
    std::optional<std::string> name = std::nullopt;
    std::optional<std::string> trace_id = std::nullopt;
  };
  /// Newest last.
  [[nodiscard]] std::vector<const Span*> spans(const Filter& filter) const;

  struct Stats {
    std::size_t active_spans = 0;
    std::size_t buffered = 0;
    std::size_t active_peer_traces = 0;
    std::uint64_t finished = 0;
  };
  [[nodiscard]] Stats stats() const noexcept;

  void on_finished(Listener listener) { listeners_.push_back(std::move(listener)); }
  /// Mode and buffer size can change while it runs.
  void set_options(TracerOptions options);

 private:
  struct PeerTrace {
    std::string trace_id;
    std::string connected_id;                // span id of peer.connected, the parent of the others
    std::unique_ptr<SpanHandle> connecting;  // until the join or the close
    std::optional<TimePoint> joined;
  };
  void follow(Bus& bus);
  void connected(const PeerId& peer);
  /// A span of a peer's life that is no longer than the fact itself.
  void mark(std::string_view name, const PeerId& peer, nlohmann::json attributes, std::string_view error = {});
  void finish(Span span);
  [[nodiscard]] std::string random_hex(std::size_t bytes);
  [[nodiscard]] double unix_of(TimePoint at);

  const Rooms& rooms_;
  Entropy& entropy_;
  std::function<TimePoint()> now_;
  std::function<std::int64_t(TimePoint)> unix_ms_;
  TracerOptions options_;
  std::vector<Listener> listeners_;
  std::deque<Span> buffer_;
  std::optional<double> clock_offset_ms_;  // Unix minus loop
  std::size_t active_ = 0;
  std::uint64_t finished_ = 0;
  std::unordered_map<PeerId, PeerTrace> peers_;  // as many as there are peers; its handles go before what is above
  std::vector<Bus::Subscription> subscriptions_;
};

}  // namespace sluice
