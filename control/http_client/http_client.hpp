#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "control/http_client/http_call.hpp"

namespace sluice {

namespace loop {
class EventLoop;
}

struct HttpClientLimits {
  /// Calls on their way; connections are kept and used again. Each may need a thread while a name is resolved, and control
  /// may have 64 (shm/confinement/rights.cpp).
  std::size_t concurrent_max = 32;
  std::size_t waiting_max = 1024;  // beyond those; more are refused (queue_full)
  std::string ca_file;             // PEM; empty: the system's
  /// "NAME:PORT:ADDRESS": what these names resolve to in place of what DNS says. What is connected to is checked all the
  /// same.
  std::vector<std::string> resolve;
};

struct HttpClientStatistics {
  std::uint64_t calls = 0;
  std::uint64_t answered = 0;  // with any status
  std::uint64_t failed = 0;
  std::uint64_t refused = 0;                                 // of the failed ones: queue_full
  std::array<std::uint64_t, http_failure_kinds> failures{};  // the failed ones by HttpFailure::Kind
  std::array<std::uint64_t, 6> answers{};                    // by the first digit of their status; 0: any other
  Duration answer_time{};                                    // of the answered ones together, waiting for a turn included
};

/// HTTP/1.1 calls to others by libcurl on the event loop, for hooks, webhooks, alerts, traces and audit sinks. Never blocks
/// the loop: names are resolved by libcurl's own short-lived threads. No redirects, proxies or compression; certificates are
/// checked. A URL that arrived at run time must pass RunTimeUrl, and its connection is made to a global address that was
/// just resolved, or not at all.
class HttpClient final : public HttpCaller {
 public:
  explicit HttpClient(loop::EventLoop& loop, HttpClientLimits limits = {});
  /// Calls under way are given up; their `done` is not called.
  ~HttpClient() override;
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  void call(HttpCall call, HttpDone done) override;
  [[nodiscard]] const HttpClientStatistics& statistics() const noexcept;
  /// Calls on their way or waiting.
  [[nodiscard]] std::size_t pending() const noexcept;
  /// Of those, calls that wait for a turn.
  [[nodiscard]] std::size_t waiting() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
