#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "control/webhooks/webhook_delivery.hpp"

namespace sluice {

/// The deliveries that are not finished, mirrored in lasting storage: a successor of a control process that died goes on
/// with them. Knows no time and sends nothing; WebhookDispatcher does both.
class WebhookOutbox {
 public:
  /// Lasting storage: an empty text erases the key. Must not block.
  using Write = std::function<void(const std::string& key, const std::string& text)>;
  /// One event for one endpoint.
  struct Delivery {
    std::uint64_t number = 0;  // of its row: later ones have higher numbers
    std::string endpoint;      // its URL
    WebhookEvent event;
    unsigned attempt = 0;       // attempts that have failed
    std::int64_t retry_at = 0;  // Unix ms of the next attempt; 0: at once
  };

  explicit WebhookOutbox(Write write) : write_(std::move(write)) {}

  /// What was written by a predecessor, in any order; returned oldest first. What cannot be read is erased.
  [[nodiscard]] std::vector<Delivery> restore(const std::vector<std::pair<std::string, std::string>>& stored);
  /// Writes a new delivery under the next number, which it returns.
  std::uint64_t add(const std::string& endpoint, const WebhookEvent& event);
  /// Writes that attempts have failed and when the next one is due.
  void update(const Delivery& delivery);
  void remove(std::uint64_t number);

  [[nodiscard]] bool lasting() const noexcept { return static_cast<bool>(write_); }

 private:
  Write write_;
  std::uint64_t last_number_ = 0;
};

}  // namespace sluice
