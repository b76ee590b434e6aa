#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "control/supervisor/adoption.hpp"
#include "control/supervisor/certificate.hpp"
#include "control/supervisor/layout_report.hpp"
#include "control/supervisor/media_sockets.hpp"
#include "control/supervisor/supervisor_config.hpp"
#include "control/supervisor/tls_files.hpp"
#include "shm/channel/blank_regions.hpp"
#include "shm/channel/handshake_segment.hpp"
#include "shm/channel/pulse_segment.hpp"
#include "shm/channel/relay_segment.hpp"
#include "shm/channel/shared_segment.hpp"
#include "shm/descriptors/descriptor_set.hpp"
#include "shm/region/region.hpp"
#include "shm/ring/doorbell.hpp"

namespace sluice::supervisor {

/// What outlives every child: media sockets, segments, doorbells, certificate. A child that is started again gets the same
/// descriptors under the same names (docs/adr/0001).
class Holdings {
 public:
  /// Opens and creates all of it. Throws StartError.
  /// `confinement` goes to the handshaker's command line.
  explicit Holdings(const SupervisorConfig& config, std::vector<std::string> confinement = {});
  /// Takes over what a dead supervisor held. Throws StartError.
  Holdings(const SupervisorConfig& config, Adoption& adoption);
  /// Whether control was configured otherwise by the supervisor before this one.
  [[nodiscard]] bool config_changed() const noexcept { return config_changed_; }
  /// Reads the files of signaling.tls again; to be called before control is told to.
  void reload_tls() { tls_files_.reload(); }
  /// Another configuration for control, which reads it on SIGHUP, and its successors at their start.
  void offer_config(const std::string& text);

  /// Rung by control when it accepts joins, silenced when another process begins to be control.
  [[nodiscard]] const Doorbell& control_ready() const noexcept { return control_ready_; }

  [[nodiscard]] std::vector<NamedDescriptor> for_worker(std::uint16_t worker) const;
  [[nodiscard]] std::vector<NamedDescriptor> for_handshaker() const;
  [[nodiscard]] std::vector<NamedDescriptor> for_control() const;
  /// All of it, for the keeper.
  [[nodiscard]] std::vector<NamedDescriptor> for_keeper() const;
  /// The layout of each kind of segment: as this build has it, or as its users wrote it into the first of them.
  [[nodiscard]] std::vector<DescribedSegment> layouts() const;
  [[nodiscard]] const std::string& fingerprint() const noexcept { return certificate_.fingerprint; }

  [[nodiscard]] bool has_control_socket() const noexcept { return control_socket_.valid(); }
  /// Why there is no control socket although there should be one; empty: nothing is amiss.
  [[nodiscard]] const std::string& control_socket_failure() const noexcept { return control_socket_failure_; }

  /// How often the process `pid` has beaten; 0 when the beats are another process's.
  [[nodiscard]] std::uint64_t worker_beats(std::uint16_t worker, std::uint32_t pid) const noexcept;
  [[nodiscard]] std::uint64_t handshaker_beats(std::uint32_t pid) const noexcept;
  [[nodiscard]] std::uint64_t control_beats(std::uint32_t pid) const noexcept;

 private:
  struct Worker {
    MediaSockets sockets;
    SharedSegment shared;
    HandshakeSegment handshake;
    Region recovery;
    Region wishes;
    Doorbell doorbell;
  };
  [[nodiscard]] static Worker make_worker(const SupervisorConfig& config, std::uint16_t index);
  static void guard(Worker& worker);
  /// A relay segment for each ordered pair of workers: those that `from` has (null: none), the others anew.
  void open_relays(DescriptorSet* from);
  /// What belongs to one worker: its segments, sockets and bell.
  [[nodiscard]] std::vector<NamedDescriptor> own_of(std::uint16_t worker) const;
  [[nodiscard]] static Worker adopt_worker(DescriptorSet& from, std::uint16_t index);

  std::vector<Worker> workers_;
  std::map<std::pair<std::uint16_t, std::uint16_t>, RelaySegment> relays_;  // from, to
  Region control_state_;
  PulseSegment control_pulse_;
  PulseSegment handshaker_pulse_;
  Doorbell control_doorbell_;
  Doorbell handshaker_doorbell_;
  Doorbell control_ready_;
  Descriptor config_;         // as it was at the start
  Descriptor config_reload_;  // as it was at the last SIGHUP; empty: there was none
  ServerCertificate certificate_;
  TlsFiles tls_files_;
  Descriptor control_socket_;  // listening; invalid: none
  std::string control_socket_failure_;
  bool config_changed_ = false;
};

}  // namespace sluice::supervisor
