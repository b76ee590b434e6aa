#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <queue>
#include <thread>
#include <utility>
#include <vector>

#include "tools/load/datagrams.hpp"
#include "tools/load/event_log.hpp"
#include "tools/load/media_peer.hpp"
#include "tools/load/media_spec.hpp"
#include "tools/load/run_results.hpp"

namespace sluice::load {

struct MediaLoopConfig {
  MediaSettings settings;
  const DtlsIdentity* identity = nullptr;  ///< outlives the loop
  EventLog* events = nullptr;              ///< outlives the loop
  bool audit = false;
  double drop = 0;  ///< MediaShared::drop
  /// Both are called in the media thread.
  std::function<void(const Progress&)> on_progress;
  std::function<void(const std::string&)> on_problem;
};

/// All media of a run on one thread: epoll over one socket per peer, many datagrams per system call, deadlines in a heap.
class MediaLoop {
 public:
  explicit MediaLoop(MediaLoopConfig config);
  ~MediaLoop();
  MediaLoop(const MediaLoop&) = delete;
  MediaLoop& operator=(const MediaLoop&) = delete;

  /// Thread-safe.
  void add(PeerSpec spec);
  /// Thread-safe: the measurement begins anew, now.
  void begin_measurement();
  /// Thread-safe: publishers fall silent; what is under way still arrives.
  void stop_sending();
  /// Ends the thread and returns what was measured. Once.
  [[nodiscard]] MediaResults finish();

 private:
  struct Stall {
    TimePoint begin;
    TimePoint end;
  };
  using Timer = std::pair<TimePoint, std::size_t>;  // and which peer
  void post(std::function<void()> task);
  void run();
  void run_tasks();
  void add_now(PeerSpec spec);
  void run_timers();
  void arm(std::size_t peer);
  void read(std::size_t peer);
  void look_at_gaps();
  void tell_progress();
  void on_gap(const ReceiveStream& stream, const Gap& gap);
  void note_lateness(Duration late);
  [[nodiscard]] int milliseconds_to_wait() const;
  [[nodiscard]] std::int64_t wall_ns(TimePoint time) const noexcept;
  [[nodiscard]] nlohmann::ordered_json describe(const StreamLabel& label) const;
  [[nodiscard]] MediaResults collect();

  MediaLoopConfig config_;
  MediaShared shared_;
  SendBatch out_;
  ReceiveBatch in_;
  int epoll_ = -1;
  int wake_ = -1;
  std::mutex mutex_;
  std::vector<std::function<void()>> tasks_;  // under the mutex
  std::atomic<bool> stop_{false};

  // Of the media thread:
  std::vector<std::unique_ptr<MediaPeer>> peers_;
  std::vector<TimePoint> armed_;  // by peer
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  TimePoint now_;
  std::int64_t wall_minus_monotonic_ns_ = 0;
  TimePoint next_look_;
  TimePoint next_progress_;
  TimePoint measured_since_;
  TimePoint sending_stopped_ = never;
  std::int64_t cpu_at_start_ns_ = 0;
  std::int64_t cpu_at_stop_ns_ = -1;
  std::uint64_t overflowed_before_ = 0;
  std::uint64_t refused_before_ = 0;
  Duration worst_gap_{};  // since the last progress
  std::vector<Stall> stalls_;
  std::vector<GapRecord> longest_gaps_;
  Tally gaps_;
  Tally lateness_;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace sluice::load
