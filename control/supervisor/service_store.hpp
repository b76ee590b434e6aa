#pragma once

#include <deque>
#include <string>
#include <vector>

#include "shm/descriptors/descriptor_set.hpp"
#include "shm/types/time.hpp"

namespace sluice::supervisor {

/// The descriptor store of the service manager (systemd's FileDescriptorStoreMax=, sd_notify(3)): a second place, beside the
/// keeper, for all that a server needs to be taken over. It serves when supervisor and keeper died together, as by
/// `systemctl kill -s KILL` or the kernel's OOM killer. Without a service manager nothing of this does anything.
class ServiceStore {
 public:
  /// What the manager hands back at the start of this process (LISTEN_FDS, sd_listen_fds(3)), close-on-exec; empty when
  /// nothing. The variables are removed: they mean this one start.
  [[nodiscard]] static DescriptorSet take_handed_back();

  /// Of what was handed back, if it is of no use: the manager's own duplicates would keep the ports busy. Waits until it has
  /// let them go, for at most two seconds.
  static void let_go(const std::vector<std::string>& names);

  /// Replaces what is stored under these names. The last one is stored last and removed first, so that who finds it has them
  /// all. The caller keeps them open until `advance` has nothing left.
  void keep(const std::vector<NamedDescriptor>& descriptors);
  /// Sends as much as the manager's queue takes.
  void advance();
  /// Whether something waits for advance().
  [[nodiscard]] bool waits() const noexcept { return !waiting_.empty(); }
  /// The server ends for good: nothing of it is to be handed back. Waits for the manager for at most `limit`.
  void forget(Duration limit);

 private:
  struct Message {
    std::string text;
    int fd = -1;
  };
  std::deque<Message> waiting_;  // at most two for each descriptor
  std::vector<std::string> names_;
};

}  // namespace sluice::supervisor
