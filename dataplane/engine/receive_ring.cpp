#include "dataplane/engine/receive_ring.hpp"

#include <sys/mman.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <string>

namespace sluice {
namespace {

// Before the payload: the kernel's own header, the sender's address, control data. Multiples of 8 keep the control data
// aligned.
constexpr std::size_t name_bytes = 32;
static_assert(name_bytes >= sizeof(SocketName) && offload_control_bytes % 8 == 0 && sizeof(io_uring_recvmsg_out) % 8 == 0);
constexpr std::size_t overhead_bytes = sizeof(io_uring_recvmsg_out) + name_bytes + offload_control_bytes;

constexpr std::size_t round_up(std::size_t value, std::size_t to) {
  return (value + to - 1) / to * to;
}

std::byte* map_pages(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    throw EngineUnavailable("No memory for the receive buffers: " + std::string(std::strerror(errno)) + ".");
  return static_cast<std::byte*>(memory);
}

}  // namespace

ReceiveRing::ReceiveRing(io_uring& ring, std::uint32_t buffers, std::size_t payload_bytes)
    : buffers_(buffers),
      // An odd number of cache lines, so that the headers of all buffers do not fall into the same cache sets.
      stride_(round_up(overhead_bytes + payload_bytes, 128) + 64),
      memory_bytes_(round_up(stride_ * buffers, 4096)),
      queue_bytes_(round_up(sizeof(io_uring_buf) * buffers, 4096)) {
  if (!std::has_single_bit(buffers) || buffers > 32768)
    throw EngineUnavailable("The number of receive buffers is not a power of two up to 32768.");
  memory_ = map_pages(memory_bytes_);
  try {
    queue_ = reinterpret_cast<io_uring_buf_ring*>(map_pages(queue_bytes_));
  } catch (...) {
    (void)::munmap(memory_, memory_bytes_);
    throw;
  }
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(queue_);
  registration.ring_entries = buffers;
  registration.bgid = group;
  if (const int status = io_uring_register_buf_ring(&ring, &registration, 0); status != 0) {
    (void)::munmap(queue_, queue_bytes_);
    (void)::munmap(memory_, memory_bytes_);
    throw EngineUnavailable("The kernel refuses io_uring's provided buffers: " + std::string(std::strerror(-status)) + ".");
  }
  io_uring_buf_ring_init(queue_);
  for (std::uint32_t i = 0; i < buffers; ++i) give_back(static_cast<std::uint16_t>(i));
  publish();
  pattern_.msg_namelen = name_bytes;
  pattern_.msg_controllen = offload_control_bytes;
}

ReceiveRing::~ReceiveRing() {
  (void)::munmap(queue_, queue_bytes_);
  (void)::munmap(memory_, memory_bytes_);
}

std::optional<ReceivedMessage> ReceiveRing::read(std::uint16_t buffer, std::size_t bytes, std::uint16_t socket) noexcept {
  if (buffer >= buffers_ || bytes > stride_ || bytes < overhead_bytes) return std::nullopt;
  std::byte* start = buffer_at(buffer);
  io_uring_recvmsg_out out{};
  std::memcpy(&out, start, sizeof(out));
  ReceivedMessage message;
  message.socket = socket;
  message.name = reinterpret_cast<const SocketName*>(start + sizeof(out));
  message.bytes = {start + overhead_bytes, bytes - overhead_bytes};
  message.truncated = (out.flags & MSG_TRUNC) != 0;
  if (out.controllen >= sizeof(cmsghdr)) {
    msghdr control{};
    control.msg_control = start + sizeof(out) + name_bytes;
    control.msg_controllen = std::min<std::size_t>(out.controllen, offload_control_bytes);
    message.segment_bytes = segment_bytes_of(control);
  }
  return message;
}

void ReceiveRing::give_back(std::uint16_t buffer) noexcept {
  const auto payload = static_cast<unsigned>(stride_);
  io_uring_buf_ring_add(queue_, buffer_at(buffer), payload, buffer, io_uring_buf_ring_mask(buffers_), pending_);
  ++pending_;
}

void ReceiveRing::publish() noexcept {
  io_uring_buf_ring_advance(queue_, pending_);
  pending_ = 0;
}

}  // namespace sluice
