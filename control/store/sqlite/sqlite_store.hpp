#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "control/store/sqlite/sqlite_database.hpp"
#include "control/store/store.hpp"
#include "shm/descriptors/descriptor.hpp"
#include "shm/state_log/state_log.hpp"

namespace sluice {

struct SqliteStoreOptions {
  std::string path;  // of the file
  /// Changes that may wait for the disk: 64 MiB is minutes of a busy server. Beyond it changes are refused (and counted), so
  /// that a full disk does not fill the memory as well.
  std::size_t waiting_bytes_max = std::size_t{64} << 20U;
  /// How long changes gather before a commit that nobody waits for.
  std::chrono::milliseconds gather{20};
  /// Between attempts when the disk refuses.
  std::chrono::milliseconds retry{1000};
};

/// The store on a disk. Each change is put into the state log at once (so that a death of control loses none), and written
/// to SQLite by a thread of its own, many changes in one commit; then it leaves the state log.
///
/// The thread starts with begin(): until then load() sees what a predecessor left, in the file and in the state log.
class SqliteStore final : public Store {
 public:
  /// Opens the file. One that is damaged is renamed to PATH.damaged-UNIXMS and a new one begun; one that cannot be opened is
  /// tried again later. `journal` is borrowed for life.
  SqliteStore(SqliteStoreOptions options, StateLog& journal);
  /// Writes what waits, if the disk takes it.
  ~SqliteStore() override;
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

  /// Starts the writer.
  void begin();
  /// Readable when drain() has something to do.
  [[nodiscard]] int fd() const noexcept { return wake_.get(); }
  /// Takes what the writer has finished: answers flushes, tidies the state log.
  void drain();
  /// Called from drain() when the store's health changes; `problem` is empty when all is well again.
  void on_health_changed(std::function<void(const std::string& problem)> listener) { health_changed_ = std::move(listener); }

  void put(std::string_view table, std::string_view key, std::string value) override;
  void erase(std::string_view table, std::string_view key) override;
  void flush(Flushed done) override;
  void load(std::string_view table, const Visit& visit) const override;
  [[nodiscard]] StoreStatistics statistics() const override;

 private:
  /// What the writer did with one batch.
  struct Outcome {
    StoreChanges committed;
    std::uint64_t flushes = 0;  // how many of the oldest waiting flushes this answers
    bool durable = false;
  };
  void change(std::string_view table, std::string_view key, std::optional<std::string> value);
  void journal(const StoreKey& key, const std::optional<std::string>& value);
  void read_journal();
  [[nodiscard]] Result<void, SqliteError> open_file() const;
  void set_aside() const;
  void work();
  [[nodiscard]] Result<void, SqliteError> write(const StoreChanges& changes);
  void give_back();
  void ring() const noexcept;

  SqliteStoreOptions options_;
  StateLog& journal_;
  Descriptor wake_;
  std::function<void(const std::string&)> health_changed_;
  std::string told_problem_;
  std::vector<Flushed> flushes_;                      // waiting, oldest first; loop's thread only
  mutable std::unique_ptr<SqliteDatabase> database_;  // the writer's once it has begun

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  StoreChanges pending_;
  std::size_t pending_bytes_ = 0;
  StoreChanges in_flight_;  // being written: unchanged while the writer reads it without the lock
  std::size_t in_flight_bytes_ = 0;
  std::uint64_t flushes_asked_ = 0;  // not yet seen by the writer
  std::vector<Outcome> outcomes_;
  bool lossy_ = false;  // a change was refused since the last flush
  bool ending_ = false;
  StoreStatistics statistics_;
  mutable std::atomic<std::uint64_t> files_set_aside_{0};
  std::thread writer_;
};

}  // namespace sluice
