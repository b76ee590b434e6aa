#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "control/bus/bus.hpp"
#include "control/observability/facts.hpp"

namespace sluice {

/// Which parts of the server are in trouble, by the facts PartTroubled: what health shows beside its objectives.
class Troubles {
 public:
  /// Parts beyond this are not shown: there are a handful.
  static constexpr std::size_t parts_max = 64;

  /// `bus` is borrowed for life. `unix_ms` reads the wall clock.
  Troubles(Bus& bus, std::function<std::int64_t()> unix_ms);

  [[nodiscard]] bool empty() const noexcept { return parts_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return parts_.size(); }
  /// `[{part, problem, severity, since}]`, by part; `since` in Unix milliseconds.
  [[nodiscard]] nlohmann::json to_json() const;

 private:
  struct Trouble {
    std::string problem;
    AlertSeverity severity = AlertSeverity::critical;
    std::int64_t since = 0;
  };
  std::function<std::int64_t()> unix_ms_;
  std::map<std::string, Trouble> parts_;
  Bus::Subscription troubled_;
};

}  // namespace sluice
