#pragma once

#include <deque>
#include <functional>
#include <optional>

#include "control/supervisor/adoption.hpp"
#include "control/supervisor/child.hpp"
#include "control/supervisor/child_user.hpp"
#include "control/supervisor/holdings.hpp"
#include "control/supervisor/launches.hpp"
#include "control/supervisor/roster.hpp"
#include "control/supervisor/service_store.hpp"
#include "control/supervisor/spare_pool.hpp"
#include "control/supervisor/supervisor_config.hpp"
#include "control/supervisor/upgrade.hpp"
#include "control/supervisor/upgrade_socket.hpp"
#include "shm/log/process_log.hpp"
#include "shm/service/service_notify.hpp"
#include "shm/types/time.hpp"

namespace sluice::supervisor {

/// `sluice serve`: holds what must outlive the other processes, starts them, starts again what dies or hangs, and stops
/// all of it in order. One thread, one loop over a signalfd and the children's pidfds; parses nothing from outside.
class Supervisor {
 public:
  /// Opens the sockets and segments, or takes over what a dead supervisor left (look_for_server). SIGTERM, SIGINT and SIGHUP
  /// become messages to this loop from here on. Throws StartError.
  explicit Supervisor(const SupervisorConfig& config, std::optional<Adoption> adoption = std::nullopt);

  /// Runs until SIGTERM or SIGINT and until every child has ended: first control, so that it can say goodbye to clients,
  /// then workers and handshaker. What has not ended `stop_limit` after the signal (or at a second one) is killed. SIGHUP is
  /// passed to control. Returns the exit status: 0, or 1 when a child refused to work as configured. Throws StartError when
  /// a program cannot be started.
  [[nodiscard]] int run();

 private:
  /// How far a stop has come. There is no state between two runs: a supervisor runs once.
  enum class Phase : unsigned char {
    serving,
    stopping_control,  ///< control was asked to end, media still flows
    stopping_rest,     ///< workers and handshaker were asked to end
    stopping_keeper,   ///< nobody is left who needs it
    done,
  };
  void add_children();
  void adopt_children();
  [[nodiscard]] bool is_user_of_a_worker(std::uint32_t user) const;
  void open_upgrade_socket();
  void end_old_keeper();
  void start_due(TimePoint now);
  void wait(TimePoint until);
  void take_signals(TimePoint now);
  void reap(TimePoint now);
  void look(TimePoint now);
  void begin_stop(TimePoint now);
  void advance_stop(TimePoint now);
  void kill_everything();
  [[nodiscard]] TimePoint next_deadline() const;
  [[nodiscard]] bool any_running() const;
  [[nodiscard]] bool any_media_running() const;
  /// Whether the service manager waits for word that control accepts joins.
  [[nodiscard]] bool may_become_ready() const;
  void tell_when_ready();
  void remove_sockets();
  template <typename Visit>
  void for_each_child(Visit&& visit);

  SupervisorConfig config_;
  std::optional<Adoption> adoption_;  // until everything is taken over
  ProcessLog log_;
  ChildUsers users_;
  Descriptor signals_;
  Holdings holdings_;
  Roster roster_;
  Launches launches_;
  SparePool spares_;
  std::deque<Child> media_;    // handshaker, then workers
  std::deque<Child> control_;  // one
  std::deque<Child> keeper_;   // one, or none where there is no place for its socket
  UpgradeSocket upgrade_socket_;
  Upgrade upgrade_;
  std::optional<ChildProcess> old_keeper_;  // which gave us everything
  Phase phase_ = Phase::serving;
  std::optional<Duration> watchdog_ = watchdog_period();  // a service manager wants a beat this often
  TimePoint next_watchdog_{};
  bool ready_told_ = false;  // to the service manager, of the control process that runs
  bool manager_is_full_ = false;
  ServiceStore store_;
  TimePoint next_look_{};
  TimePoint kill_at_ = never;
  bool drain_asked_ = false;
  int status_ = 0;
};

/// What `sluice serve` does once the configuration is known: runs a Supervisor. An error is one sentence on standard error
/// and a status other than 0.
[[nodiscard]] int run_supervisor(const SupervisorConfig& config, std::optional<Adoption> adoption = std::nullopt);

}  // namespace sluice::supervisor
