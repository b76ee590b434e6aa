#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "control/security/audit/audit_chain.hpp"
#include "control/security/audit/audit_file.hpp"
#include "control/security/audit/audit_scan.hpp"
#include "shm/descriptors/descriptor.hpp"
#include "shm/state_log/state_log.hpp"

namespace sluice {

/// Takes every entry as it is written, somewhere else (syslog, HTTP). Must not block; what it cannot take it drops and
/// counts.
class AuditSink {
 public:
  virtual ~AuditSink() = default;
  /// One whole line, without its end.
  virtual void deliver(const std::shared_ptr<const std::string>& line) = 0;
};

struct AuditLogOptions {
  std::optional<AuditFile::Options> file;  // none: the ring is all there is
  std::size_t ring_size = 10'000;
  std::string service = "webrtc-rooms";
  std::string chain_key;  // empty: lines are numbered, not chained
  bool redact_ip = false;
  std::string redact_key;  // empty: a plain hash, as the contract says
  /// Lines that may wait for a disk that does not take them; beyond it the newest are dropped and counted.
  std::size_t waiting_bytes_max = std::size_t{64} << 20U;
  std::chrono::milliseconds retry{1000};
};

/// What to look for; all that is given must fit.
struct AuditFilter {
  std::size_t limit = 100;
  std::string event;
  std::string peer;
  std::string room;
  std::optional<std::int64_t> since;  // Unix milliseconds, inclusive
  std::optional<std::int64_t> until;  // Unix milliseconds, inclusive
};

/// Entries in a row.
struct AuditPage {
  std::string text;  // lines with their ends, oldest first
  std::size_t count = 0;
  std::uint64_t last = 0;  // everything up to this number has been given, or is not to be had
};

struct AuditStatistics {
  std::uint64_t entries = 0;
  std::uint64_t lost = 0;  // dropped, because the disk did not take them
  std::uint64_t syncs = 0;
  std::uint64_t rotations = 0;
  std::uint64_t write_errors = 0;
  std::uint64_t searched_bytes = 0;  // read from the files for questions
  std::size_t waiting = 0;
  bool writes = true;        // false: the disk does not take lines at the moment
  bool acknowledges = true;  // false for good after a failed sync
  std::string problem;
};

/// The audit log (contract section 25): one JSON object a line, numbered and chained. Entries get their place in the chain
/// at once, on the loop's thread; a thread of its own writes and syncs them. Until a line is written it also lies in the
/// state log
/// (`audit/SEQ`), so that no death of control loses one or breaks the chain.
class AuditLog {
 public:
  /// Opens the file and goes on behind its last line; what a predecessor had no time to write is written. `journal` is
  /// borrowed for life. `unix_ms` reads the wall clock.
  AuditLog(AuditLogOptions options, StateLog& journal, std::function<std::int64_t()> unix_ms);
  /// Writes what waits.
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  /// Starts the threads.
  void begin();
  [[nodiscard]] int fd() const noexcept { return wake_.get(); }
  /// Takes what the threads have finished. When fd() is readable.
  void drain();

  /// Borrowed for life.
  void add_sink(AuditSink& sink) { sinks_.push_back(&sink); }
  /// Called in log() with every line.
  void on_entry(std::function<void(const std::string& line)> listener) { entry_ = std::move(listener); }
  /// Called from drain() when `problem` of the statistics changes.
  void on_health_changed(std::function<void(const std::string& problem)> listener) { health_changed_ = std::move(listener); }

  /// Adds an entry. `members` are JSON members without braces: `"peerId":"…","ip":"…"`, or nothing.
  void log(std::string_view event, std::string_view members);
  /// Calls back once everything logged before it has reached the disk; false: it has not, and acknowledgements must not be
  /// given. Without a file at once and true.
  void commit(std::function<void(bool durable)> done);
  /// An address as it may stand in the log.
  [[nodiscard]] std::string address(std::string_view ip) const;

  /// The last `limit` entries that fit, oldest first, as lines. From memory if that knows them all, else from the files by a
  /// thread of its own; nothing when too many such questions wait.
  using Lines = std::optional<std::vector<std::string>>;
  using Found = std::function<void(Lines lines)>;
  void query(AuditFilter filter, Found done);
  /// The same for who makes something large of the lines: `prepare` is called by that thread (by the loop's if the lines are
  /// few), what it returns on the loop's. It must not touch what belongs to the loop.
  using Prepare = std::function<std::function<void()>(Lines lines)>;
  void query_prepared(AuditFilter filter, Prepare prepare);

  /// The entries behind number `after`, up to number `last` (at most the newest), as many as fit a page of about 1 MiB: from
  /// the ring, or from the files by that thread. Whoever asks for page after page holds no more than one of them, however
  /// large the log. Nothing when too many questions wait.
  void page(std::uint64_t after, std::uint64_t last, std::function<void(std::optional<AuditPage> page)> done);

  [[nodiscard]] AuditCheckpoint checkpoint() const { return {chain_.last_seq(), chain_.last_hash()}; }
  [[nodiscard]] bool chained() const noexcept { return chain_.keyed(); }
  [[nodiscard]] AuditStatistics statistics() const;

 private:
  struct RingEntry {
    std::uint64_t seq = 0;
    std::shared_ptr<const std::string> line;
  };
  /// Done by the reading thread; what it returns is called on the loop's.
  using Task = std::function<std::function<void()>()>;
  void recover();
  void read_ring();
  void remember(std::uint64_t seq, std::shared_ptr<const std::string> line);
  void enqueue(std::uint64_t seq, const std::string& line);
  void work();
  void write(std::unique_lock<std::mutex>& lock);
  void read();
  [[nodiscard]] bool ask(Task task);
  [[nodiscard]] std::vector<std::string> search(const AuditFilter& filter, std::uint64_t before);
  [[nodiscard]] AuditPage read_page(std::uint64_t after, std::uint64_t last) const;
  [[nodiscard]] std::uint64_t readable_bytes(const Descriptor& file, std::uint64_t& inode) const;
  void ring_bell() const noexcept;

  AuditLogOptions options_;
  StateLog& journal_;
  std::function<std::int64_t()> unix_ms_;
  AuditChain chain_;
  Descriptor wake_;
  std::deque<RingEntry> ring_;  // oldest first, at most ring_size
  bool ring_is_all_ = true;     // it holds everything that was ever logged
  std::vector<AuditSink*> sinks_;
  std::function<void(const std::string&)> entry_;
  std::function<void(const std::string&)> health_changed_;
  std::string told_problem_;
  std::vector<std::function<void(bool)>> commits_;  // waiting, oldest first
  std::uint64_t journaled_to_ = 0;                  // numbers below it have left the journal
  std::size_t questions_waiting_ = 0;

  struct Times {
    std::string head;  // of the file that they were found in
    AuditBlocks blocks;
  };
  [[nodiscard]] static std::string head_of(const Descriptor& file);

  std::optional<AuditFile> file_;                   // the writer's once it has begun
  std::unordered_map<std::uint64_t, Times> times_;  // by inode; the reader's

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::condition_variable asked_;
  std::vector<std::string> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::uint64_t first_waiting_ = 0;  // of the first line that is not in the file, or of the next one
  bool writing_ = false;             // a batch is on its way to the file; first_waiting_ is its first line
  std::uint64_t commits_asked_ = 0;
  std::vector<std::pair<std::uint64_t, bool>> committed_;  // how many commits, and whether they are durable
  std::deque<Task> tasks_;
  std::vector<std::function<void()>> answers_;  // of tasks that are done
  AuditFile::End readable_;                     // of the file that is written: whole lines
  bool ending_ = false;
  AuditStatistics statistics_;
  std::thread writer_;
  std::thread reader_;
};

}  // namespace sluice
