#pragma once

#include <poll.h>

#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "control/supervisor/child.hpp"
#include "control/supervisor/child_process.hpp"
#include "control/supervisor/holdings.hpp"
#include "control/supervisor/roster.hpp"
#include "control/supervisor/spare_pool.hpp"
#include "control/supervisor/supervisor_config.hpp"
#include "control/supervisor/upgrade_socket.hpp"
#include "shm/log/process_log.hpp"
#include "shm/types/time.hpp"

namespace sluice::supervisor {

/// Moves a running server to another build, one process after the other, each by the path that a death takes: workers
/// first, then handshaker and control, at last the supervisor itself by exec. Before anything is touched the new worker
/// says which segment layouts it can adopt, and the new `sluice` whether it would take over with the present arguments. What
/// does not come up is given back to the old build.
class Upgrade {
 public:
  /// What it works on; all outlive it.
  struct Parts {
    SupervisorConfig& config;
    const Holdings& holdings;
    Roster& roster;
    SparePool& spares;
    std::deque<Child>& media;    // handshaker, then workers
    std::deque<Child>& control;  // one
    std::deque<Child>& keeper;   // at most one
    UpgradeSocket& socket;
    const ProcessLog& log;
  };
  explicit Upgrade(Parts parts) : parts_(parts) {}

  /// Does what is due: takes a request, looks how far a step is, begins the next.
  void advance(TimePoint now);
  /// Adds what tells that advance() has something to do.
  void watch(std::vector<pollfd>& watched) const;
  /// When advance() wants to be called at the latest.
  [[nodiscard]] TimePoint next_look() const noexcept { return step_ == Step::idle ? never : next_look_; }
  /// Stops wherever it is: the server ends.
  void abandon();

 private:
  enum class Step : unsigned char {
    idle,
    checking,   ///< the new worker describes its layouts
    asking,     ///< the new sluice says whether it would take over with the present arguments
    warming,    ///< a spare of the new build gets ready
    replacing,  ///< the place in front of places_ is being filled anew
    executing,  ///< only the supervisor is left, once the keeper is there to ask
  };
  void begin(TimePoint now, const std::filesystem::path& folder);
  void ask_about(TimePoint now, const std::filesystem::path& program, std::vector<std::string> arguments, Step step);
  void check(TimePoint now);
  void hear(TimePoint now);
  void start_moving(TimePoint now);
  void move_over(TimePoint now);
  void next_place(TimePoint now);
  void execute();
  void enter(Step step, TimePoint now);
  void refuse(const std::string& why);
  void go_back(TimePoint now, const std::string& why);
  void tell(const std::string& text);

  Parts parts_;
  Step step_ = Step::idle;
  Programs next_;
  Programs before_;
  std::optional<ChildProcess> describer_;
  Descriptor description_;
  std::deque<Child*> places_;
  pid_t replaced_ = -1;
  TimePoint give_up_at_ = never;
  TimePoint next_look_ = never;
};

}  // namespace sluice::supervisor
