#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shm/confinement/confinement_order.hpp"
#include "shm/log/process_log.hpp"

namespace sluice::supervisor {

/// How far children are to be confined.
struct IsolationConfig {
  /// A user of its own for each kind of process, which takes a supervisor that may become other users (root).
  bool users = true;
  /// Of `user_numbers` numbers that nobody else has. 60578..61183 are given to nobody by systemd's table of ranges and by
  /// Debian's registry, lie above what adduser takes (up to 60000) and below 65536, so that they exist in containers too.
  std::uint32_t first_user = 60900;
  FilterMode filter = FilterMode::enforce;
  bool low_ports = false;  // control listens on a port below 1024
};

/// Whom the children become, and how each is told to confine itself.
class ChildUsers {
 public:
  /// Numbers from first_user: control, handshaker, keeper, a reserve; from the 17th on a worker process each, in turn.
  static constexpr std::uint32_t first_worker = 16;
  static constexpr std::uint32_t worker_numbers = 256;
  static constexpr std::uint32_t user_numbers = first_worker + worker_numbers;

  /// Tries what will be needed, and says once in `log` when children have to stay who we are.
  ChildUsers(const IsolationConfig& config, const ProcessLog& log);

  /// Numbers of which `taken` says yes are passed over: those of workers that live, whoever started them.
  void avoid(std::function<bool(std::uint32_t)> taken) { taken_ = std::move(taken); }

  /// What to add to the command line of the next process of this kind. Where there is no user "sluice-worker", each worker
  /// process gets a number that no other living one has, so that even without seccomp none may signal another.
  [[nodiscard]] std::vector<std::string> arguments(ProcessRole role);
  /// Whom control becomes; nothing: it stays who we are.
  [[nodiscard]] std::optional<UserIds> control_user();

 private:
  [[nodiscard]] UserIds next(ProcessRole role);

  IsolationConfig config_;
  std::function<bool(std::uint32_t)> taken_;
  bool switches_ = false;
  std::uint32_t workers_started_ = 0;
};

}  // namespace sluice::supervisor
