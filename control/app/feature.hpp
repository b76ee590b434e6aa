#pragma once

#include <string_view>

#include "control/config/server_config.hpp"
#include "shm/types/time.hpp"

namespace sluice::app {

/// A part of the control process that hangs on the core: one or more modules with what connects them to the loop, the bus,
/// the operations. Built once, before the first client; everything on the loop's thread.
class Feature {
 public:
  virtual ~Feature() = default;
  /// What a predecessor of this process left was read back (RoomsRestored has gone out).
  virtual void restored(TimePoint now) { (void)now; }
  /// Called in the turns in which next_deadline() has passed.
  virtual void handle_timeout(TimePoint now) { (void)now; }
  [[nodiscard]] virtual TimePoint next_deadline() const { return never; }
  /// SIGHUP: takes over what can change while it runs.
  virtual void reload(const config::ServerConfig& config) { (void)config; }
  /// A module got its options while the server runs (`modules.attach`): the context's configuration has them now. Puts it
  /// into place and says true if it is one of this part's. What it subscribed to hears RoomsRestored next, it alone.
  [[nodiscard]] virtual bool attach(std::string_view module) {
    (void)module;
    return false;
  }
  /// It has heard RoomsRestored: tells members what they would have been told on joining.
  virtual void attached(std::string_view module) { (void)module; }
  /// The server ends: say goodbye, flush. Clients' connections are closed after this.
  virtual void stop() {}
};

}  // namespace sluice::app
