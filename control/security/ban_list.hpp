#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/store/store.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// Addresses that are shut out, each until a time of the wall clock; they outlive the process. Bounded: when it is full the
/// ban that would end first makes room.
class BanList {
 public:
  using UnixClock = std::function<std::int64_t(TimePoint)>;
  static constexpr std::size_t bans_max = 100'000;

  /// Reads what lies in `store` under `table` (borrowed for life).
  BanList(Store& store, std::string table, UnixClock unix_ms, TimePoint now);

  struct Ban {
    std::string ip;
    std::int64_t until = 0;  // Unix milliseconds
  };
  /// Bans for `length` from now on, whatever was before; returns the end. `ip` in canonical spelling.
  std::int64_t add(const std::string& ip, std::chrono::milliseconds length, TimePoint now);
  /// Whether it was banned.
  bool remove(const std::string& ip);
  [[nodiscard]] bool contains(const std::string& ip, TimePoint now) const;
  /// Those that have not ended.
  [[nodiscard]] std::vector<Ban> bans(TimePoint now) const;
  /// Forgets those that have ended.
  void sweep(TimePoint now);
  [[nodiscard]] std::int64_t unix_ms(TimePoint now) const { return unix_ms_(now); }

 private:
  Store& store_;
  std::string table_;
  UnixClock unix_ms_;
  std::map<std::string, std::int64_t, std::less<>> until_;
};

}  // namespace sluice
