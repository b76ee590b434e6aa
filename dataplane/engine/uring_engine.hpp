#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/engine/engine.hpp"
#include "dataplane/engine/media_socket.hpp"
#include "dataplane/engine/receive_ring.hpp"
#include "dataplane/engine/train.hpp"
#include "dataplane/memory/fixed_queue.hpp"
#include "dataplane/memory/packet_pool.hpp"

namespace sluice {

/// The engine on io_uring: one multishot receive per socket into a ring of provided buffers, sends submitted in batches,
/// doorbells by multishot poll, all in one wait. Completions are first taken out of the ring (which gives back sent packets
/// and notes received ones) and only then handled, so that a handler that sends may take completions too.
class UringEngine final : public Engine {
 public:
  /// Throws EngineUnavailable when the kernel lacks something (before 6.1) or does not allow it.
  explicit UringEngine(const EngineConfig& config);
  ~UringEngine() override;

  PacketBuffer acquire() noexcept override;
  void send(const Tuple& to, PacketBuffer packet) noexcept override;
  void add_doorbell(int fd, std::uint32_t id) override;
  void start() override;
  [[nodiscard]] bool restricted() const noexcept override { return restricted_; }
  std::size_t run_once(TimePoint deadline, EngineHandler& handler) override;
  void flush() noexcept override;
  [[nodiscard]] TimePoint now() const noexcept override { return now_; }
  [[nodiscard]] std::string_view name() const noexcept override { return "io_uring"; }
  [[nodiscard]] const EngineStatistics& statistics() const noexcept override { return statistics_; }

 private:
  /// What a completion belongs to: the upper half of its user data; the lower is an index.
  enum class Operation : std::uint32_t { receive = 1, send = 2, doorbell = 3 };

  struct DoorbellSource {
    int fd = -1;
    std::uint32_t id = 0;
    bool armed = false;
    bool rung = false;
  };
  /// One message that the kernel put into a receive buffer.
  struct Arrival {
    std::uint16_t buffer = 0;
    std::uint16_t socket = 0;
    std::uint32_t bytes = 0;  // of the buffer, the kernel's header included
  };
  /// Closes the ring after everything that its operations refer to is still there.
  struct Ring {
    io_uring ring{};
    bool open = false;
    ~Ring();
  };

  void open_ring(const EngineConfig& config);
  void require_operations() const;
  void register_files();
  void arm() noexcept;
  io_uring_sqe* next_sqe(Operation operation, std::uint32_t index) noexcept;
  void submit_ready() noexcept;
  void wait(TimePoint deadline) noexcept;
  void reap() noexcept;
  void complete(const io_uring_cqe& cqe) noexcept;
  void complete_receive(const io_uring_cqe& cqe, std::uint32_t socket) noexcept;
  void make_room() noexcept;
  std::size_t deliver_arrivals(EngineHandler& handler) noexcept;
  std::size_t deliver_doorbells(EngineHandler& handler) noexcept;

  // Members go in reverse order, and closing the ring is what ends the kernel's use of the buffers: it stands last.
  EngineStatistics statistics_;
  MediaSocketSet sockets_;
  std::size_t datagram_bytes_max_;
  PacketPool pool_;
  TrainYard trains_;
  std::unique_ptr<ReceiveRing> receive_;
  std::vector<bool> receiving_;  // by socket: the multishot receive is armed
  FixedQueue<Arrival> arrivals_;
  std::vector<DoorbellSource> doorbells_;
  bool enabled_ = false;
  bool restricted_ = false;
  TimePoint now_;
  Ring ring_;
};

}  // namespace sluice
