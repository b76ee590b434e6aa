#pragma once

#include <memory>
#include <string>
#include <vector>

#include "control/config/server_config.hpp"
#include "control/workers/worker_info.hpp"
#include "shm/descriptors/descriptor_set.hpp"

namespace sluice::app {

/// What the supervisor told us on the command line.
struct ControlArguments {
  std::uint16_t workers = 1;
  workers::CertificateFingerprint fingerprint{};
};

/// The control process: owns every module, in the order in which they may hear of facts, and the loop that drives them.
class ControlServer {
 public:
  /// Attaches the segments in `descriptors`, restores what a predecessor left, opens the listeners. Throws
  /// config::ConfigError, loop::ListenError or std::runtime_error with a sentence for the operator.
  ControlServer(const config::ServerConfig& config, const ControlArguments& arguments, DescriptorSet descriptors);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  /// Serves until SIGTERM, or until it has been drained: then true, and the whole server is to end.
  bool run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::app
