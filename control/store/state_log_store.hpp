#pragma once

#include <string>
#include <string_view>

#include "control/store/store.hpp"
#include "shm/state_log/state_log.hpp"

namespace sluice {

/// The store without a disk (`store.path: off`): rows lie in the state log that the supervisor holds, so they survive every
/// death of control, and nothing else. Keys of the log: `store/TABLE/KEY`.
class StateLogStore final : public Store {
 public:
  /// `log` is borrowed for life.
  explicit StateLogStore(StateLog& log) : log_(log) {}

  void put(std::string_view table, std::string_view key, std::string value) override;
  void erase(std::string_view table, std::string_view key) override;
  void flush(Flushed done) override { done(true); }  // as durable as the operator asked for
  void load(std::string_view table, const Visit& visit) const override;
  [[nodiscard]] StoreStatistics statistics() const override;

 private:
  StateLog& log_;
  StoreStatistics statistics_;
};

}  // namespace sluice
