#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "shm/types/address.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/entropy.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/time.hpp"

namespace sluice::schema {
struct Command;
struct Handshake;
}  // namespace sluice::schema

namespace sluice {

struct WorkerSurroundings;  // see worker_surroundings.hpp

/// One worker without its system calls: transports, publications and subscriptions as control wishes them, and the media
/// between them. Datagrams, commands, handshake messages and time come in; datagrams, events and a deadline go out. Works
/// single-threaded; allocates at construction and in handle_command, never per packet.
class WorkerCore {
 public:
  /// Asks control for a snapshot. Without a wish log the recovery records are emptied; else adopt() must be called next.
  /// What `surroundings` refers to must outlive the core.
  explicit WorkerCore(const WorkerSurroundings& surroundings);
  /// Leaves records and wishes as they are: a successor may go on with them.
  ~WorkerCore();
  WorkerCore(const WorkerCore&) = delete;
  WorkerCore& operator=(const WorkerCore&) = delete;

  /// What was taken over from a dead (or upgraded) worker.
  struct Adopted {
    std::uint32_t transports = 0;  ///< with or without keys
    std::uint32_t keyed = 0;       ///< of them, those whose media goes on
    std::uint32_t publications = 0;
    std::uint32_t subscriptions = 0;
    std::uint32_t unsound = 0;  ///< records that no worker of ours can have left: begun anew
    std::uint64_t blamed = 0;   ///< packed TransportId that the predecessor died of; 0: nobody
    bool quarantined = false;   ///< and it was not the first time
  };
  /// Goes on with what records and wish log hold: no ICE restart, no DTLS handshake, no renegotiation (RFC 3711 indices are
  /// never used twice). Asks for key frames. Once, before anything else.
  Adopted adopt(TimePoint now);

  /// One received datagram, decrypted in place. Never answers what is not authenticated.
  void handle_datagram(TimePoint now, const Tuple& from, MutableBytes datagram) noexcept;
  /// One verified command. Upserts and removals take effect together at their Commit; a bad one refuses its generation
  /// (SnapshotWanted).
  void handle_command(TimePoint now, const schema::Command& command);
  /// One verified message of the handshaker.
  void handle_handshake(TimePoint now, const schema::Handshake& message);
  /// One message of another worker, which is not trusted; a datagram in it is decrypted in place.
  void handle_relay(TimePoint now, WorkerId from, MutableBytes message);
  /// Runs what is due at `now`.
  void handle_timeout(TimePoint now) noexcept;
  /// When handle_timeout wants to be called; `never` when idle.
  [[nodiscard]] TimePoint next_deadline() const noexcept;
  /// After a batch of datagrams: seals and sends what the pacers release.
  void flush(TimePoint now) noexcept;

  /// The last generation that took effect as a whole; 0: none.
  [[nodiscard]] std::uint64_t committed_generation() const noexcept;
  /// The committed desired state as text, in the order of slots: equal states give equal texts.
  [[nodiscard]] std::string describe() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
