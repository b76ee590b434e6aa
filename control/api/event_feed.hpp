#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace sluice {

/// What happens on the server, by the names that operators know ("peer:joined", "threat", "slo:breach"), for whoever shows
/// or passes it on: control socket, dashboard. Synchronous, in order. Modules of the server follow the facts on the bus
/// instead.
class EventFeed {
 public:
  /// `data` is borrowed for the call; `number` rises by one with every event.
  using Listener = std::function<void(std::string_view event, const nlohmann::json& data, std::uint64_t number)>;

  /// Keeps a listener as long as it lives. May outlive the feed.
  using Subscription = std::shared_ptr<void>;

  /// Which events a listener has a use for. A hint: it may be told of others as well.
  using Interest = std::function<bool(std::string_view event)>;

  /// Without an interest it may be any event.
  [[nodiscard]] Subscription listen(Listener listener, Interest interest = {});
  void emit(std::string_view event, const nlohmann::json& data);
  /// Whether anybody would hear: spares building `data`.
  [[nodiscard]] bool heard() const noexcept;
  /// Whether anybody has a use for this one: for events that come with every message.
  [[nodiscard]] bool heard(std::string_view event) const;

 private:
  struct Entry {
    Listener listener;
    Interest interest;
  };
  std::list<std::weak_ptr<Entry>> listeners_;
  std::uint64_t last_number_ = 0;
};

}  // namespace sluice
