#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/observability/span.hpp"
#include "shm/types/time.hpp"

namespace sluice {

struct SpanExporterOptions {
  enum class Format : std::uint8_t {
    otlp,
    contract
  };  // ExportTraceServiceRequest, or {"spans": [...]} as the contract shows
  Format format = Format::otlp;
  std::string service_name = "webrtc-rooms";
  std::size_t queue_max = 2048;  // spans waiting; newer ones are dropped and counted
  std::size_t batch_max = 512;
  Duration batch_delay = std::chrono::seconds(5);  // how long a first span waits for company
  unsigned attempts = 4;                           // of one batch; then it is dropped and counted
  Duration retry_first = std::chrono::seconds(1);  // doubles with each attempt
};

/// Sends finished spans away in batches, one batch at a time, and never makes anybody wait. Pure: how a body is posted is
/// the owner's business.
class SpanExporter {
 public:
  enum class Outcome : std::uint8_t {
    delivered,
    try_again,  // no connection, timeout, 429, 502, 503, 504 (OTLP/HTTP specification)
    refused,    // any other answer: the same body would be refused again
  };
  using Done = std::function<void(Outcome, TimePoint now)>;
  /// Posts one JSON body; `done` is called once, later or at once.
  using Post = std::function<void(std::string body, Done done)>;

  SpanExporter(Post post, SpanExporterOptions options);
  SpanExporter(const SpanExporter&) = delete;
  SpanExporter& operator=(const SpanExporter&) = delete;

  void add(const Span& span, TimePoint now);
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const noexcept;
  /// Sends what is there without waiting for company (the server ends).
  void flush(TimePoint now);

  struct Stats {
    std::uint64_t exported = 0;
    std::uint64_t dropped = 0;  // queue full, refused or out of attempts
    std::uint64_t retries = 0;
    std::size_t waiting = 0;
  };
  [[nodiscard]] Stats stats() const noexcept;

 private:
  void send(TimePoint now);
  void answered(Outcome outcome, TimePoint now);

  Post post_;
  SpanExporterOptions options_;
  std::deque<Span> queue_;
  std::string body_;          // of the batch under way, the same for each attempt
  std::size_t in_batch_ = 0;  // spans in it; 0: none under way
  unsigned attempt_ = 0;
  bool posting_ = false;
  TimePoint due_ = never;  // next batch, or next attempt
  std::uint64_t exported_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t retries_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // late answers find out that this is gone
};

}  // namespace sluice
