#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "shm/types/time.hpp"

namespace sluice {

/// How often one address may join: so many times a second, counted in windows of one second. Loopback is exempt: proxies and
/// test programs on this machine stand for many clients; so are addresses that the operator names. Holds only addresses that
/// joined within the last two seconds.
class JoinLimit {
 public:
  /// 0 = no limit.
  explicit JoinLimit(std::uint32_t joins_per_second_max, std::vector<std::string> exempt = {})
      : joins_per_second_max_(joins_per_second_max), exempt_(std::move(exempt)) {}
  /// Counts an attempt. False when it is one too many. `ip` is a numeric address; IPv4-mapped ones come as IPv4.
  [[nodiscard]] bool admit(std::string_view ip, TimePoint now);
  [[nodiscard]] std::size_t addresses() const noexcept { return windows_.size(); }

 private:
  struct Window {
    TimePoint begin;
    std::uint32_t count = 0;
  };
  std::uint32_t joins_per_second_max_;
  std::vector<std::string> exempt_;
  TimePoint swept_{};
  std::unordered_map<std::string, Window> windows_;
};

}  // namespace sluice
