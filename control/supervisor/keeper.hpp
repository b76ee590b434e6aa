#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "control/supervisor/roster_layout.hpp"
#include "shm/descriptors/descriptor_set.hpp"
#include "shm/log/process_log.hpp"
#include "shm/types/time.hpp"

namespace sluice::supervisor {

/// What is said on the keeper's socket: one of these each way, then the descriptors (send_descriptors) if it says so.
struct KeeperMessage {
  static constexpr std::uint64_t expected_magic = 0x3152504b'43554c53ULL;
  enum class Kind : std::uint32_t {
    ask,         ///< a supervisor asks for what there is
    supervised,  ///< the server has a supervisor, which lives
    granted,     ///< the descriptors follow; who asked is the supervisor now
  };
  std::uint64_t magic = expected_magic;
  Kind kind = Kind::ask;
  std::uint32_t reserved = 0;
};

/// `sluice-keeper`: holds a duplicate of every descriptor of the supervisor, so that sockets and segments have an owner when
/// that one is dead, and gives them to the next one. It looks into none of them but the roster, opens nothing and starts
/// nothing.
class Keeper {
 public:
  /// Of `descriptors` it takes "listener" (the socket to answer on), "supervisor" (its pidfd) and, read only, "roster"; all
  /// but the first two are what it hands over. `owner`: the user whose supervisors may ask. Throws std::runtime_error.
  Keeper(DescriptorSet descriptors, pid_t supervisor, uid_t owner);

  /// Until `stop_fd` is readable, until there is neither a supervisor nor any process of the server for 10 s, or until the
  /// roster has another keeper while this one's supervisor is dead.
  void run(int stop_fd);

 private:
  void answer(int client);
  [[nodiscard]] bool supervised() const;
  /// Whether it may still be needed.
  [[nodiscard]] bool is_of_use();
  void take_supervisor(pid_t pid);

  Descriptor listener_;
  Descriptor supervisor_;  // pidfd; invalid: dead
  pid_t supervisor_pid_;
  uid_t owner_;
  DescriptorSet kept_;
  RosterSegment roster_;
  int lonely_looks_ = 0;
};

}  // namespace sluice::supervisor
