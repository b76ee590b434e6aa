#include "control/supervisor/holdings.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
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

Descriptor taken_from(DescriptorSet& from, const std::string& name) {
  Descriptor descriptor = from.take(name);
  if (!descriptor.valid()) {
    throw StartError("A server without its supervisor runs, but of what it needs " + name +
                     " is missing: end its processes and start anew.");
  }
  return descriptor;
}

template <typename Segment>
Segment adopted(DescriptorSet& from, const std::string& name) {
  const Descriptor descriptor = taken_from(from, name);
  auto segment = Segment::attach(descriptor.get());
  if (!segment) {
    throw StartError("A server without its supervisor runs, but its " + name + " is of another version of sluice (" +
                     segment.error().to_string() + "): start that version, or end its processes first.");
  }
  return std::move(*segment);
}

Region adopted_region(DescriptorSet& from, const std::string& name) {
  const Descriptor descriptor = taken_from(from, name);
  return taken(Region::map(descriptor.get(), Access::read_write), name.c_str());
}

std::string content_of(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || status.st_size <= 0) return {};
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return text;
}

/// What whoever formatted the segment wrote; nothing before that.
std::optional<SegmentIdentity> identity_of(Bytes region) {
  if (region.size() < sizeof(SegmentHeader)) return std::nullopt;
  const auto* bytes = reinterpret_cast<const SegmentHeader*>(region.data());
  if (segment_is_unready(*bytes)) return std::nullopt;
  return SegmentIdentity{static_cast<SegmentKind>(bytes->kind), bytes->major, bytes->minor, bytes->layout_hash,
                         bytes->size_bytes};
}

std::string relay_name(std::uint16_t from, std::uint16_t to) {
  return "relay." + std::to_string(from) + "." + std::to_string(to);
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

void Holdings::guard(Worker& worker) {
  // Keys will lie there: they stay out of this process's core dumps as well. Locking needs a right; it is best effort.
  (void)worker.handshake.region().guard_secrets();
  (void)worker.recovery.guard_secrets();
  (void)worker.wishes.guard_secrets();
}

Holdings::Worker Holdings::make_worker(const SupervisorConfig& config, std::uint16_t index) {
  const int port = config.media_port + index;
  if (port > 65535) throw StartError("media.port plus the number of workers exceeds 65535: choose a lower --media.port.");
  Worker worker{open_media_sockets(config.listen, static_cast<std::uint16_t>(port)),
                taken(SharedSegment::create("sluice-shared", 1), "shared"),
                taken(HandshakeSegment::create("sluice-handshake", 1), "handshake"),
                taken(Region::create("sluice-recovery", BlankRegions::recovery_bytes), "recovery"),
                taken(Region::create("sluice-wishes", BlankRegions::wishes_bytes), "wishes"),
                make_doorbell()};
  guard(worker);
  return worker;
}

Holdings::Holdings(const SupervisorConfig& config, std::vector<std::string> confinement)
    : control_state_(taken(Region::create("sluice-control-state", BlankRegions::control_state_bytes), "control-state")),
      control_pulse_(taken(PulseSegment::create("sluice-pulse", 1), "pulse")),
      handshaker_pulse_(taken(PulseSegment::create("sluice-pulse", 1), "pulse")),
      control_doorbell_(make_doorbell()),
      handshaker_doorbell_(make_doorbell()),
      control_ready_(make_doorbell()),
      config_(make_sealed_file("sluice-config", as_bytes(config.control_config))),
      config_reload_(make_memory_file("sluice-config-reload")),
      tls_files_(config.tls_certificate, config.tls_key) {
  // Sockets first: a busy port is the most likely reason not to start.
  for (std::uint16_t i = 0; i < config.worker_count; ++i) workers_.push_back(make_worker(config, i));
  open_relays(nullptr);
  control_socket_ = open_control_socket(config.control_socket, control_socket_failure_);
  certificate_ = make_server_certificate(config.programs.handshaker, std::move(confinement));
}

Holdings::Worker Holdings::adopt_worker(DescriptorSet& from, std::uint16_t index) {
  const std::string number = std::to_string(index);
  Worker worker{{from.take("socket." + number + ".v4"), from.take("socket." + number + ".v6")},
                adopted<SharedSegment>(from, "shared." + number),
                adopted<HandshakeSegment>(from, "handshake." + number),
                adopted_region(from, "recovery." + number),
                adopted_region(from, "wishes." + number),
                Doorbell(taken_from(from, "doorbell.worker." + number))};
  guard(worker);
  return worker;
}

Holdings::Holdings(const SupervisorConfig& config, Adoption& adoption)
    : control_state_(adopted_region(adoption.descriptors, "control-state")),
      control_pulse_(adopted<PulseSegment>(adoption.descriptors, "pulse.control")),
      handshaker_pulse_(adopted<PulseSegment>(adoption.descriptors, "pulse.handshaker")),
      control_doorbell_(taken_from(adoption.descriptors, "doorbell.control")),
      handshaker_doorbell_(taken_from(adoption.descriptors, "doorbell.handshaker")),
      control_ready_(adoption.descriptors.take("ready.control")),
      config_(taken_from(adoption.descriptors, "config")),
      config_reload_(adoption.descriptors.take("config.reload")),
      certificate_{taken_from(adoption.descriptors, "certificate"), adoption.roster.fingerprint()},
      tls_files_(config.tls_certificate, config.tls_key, adoption.descriptors.take("tls.cert"),
                 adoption.descriptors.take("tls.key")) {
  for (std::uint16_t i = 0; i < config.worker_count; ++i) workers_.push_back(adopt_worker(adoption.descriptors, i));
  open_relays(&adoption.descriptors);
  control_socket_ = adoption.descriptors.take("control-socket");
  if (!control_socket_.valid() || !listens_at(control_socket_.get(), config.control_socket.path)) {
    control_socket_ = {};
    control_socket_ = open_control_socket(config.control_socket, control_socket_failure_);
  }
  // The one that adoption comes from may have known neither this bell nor reloads.
  if (control_ready_.fd() < 0) {
    control_ready_ = make_doorbell();
    control_ready_.ring();
  }
  if (!config_reload_.valid()) config_reload_ = make_memory_file("sluice-config-reload");
  const std::string reloaded = content_of(config_reload_.get());
  if ((reloaded.empty() ? content_of(config_.get()) : reloaded) == config.control_config) return;
  config_changed_ = true;
  offer_config({});
  config_ = make_sealed_file("sluice-config", as_bytes(config.control_config));
}

void Holdings::offer_config(const std::string& text) {
  // What could not be written whole is no JSON: control keeps what it has, a successor takes that of the start.
  if (::ftruncate(config_reload_.get(), 0) == 0) {
    [[maybe_unused]] const ssize_t written = ::pwrite(config_reload_.get(), text.data(), text.size(), 0);
  }
}

void Holdings::open_relays(DescriptorSet* from) {
  // Each costs a descriptor here and there. A machine with more workers than this has no need to move rooms.
  constexpr std::size_t workers_max = 16;
  if (workers_.size() > workers_max) return;
  for (std::uint16_t i = 0; i < workers_.size(); ++i) {
    for (std::uint16_t j = 0; j < workers_.size(); ++j) {
      if (i == j) continue;
      const Descriptor known = from == nullptr ? Descriptor() : from->take(relay_name(i, j));
      RelaySegment relay = known.valid() ? taken(RelaySegment::attach(known.get()), "relay")
                                         : taken(RelaySegment::create("sluice-relay", 1), "relay");
      (void)relay.region().guard_secrets();
      relays_.emplace(std::pair(i, j), std::move(relay));
    }
  }
}

std::vector<NamedDescriptor> Holdings::for_worker(std::uint16_t worker) const {
  std::vector<NamedDescriptor> result = own_of(worker);
  result.push_back({"doorbell.control", control_doorbell_.fd()});
  result.push_back({"doorbell.handshaker", handshaker_doorbell_.fd()});
  if (relays_.empty()) return result;
  // A room that moves is answered from the socket of the worker that it came from (docs/adr/0009).
  for (std::uint16_t i = 0; i < workers_.size(); ++i) {
    if (i == worker) continue;
    const std::string index = std::to_string(i);
    const Worker& other = workers_[i];
    result.push_back({"doorbell.worker." + index, other.doorbell.fd()});
    if (other.sockets.v4.valid()) result.push_back({"socket." + index + ".v4", other.sockets.v4.get()});
    if (other.sockets.v6.valid()) result.push_back({"socket." + index + ".v6", other.sockets.v6.get()});
    result.push_back({relay_name(worker, i), relays_.at({worker, i}).fd()});
    result.push_back({relay_name(i, worker), relays_.at({i, worker}).fd()});
  }
  return result;
}

std::vector<NamedDescriptor> Holdings::own_of(std::uint16_t worker) const {
  const Worker& held = workers_[worker];
  const std::string index = std::to_string(worker);
  std::vector<NamedDescriptor> result{{"shared." + index, held.shared.fd()},
                                      {"recovery." + index, held.recovery.fd()},
                                      {"wishes." + index, held.wishes.fd()},
                                      {"handshake." + index, held.handshake.fd()},
                                      {"doorbell.worker." + index, held.doorbell.fd()}};
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
  std::vector<NamedDescriptor> result{{"config", config_.get()},      {"config.reload", config_reload_.get()},
                                      {"pulse", control_pulse_.fd()}, {"control-state", control_state_.fd()},
                                      {"ready", control_ready_.fd()}, {"doorbell.control", control_doorbell_.fd()}};
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    result.push_back({"shared." + std::to_string(i), workers_[i].shared.fd()});
    result.push_back({"doorbell.worker." + std::to_string(i), workers_[i].doorbell.fd()});
  }
  if (control_socket_.valid()) result.push_back({"control-socket", control_socket_.get()});
  for (NamedDescriptor& file : tls_files_.descriptors()) result.push_back(std::move(file));
  return result;
}

std::vector<NamedDescriptor> Holdings::for_keeper() const {
  std::vector<NamedDescriptor> result{{"config", config_.get()},
                                      {"config.reload", config_reload_.get()},
                                      {"certificate", certificate_.file.get()},
                                      {"pulse.control", control_pulse_.fd()},
                                      {"pulse.handshaker", handshaker_pulse_.fd()},
                                      {"control-state", control_state_.fd()},
                                      {"ready.control", control_ready_.fd()},
                                      {"doorbell.control", control_doorbell_.fd()},
                                      {"doorbell.handshaker", handshaker_doorbell_.fd()}};
  for (std::uint16_t i = 0; i < workers_.size(); ++i) {
    for (NamedDescriptor& mine : own_of(i)) result.push_back(std::move(mine));
  }
  for (const auto& [pair, relay] : relays_) result.push_back({relay_name(pair.first, pair.second), relay.fd()});
  if (control_socket_.valid()) result.push_back({"control-socket", control_socket_.get()});
  for (NamedDescriptor& file : tls_files_.descriptors()) result.push_back(std::move(file));
  return result;
}

std::vector<DescribedSegment> Holdings::layouts() const {
  std::vector<DescribedSegment> result{{"shared", SharedSegment::identity()},
                                       {"handshake", HandshakeSegment::identity()},
                                       {"pulse", PulseSegment::identity()}};
  if (!relays_.empty()) result.push_back({"relay", RelaySegment::identity()});
  // What their users format says so itself, once the first of them has.
  const auto add = [&result](const char* name, const Region& region) {
    const auto identity = identity_of(region.bytes());
    if (identity) result.push_back({name, *identity});
    return identity.has_value();
  };
  (void)add("control-state", control_state_);
  (void)std::any_of(workers_.begin(), workers_.end(), [&](const Worker& held) { return add("recovery", held.recovery); });
  (void)std::any_of(workers_.begin(), workers_.end(), [&](const Worker& held) { return add("wishes", held.wishes); });
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
