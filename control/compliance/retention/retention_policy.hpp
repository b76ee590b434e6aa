#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/store/store.hpp"
#include "shm/types/time.hpp"

namespace sluice {

struct RetentionOptions {
  std::uint32_t recording_days = 90;
  std::uint32_t audit_log_days = 365;
  std::uint32_t session_days = 30;  // also of `room` and unknown types
  std::chrono::milliseconds sweep_interval{3'600'000};
};

/// Something that must not be kept longer than it may (contract section 32).
struct RetentionRecord {
  std::string id;
  std::string type;             // "recording", "auditLog", "session", "room" ...
  std::string sub;              // whom it is about
  std::int64_t expires_at = 0;  // Unix milliseconds
  nlohmann::json meta = nlohmann::json::object();
  bool legal_hold = false;

  [[nodiscard]] nlohmann::json to_json() const;
  [[nodiscard]] static std::optional<RetentionRecord> from_json(const nlohmann::json& value);
};

/// A record was deleted. `reason`: "expiry" or "purge".
struct DataExpired {
  RetentionRecord record;
  std::string reason;
};
/// An expired record stays because of a hold.
struct RecordHeld {
  RetentionRecord record;
};
struct DataPurged {
  std::string sub;
  std::size_t purged = 0;
  std::size_t held = 0;
  std::vector<RetentionRecord> records;  // those that are gone; the first RetentionPolicy::told_max of them
};
struct PurgeCompleted {
  std::size_t purged = 0;
  std::size_t held = 0;
};
struct LegalHoldChanged {
  std::string sub;
  bool placed = false;
};

/// How long records may be kept, who holds them, and their end. Records and holds lie in the store.
class RetentionPolicy {
 public:
  using UnixClock = std::function<std::int64_t()>;
  /// Deletes a recording's file; false when it could not.
  using DeleteFile = std::function<bool(const std::string& path)>;
  static constexpr std::size_t records_max = 1'000'000;
  static constexpr std::size_t told_max = 1'000;

  /// Reads what is in `store`; borrowed for life, as is `bus`.
  RetentionPolicy(Store& store, Bus& bus, RetentionOptions options, UnixClock unix_ms, DeleteFile delete_file);

  /// The same id replaces. Nothing when the table is full.
  std::optional<RetentionRecord> add(std::string id, std::string type, std::string sub, nlohmann::json meta);
  void place_legal_hold(const std::string& sub);
  void release_legal_hold(const std::string& sub);

  struct Purged {
    std::size_t purged = 0;
    std::size_t held = 0;
    std::size_t skipped = 0;  // of purge_expired(): not expired yet
  };
  /// Deletes all expired records that nobody holds. `dry_run`: only counts.
  Purged purge_expired(bool dry_run = false);
  /// Erases all records of a subject that are not held.
  Purged purge_subject(const std::string& sub);
  /// Replaces the subject of its records by `anon:` and 16 digits; held ones stay. How many.
  std::size_t anonymise(const std::string& sub);
  [[nodiscard]] std::vector<RetentionRecord> records_for(const std::string& sub) const;
  /// Not held, and due within so many milliseconds.
  [[nodiscard]] std::vector<RetentionRecord> expiring_within(std::int64_t ms) const;
  struct Statistics {
    std::size_t total = 0;
    std::size_t expired = 0;
    std::size_t held = 0;
    std::size_t active = 0;
    std::vector<std::string> legal_hold_subjects;
  };
  [[nodiscard]] Statistics statistics() const;

  /// The sweep.
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const noexcept { return next_sweep_; }

 private:
  using Records = std::map<std::string, RetentionRecord>;
  [[nodiscard]] std::chrono::milliseconds kept(std::string_view type) const;
  void write(const RetentionRecord& record);
  Records::iterator expire(Records::iterator record, const char* reason);

  Store& store_;
  Bus& bus_;
  RetentionOptions options_;
  UnixClock unix_ms_;
  DeleteFile delete_file_;
  Records records_;
  std::set<std::string> holds_;
  TimePoint next_sweep_{};
};

}  // namespace sluice
