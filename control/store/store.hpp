#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace sluice {

/// What an operator wants to know of a store.
struct StoreStatistics {
  std::uint64_t puts = 0;
  std::uint64_t erases = 0;
  std::uint64_t commits = 0;         // groups of changes that became durable
  std::uint64_t failed_commits = 0;  // attempts that the disk refused; they are repeated
  std::uint64_t refused = 0;         // changes dropped because the queue was full
  std::uint64_t unjournaled = 0;     // changes that a death of this process would have lost: no room in the state log
  std::uint64_t set_aside = 0;       // damaged files that were renamed and replaced
  std::size_t waiting = 0;           // changes that are not durable yet
  std::size_t waiting_bytes = 0;
  bool on_disk = false;  // false: memory of the supervisor only, by configuration
  bool healthy = true;
  std::string problem;  // one sentence when not healthy
};

/// Lasting state: tables of key -> value, texts both (values may be any bytes). Modules keep their state in memory and
/// mirror it here; they read a table once, when they are made. Losing the store never stops a call: what cannot be written
/// waits, within bounds, and is told by statistics().
///
/// On the loop's thread only. No call waits for a disk.
class Store {
 public:
  /// False: what was asked for is not known to be durable.
  using Flushed = std::function<void(bool durable)>;
  using Visit = std::function<void(std::string_view key, std::string_view value)>;

  virtual ~Store() = default;
  /// Sets `key` of `table`. The change survives the death of this process from here on, and the machine's when a flush()
  /// that came after it was answered by true. Table names are `[a-z_]{1,32}`; keys hold at most 1,000 bytes, values 1 MiB
  /// (larger ones survive nothing before they are durable). When the queue is full the change is refused and counted.
  virtual void put(std::string_view table, std::string_view key, std::string value) = 0;
  /// Forgets a key; one that is not there is nothing.
  virtual void erase(std::string_view table, std::string_view key) = 0;
  /// Calls back once everything before it is durable, or known not to be. Possibly before this returns.
  virtual void flush(Flushed done) = 0;
  /// Shows every row of a table in order of keys. To be used at start, before the loop runs.
  virtual void load(std::string_view table, const Visit& visit) const = 0;
  [[nodiscard]] virtual StoreStatistics statistics() const = 0;
};

}  // namespace sluice
