#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/engine/engine_statistics.hpp"
#include "dataplane/memory/datagram_sink.hpp"
#include "shm/types/address.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/time.hpp"

namespace sluice {

enum class EngineChoice : std::uint8_t {
  automatic,  ///< io_uring where the kernel and its policy allow it, else mmsg
  io_uring,   ///< multishot receive into provided buffers, batched sends; Linux 6.1 and later
  mmsg,       ///< recvmmsg and sendmmsg: for containers and hardened hosts that forbid io_uring
};
/// "auto", "io_uring", "mmsg".
[[nodiscard]] std::string_view to_string(EngineChoice choice) noexcept;

struct EngineConfig {
  EngineChoice choice = EngineChoice::automatic;
  /// Bound, non-blocking UDP sockets, borrowed; the index is Tuple::socket. Negative: none (a host without IPv6).
  std::vector<int> sockets;
  /// Those that it receives from: the first, and the one behind the last. From the others, which are other workers', it only
  /// sends.
  std::size_t receive_begin = 0;
  std::size_t receive_end = std::numeric_limits<std::size_t>::max();
  /// Slots of the pool behind acquire(): what may lie in pacers, trains and the kernel at one time (2 KiB each).
  std::uint32_t packets = 8192;
  /// Messages that may be in the kernel's hands at one time, each of up to 16 packets. When all are, the newest is dropped.
  std::uint32_t messages = 1024;
  /// Receive buffers, a power of two up to 32768. With `receive_offload` each is 64 KiB of address space, of which only
  /// what datagrams touch becomes memory. They are used in turn, so all of them should stay in the cache: 256 made receiving
  /// coalesced messages by io_uring half again as dear as 128 (bench/dataplane/engine).
  std::uint32_t receive_buffers = 128;
  /// Longer datagrams are dropped (hardening.md section 2).
  std::size_t datagram_bytes_max = 1500;
  /// UDP_GRO: several datagrams of one peer in one message, where the device or the peer coalesces.
  bool receive_offload = true;
  /// UDP_SEGMENT: consecutive packets to one tuple in one send.
  bool send_offload = true;
};

/// Gets what an engine received. All calls come from within Engine::run_once.
class EngineHandler {
 public:
  virtual ~EngineHandler() = default;
  /// One datagram of 1..datagram_bytes_max bytes. The bytes may be changed in place; they are gone when the call returns.
  virtual void on_datagram(TimePoint now, const Tuple& from, MutableBytes datagram) noexcept = 0;
  /// The doorbell added under `id` was rung at least once.
  virtual void on_doorbell(std::uint32_t id) noexcept = 0;
};

/// Every system call of a worker: sockets, doorbells, time and the one wait for all of them. Belongs to the thread that
/// opened it. Nothing is allocated and no clock read per packet.
class Engine : public DatagramSink {
 public:
  /// Wakes run_once when `fd` becomes readable; what it holds is read away (an eventfd's count, a signalfd's signals).
  /// `fd` is borrowed. To be called before the first run_once, at most doorbells_max times.
  virtual void add_doorbell(int fd, std::uint32_t id) = 0;
  static constexpr std::size_t doorbells_max = 8;

  /// Begins to receive; no doorbell can be added after. To be called once, before the first run_once. What the engine can
  /// ask of the kernel is settled from here on: a process may then forbid itself the calls that opened it. Throws
  /// EngineUnavailable.
  virtual void start() = 0;
  /// Whether the kernel itself holds the started engine to what it does: sending, receiving and polling on the descriptors
  /// it was opened with. Only io_uring can be held so; the calls of the other engine are a matter of seccomp.
  [[nodiscard]] virtual bool restricted() const noexcept = 0;

  /// Waits until there is something to handle or `deadline` has passed, sends what was queued, and hands a bounded batch to
  /// `handler`. Does not wait when the deadline has passed, or when the last batch left something over. Returns how many
  /// datagrams and doorbells it handed over. The clock is read once after the wait.
  virtual std::size_t run_once(TimePoint deadline, EngineHandler& handler) = 0;

  /// Closes the train being built: what was sent so far leaves in batches now, the rest with the next run_once, before it
  /// waits.
  virtual void flush() noexcept = 0;

  /// The time read by the last run_once (by the opening, before the first).
  [[nodiscard]] virtual TimePoint now() const noexcept = 0;
  /// "io_uring" or "mmsg".
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  [[nodiscard]] virtual const EngineStatistics& statistics() const noexcept = 0;
};

/// No engine could be opened; what() is one sentence with the reason.
class EngineUnavailable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Opens the engine that `config` asks for. With EngineChoice::automatic a refused io_uring becomes mmsg, and
/// `why_not_io_uring`, where given, gets the reason. Throws EngineUnavailable.
[[nodiscard]] std::unique_ptr<Engine> open_engine(const EngineConfig& config, std::string* why_not_io_uring = nullptr);

}  // namespace sluice
