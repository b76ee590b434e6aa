#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/engine/engine.hpp"
#include "dataplane/engine/media_socket.hpp"
#include "dataplane/engine/receive_batch.hpp"
#include "dataplane/engine/train.hpp"
#include "dataplane/memory/packet_pool.hpp"

namespace sluice {

/// The engine on plain system calls: ppoll for the wait, recvmmsg and sendmmsg in batches. A send is over when the call
/// returns, so packets come back at once; what a full socket refuses waits in order until it is writable again.
class MmsgEngine final : public Engine {
 public:
  /// Throws EngineUnavailable.
  explicit MmsgEngine(const EngineConfig& config);
  ~MmsgEngine() override;

  PacketBuffer acquire() noexcept override;
  void send(const Tuple& to, PacketBuffer packet) noexcept override;
  void add_doorbell(int fd, std::uint32_t id) override;
  void start() override {}
  [[nodiscard]] bool restricted() const noexcept override { return false; }
  std::size_t run_once(TimePoint deadline, EngineHandler& handler) override;
  void flush() noexcept override;
  [[nodiscard]] TimePoint now() const noexcept override { return now_; }
  [[nodiscard]] std::string_view name() const noexcept override { return "mmsg"; }
  [[nodiscard]] const EngineStatistics& statistics() const noexcept override { return statistics_; }

 private:
  void send_ready() noexcept;
  bool send_batch() noexcept;
  void wait(TimePoint deadline) noexcept;
  std::size_t receive_from(std::uint16_t socket, EngineHandler& handler) noexcept;
  std::size_t answer_doorbells(EngineHandler& handler) noexcept;

  EngineStatistics statistics_;
  MediaSocketSet sockets_;
  std::size_t datagram_bytes_max_;
  PacketPool pool_;
  TrainYard trains_;
  std::unique_ptr<ReceiveBatch> receive_;
  std::vector<pollfd> polled_;            // the sockets, then the doorbells
  std::vector<std::uint32_t> doorbells_;  // ids
  std::vector<mmsghdr> outgoing_;
  bool backlog_ = false;  // the last receive filled its batch: there may be more
  int blocked_ = -1;      // the socket that took no more, until it is writable
  TimePoint now_;
};

}  // namespace sluice
