#include "control/supervisor/holdings.hpp"

#include <cstring>
#include <utility>

#include "control/supervisor/memory_file.hpp"
#include "control/supervisor/start_error.hpp"
#include "shm/types/bytes.hpp"

namespace sluice::supervisor {
namespace {

template <typename T>
T taken(Result<T, RegionError> result, const char* what) {
  if (!result) throw StartError(std::string("Cannot create the ") + what + " segment: " + result.error().to_string());
  return std::move(*result);
}

Doorbell make_doorbell() {
  auto doorbell = Doorbell::create();
  if (!doorbell) throw StartError(std::string("Cannot create an eventfd: ") + std::strerror(doorbell.error()) + ".");
  return std::move(*doorbell);
}

std::uint64_t beats_of(const Heartbeat& heartbeat, std::uint32_t pid) noexcept {
  const HeartbeatReading reading = heartbeat.read();
  return reading.pid == pid ? reading.beats : 0;
}

}  // namespace

Holdings::Worker Holdings::make_worker(const SupervisorConfig& config, std::uint16_t index) {
  const int port = config.media_port + index;
  if (port > 65535) throw StartError("media.port plus the number of workers exceeds 65535: choose a lower --media.port.");
  Worker worker{open_media_sockets(config.listen, static_cast<std::uint16_t>(port)),
                taken(SharedSegment::create("sluice-shared", 1), "shared"),
                taken(HandshakeSegment::create("sluice-handshake", 1), "handshake"),
                taken(Region::create("sluice-recovery", BlankRegions::recovery_bytes), "recovery"),
                taken(Region::create("sluice-wishes", BlankRegions::wishes_bytes), "wishes"),
                make_doorbell()};
  // Keys will lie there: they stay out of this process's core dumps as well. Locking needs a right; it is best effort.
  (void)worker.handshake.region().guard_secrets();
  (void)worker.recovery.guard_secrets();
  (void)worker.wishes.guard_secrets();
  return worker;
}

Holdings::Holdings(const SupervisorConfig& config, std::vector<std::string> confinement)
    : control_state_(taken(Region::create("sluice-control-state", BlankRegions::control_state_bytes), "control-state")),
      control_pulse_(taken(PulseSegment::create("sluice-pulse", 1), "pulse")),
      handshaker_pulse_(taken(PulseSegment::create("sluice-pulse", 1), "pulse")),
      control_doorbell_(make_doorbell()),
      handshaker_doorbell_(make_doorbell()),
      config_(make_sealed_file("sluice-config", as_bytes(config.control_config))),
      tls_files_(config.tls_certificate, config.tls_key) {
  // Sockets first: a busy port is the most likely reason not to start.
  for (std::uint16_t i = 0; i < config.worker_count; ++i) workers_.push_back(make_worker(config, i));
  certificate_ = make_server_certificate(config.programs.handshaker, std::move(confinement));
}

std::vector<NamedDescriptor> Holdings::for_worker(std::uint16_t worker) const {
  const Worker& held = workers_[worker];
  const std::string index = std::to_string(worker);
  std::vector<NamedDescriptor> result{{"shared." + index, held.shared.fd()},
                                      {"recovery." + index, held.recovery.fd()},
                                      {"wishes." + index, held.wishes.fd()},
                                      {"handshake." + index, held.handshake.fd()},
                                      {"doorbell.worker." + index, held.doorbell.fd()},
                                      {"doorbell.control", control_doorbell_.fd()},
                                      {"doorbell.handshaker", handshaker_doorbell_.fd()}};
  if (held.sockets.v4.valid()) result.push_back({"socket." + index + ".v4", held.sockets.v4.get()});
  if (held.sockets.v6.valid()) result.push_back({"socket." + index + ".v6", held.sockets.v6.get()});
  return result;
}

std::vector<NamedDescriptor> Holdings::for_handshaker() const {
  std::vector<NamedDescriptor> result{{"certificate", certificate_.file.get()},
                                      {"pulse", handshaker_pulse_.fd()},
                                      {"doorbell.handshaker", handshaker_doorbell_.fd()}};
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    result.push_back({"handshake." + std::to_string(i), workers_[i].handshake.fd()});
    result.push_back({"doorbell.worker." + std::to_string(i), workers_[i].doorbell.fd()});
  }
  return result;
}

std::vector<NamedDescriptor> Holdings::for_control() const {
  std::vector<NamedDescriptor> result{{"config", config_.get()},
                                      {"pulse", control_pulse_.fd()},
                                      {"control-state", control_state_.fd()},
                                      {"doorbell.control", control_doorbell_.fd()}};
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    result.push_back({"shared." + std::to_string(i), workers_[i].shared.fd()});
    result.push_back({"doorbell.worker." + std::to_string(i), workers_[i].doorbell.fd()});
  }
  for (NamedDescriptor& file : tls_files_.descriptors()) result.push_back(std::move(file));
  return result;
}

std::uint64_t Holdings::worker_beats(std::uint16_t worker, std::uint32_t pid) const noexcept {
  return beats_of(workers_[worker].shared->worker_heartbeat, pid);
}

std::uint64_t Holdings::handshaker_beats(std::uint32_t pid) const noexcept {
  return beats_of(handshaker_pulse_->heartbeat, pid);
}

std::uint64_t Holdings::control_beats(std::uint32_t pid) const noexcept {
  return beats_of(control_pulse_->heartbeat, pid);
}

}  // namespace sluice::supervisor
