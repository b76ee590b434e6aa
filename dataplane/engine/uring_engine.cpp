#include "dataplane/engine/uring_engine.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "dataplane/engine/clock.hpp"
#include "dataplane/engine/ring_restrictions.hpp"

namespace sluice {
namespace {

// 16 messages a submission have all of the gain of batching (limits.md, consequence 7); 32 leave room for the wait to take
// the rest.
constexpr std::size_t submit_batch = 32;
constexpr unsigned submission_entries = 256;
// Messages handled in one run_once; with UDP_GRO each may hold 64 datagrams. Keeps commands and deadlines from starving.
constexpr std::size_t arrivals_batch = 64;

std::uint64_t user_data(std::uint32_t operation, std::uint32_t index) {
  return std::uint64_t{operation} << 32U | index;
}

[[noreturn]] void refuse(const std::string& what, int error) {
  throw EngineUnavailable(what + ": " + std::strerror(error) + ".");
}

std::uint32_t completion_entries(const EngineConfig& config) {
  // Room for everything that can be under way at once, so that the kernel never has to keep completions aside.
  return config.receive_buffers + config.messages + submission_entries;
}

}  // namespace

UringEngine::Ring::~Ring() {
  if (open) io_uring_queue_exit(&ring);
}

UringEngine::UringEngine(const EngineConfig& config)
    : sockets_(prepare_media_sockets(config)),
      datagram_bytes_max_(config.datagram_bytes_max),
      pool_(config.packets),
      trains_(config.messages, sockets_, statistics_),
      receiving_(sockets_.sockets.size(), false),
      arrivals_(config.receive_buffers),
      now_(read_clock()) {
  doorbells_.reserve(doorbells_max);
  open_ring(config);
  require_operations();
  // One byte more than allowed is enough to tell that a datagram is too long.
  const std::size_t payload = sockets_.receive_offload ? coalesced_bytes_max : datagram_bytes_max_ + 1;
  receive_ = std::make_unique<ReceiveRing>(ring_.ring, config.receive_buffers, payload);
  register_files();
}

UringEngine::~UringEngine() {
  // What was handed over leaves; then the ring is closed by its member, which waits for nothing.
  flush();
  submit_ready();
  if (enabled_) (void)io_uring_submit(&ring_.ring);
}

void UringEngine::open_ring(const EngineConfig& config) {
  // Deferred task work runs when we wait and not in the middle of a handler; it needs 6.1. The ring starts disabled, so
  // that restrictions apply before anything can be submitted.
  io_uring_params parameters{};
  parameters.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_R_DISABLED |
                     IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  parameters.cq_entries = completion_entries(config);
  const io_uring_params wanted = parameters;
  int status = io_uring_queue_init_params(submission_entries, &ring_.ring, &parameters);
  if (status == -EINVAL) {
    parameters = wanted;
    parameters.flags &= ~(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
    status = io_uring_queue_init_params(submission_entries, &ring_.ring, &parameters);
  }
  if (status != 0) refuse("The kernel does not allow io_uring", -status);
  ring_.open = true;
  if ((parameters.features & IORING_FEAT_EXT_ARG) == 0) refuse("The kernel's io_uring is too old", ENOSYS);
}

void UringEngine::require_operations() const {
  io_uring_probe* probe = io_uring_get_probe_ring(const_cast<io_uring*>(&ring_.ring));
  if (probe == nullptr) refuse("The kernel's io_uring cannot be probed", ENOSYS);
  // Multishot recvmsg cannot be probed; it came with the same kernel (6.0) as SEND_ZC, which can.
  const bool enough =
      io_uring_opcode_supported(probe, IORING_OP_SENDMSG) != 0 && io_uring_opcode_supported(probe, IORING_OP_RECVMSG) != 0 &&
      io_uring_opcode_supported(probe, IORING_OP_POLL_ADD) != 0 && io_uring_opcode_supported(probe, IORING_OP_SEND_ZC) != 0;
  io_uring_free_probe(probe);
  if (!enough) refuse("The kernel's io_uring is too old (6.1 is needed)", ENOSYS);
}

void UringEngine::register_files() {
  // Sockets first, then room for doorbells; unused places are -1.
  std::vector<int> files;
  for (const MediaSocket& socket : sockets_.sockets) files.push_back(socket.fd);
  files.resize(files.size() + doorbells_max, -1);
  if (const int status = io_uring_register_files(&ring_.ring, files.data(), static_cast<unsigned>(files.size()));
      status != 0) {
    refuse("The kernel refuses to register the sockets with io_uring", -status);
  }
}

void UringEngine::add_doorbell(int fd, std::uint32_t id) {
  if (enabled_ || doorbells_.size() == doorbells_max)
    throw EngineUnavailable("A doorbell was added too late, or one too many.");
  const auto place = static_cast<unsigned>(sockets_.sockets.size() + doorbells_.size());
  if (const int status = io_uring_register_files_update(&ring_.ring, place, &fd, 1); status < 0) {
    refuse("The kernel refuses to register a doorbell with io_uring", -status);
  }
  doorbells_.push_back({fd, id});
}

void UringEngine::start() {
  if (enabled_) return;
  // Saves the lookup of the descriptor in each call; nothing depends on it.
  (void)io_uring_register_ring_fd(&ring_.ring);
  restricted_ = restrict_ring(ring_.ring);
  enable_ring(ring_.ring);
  enabled_ = true;
}

io_uring_sqe* UringEngine::next_sqe(Operation operation, std::uint32_t index) noexcept {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring_.ring);
  if (sqe == nullptr) {
    (void)io_uring_submit(&ring_.ring);
    sqe = io_uring_get_sqe(&ring_.ring);
    if (sqe == nullptr) return nullptr;
  }
  std::memset(sqe, 0, sizeof(*sqe));
  sqe->user_data = user_data(static_cast<std::uint32_t>(operation), index);
  return sqe;
}

void UringEngine::arm() noexcept {
  for (std::uint32_t i = 0; i < receiving_.size(); ++i) {
    if (receiving_[i] || !sockets_.sockets[i].receives) continue;
    io_uring_sqe* sqe = next_sqe(Operation::receive, i);
    if (sqe == nullptr) return;
    const std::uint64_t data = sqe->user_data;
    io_uring_prep_recvmsg_multishot(sqe, static_cast<int>(i), receive_->pattern(), 0);
    sqe->flags = IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
    sqe->buf_group = ReceiveRing::group;
    sqe->user_data = data;
    receiving_[i] = true;
  }
  for (std::uint32_t i = 0; i < doorbells_.size(); ++i) {
    if (doorbells_[i].armed) continue;
    io_uring_sqe* sqe = next_sqe(Operation::doorbell, i);
    if (sqe == nullptr) return;
    const std::uint64_t data = sqe->user_data;
    io_uring_prep_poll_multishot(sqe, static_cast<int>(sockets_.sockets.size() + i), POLLIN);
    sqe->flags = IOSQE_FIXED_FILE;
    sqe->user_data = data;
    doorbells_[i].armed = true;
  }
}

PacketBuffer UringEngine::acquire() noexcept {
  PacketBuffer packet = pool_.acquire();
  if (!packet) {
    make_room();
    packet = pool_.acquire();
    if (!packet) ++statistics_.packet_pool_empty;
  }
  return packet;
}

void UringEngine::send(const Tuple& to, PacketBuffer packet) noexcept {
  if (trains_.exhausted()) make_room();
  trains_.add(to, std::move(packet));
  if (trains_.ready() >= submit_batch) {
    submit_ready();
    if (enabled_) (void)io_uring_submit(&ring_.ring);
  }
}

void UringEngine::flush() noexcept {
  trains_.close_open();
  // The next run_once submits and waits in one system call; an idle worker's single packet does not need two.
}

/// Sends what waits and takes completions, so that packets and trains come back.
void UringEngine::make_room() noexcept {
  trains_.close_open();
  submit_ready();
  if (enabled_) (void)io_uring_submit_and_get_events(&ring_.ring);
  reap();
}

void UringEngine::submit_ready() noexcept {
  while (trains_.ready() > 0) {
    io_uring_sqe* sqe = next_sqe(Operation::send, 0);
    if (sqe == nullptr) return;  // the submission ring stays full only while the kernel is out of memory; later
    const std::uint32_t index = *trains_.depart();
    const Train& train = trains_.at(index);
    io_uring_prep_sendmsg(sqe, train.to.socket, &train.header, MSG_NOSIGNAL);
    sqe->flags = IOSQE_FIXED_FILE;
    sqe->user_data = user_data(static_cast<std::uint32_t>(Operation::send), index);
  }
}

void UringEngine::wait(TimePoint deadline) noexcept {
  // Not `now_`: the last turn may have taken a while, and a deadline would be slept over by as much.
  const TimePoint before = deadline == never ? TimePoint{} : read_clock();
  if (deadline <= before || !arrivals_.empty() || io_uring_cq_ready(&ring_.ring) > 0) {
    (void)io_uring_submit_and_get_events(&ring_.ring);
    return;
  }
  ++statistics_.waits;
  io_uring_cqe* cqe = nullptr;
  if (deadline == never) {
    (void)io_uring_submit_and_wait(&ring_.ring, 1);
    return;
  }
  const auto left = deadline - before;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  __kernel_timespec timeout{seconds.count(), (left - seconds).count()};
  (void)io_uring_submit_and_wait_timeout(&ring_.ring, &cqe, 1, &timeout, nullptr);
}

void UringEngine::reap() noexcept {
  std::array<io_uring_cqe*, 64> batch{};
  while (const unsigned count = io_uring_peek_batch_cqe(&ring_.ring, batch.data(), static_cast<unsigned>(batch.size()))) {
    for (unsigned i = 0; i < count; ++i) complete(*batch[i]);
    io_uring_cq_advance(&ring_.ring, count);
  }
}

void UringEngine::complete(const io_uring_cqe& cqe) noexcept {
  const auto index = static_cast<std::uint32_t>(cqe.user_data);
  switch (static_cast<Operation>(cqe.user_data >> 32U)) {
    case Operation::receive:
      complete_receive(cqe, index);
      break;
    case Operation::send:
      if (cqe.res >= 0) {
        trains_.completed(index);
      } else {
        trains_.refused(index, -cqe.res);
      }
      break;
    case Operation::doorbell:
      doorbells_[index].armed = (cqe.flags & IORING_CQE_F_MORE) != 0;
      doorbells_[index].rung = true;
      break;
  }
}

void UringEngine::complete_receive(const io_uring_cqe& cqe, std::uint32_t socket) noexcept {
  if ((cqe.flags & IORING_CQE_F_MORE) == 0) receiving_[socket] = false;  // arm() starts it again
  if ((cqe.flags & IORING_CQE_F_BUFFER) != 0) {
    const auto buffer = static_cast<std::uint16_t>(cqe.flags >> IORING_CQE_BUFFER_SHIFT);
    // Each buffer is here at most once, and there is a place for each.
    (void)arrivals_.push(
        Arrival{buffer, static_cast<std::uint16_t>(socket), static_cast<std::uint32_t>(std::max(cqe.res, 0))});
    return;
  }
  if (cqe.res == -ENOBUFS) {
    ++statistics_.receive_exhausted;
  } else if (cqe.res < 0) {
    ++statistics_.receive_failures;
  }
}

std::size_t UringEngine::deliver_arrivals(EngineHandler& handler) noexcept {
  std::size_t delivered = 0;
  for (std::size_t i = 0; i < arrivals_batch; ++i) {
    const std::optional<Arrival> arrival = arrivals_.pop();
    if (!arrival) break;
    if (const auto message = receive_->read(arrival->buffer, arrival->bytes, arrival->socket)) {
      delivered += deliver(*message, now_, datagram_bytes_max_, handler, statistics_);
    } else {
      ++statistics_.receive_failures;
    }
    if (arrival->buffer < receive_->buffers()) receive_->give_back(arrival->buffer);
  }
  receive_->publish();
  return delivered;
}

std::size_t UringEngine::deliver_doorbells(EngineHandler& handler) noexcept {
  std::size_t rung = 0;
  for (DoorbellSource& doorbell : doorbells_) {
    if (!doorbell.rung) continue;
    doorbell.rung = false;
    std::array<std::byte, 128> content{};  // eight bytes of an eventfd or one signal of a signalfd
    [[maybe_unused]] const ssize_t size = ::read(doorbell.fd, content.data(), content.size());
    ++statistics_.doorbells;
    handler.on_doorbell(doorbell.id);
    ++rung;
  }
  return rung;
}

std::size_t UringEngine::run_once(TimePoint deadline, EngineHandler& handler) {
  if (!enabled_) start();
  trains_.close_open();
  submit_ready();
  arm();
  wait(deadline);
  now_ = read_clock();
  reap();
  return deliver_doorbells(handler) + deliver_arrivals(handler);
}

}  // namespace sluice
