#pragma once

#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/load/admin_client.hpp"
#include "tools/load/event_log.hpp"
#include "tools/load/media_loop.hpp"
#include "tools/load/member.hpp"
#include "tools/load/options.hpp"
#include "tools/load/report.hpp"
#include "tools/load/server_processes.hpp"
#include "tools/load/signaling.hpp"

namespace sluice::load {

/// One sentence about why a run could not be.
class RunError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A whole run: rooms, publishers, subscribers, warm-up, measurement, report.
class LoadRun {
 public:
  /// `stop` becomes non-zero when the run is to end early.
  LoadRun(const LoadOptions& options, const volatile std::sig_atomic_t& stop);
  ~LoadRun();
  LoadRun(const LoadRun&) = delete;
  LoadRun& operator=(const LoadRun&) = delete;

  /// The exit status. Throws RunError.
  int run();

 private:
  enum class Phase : std::uint8_t { publishers, subscribers, streams, warmup, measuring, draining, done };
  struct Room {
    std::string id;
    std::vector<Producer> producers;
  };

  void prepare();
  void make_rooms();
  void tick();
  void tick_setup(TimePoint now);
  void enter(Phase phase, TimePoint now);
  void start_members(TimePoint now);
  void make_members(bool publishers);
  void on_member_ready(Member& member);
  void on_progress(const Progress& progress);
  void print_progress(const Progress& progress);
  void begin_measurement();
  [[nodiscard]] RunFacts facts();
  int finish();

  LoadOptions options_;
  const volatile std::sig_atomic_t& stop_;
  AdminClient admin_;
  EventLog events_;
  DtlsIdentity identity_;
  std::unique_ptr<Signaling> signaling_;
  std::unique_ptr<IceThread> ice_;
  std::unique_ptr<MediaLoop> media_;
  MemberSurroundings surroundings_;
  std::vector<Room> rooms_;
  std::vector<std::unique_ptr<Member>> members_;
  std::size_t started_ = 0;  // members whose setup has begun
  std::size_t ready_ = 0;
  std::optional<ServerProcesses> server_;
  Phase phase_ = Phase::publishers;
  TimePoint phase_since_;
  TimePoint last_step_;  // of the setup
  Progress progress_;
  Progress shown_;
  bool measured_ = false;
  bool ended_early_ = false;
  std::int64_t cpu_at_start_ns_ = 0;
  std::int64_t cpu_at_stop_ns_ = 0;
  std::uint64_t problems_ = 0;
  std::string failure_;
};

}  // namespace sluice::load
