#include "dataplane/memory/packet_buffer.hpp"

#include <cstring>
#include <utility>

#include "dataplane/memory/packet_pool.hpp"
#include "dataplane/memory/require.hpp"

namespace sluice {

PacketBuffer::PacketBuffer(PacketBuffer&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      data_(std::exchange(other.data_, nullptr)),
      slot_(other.slot_),
      size_(std::exchange(other.size_, 0U)) {}

PacketBuffer& PacketBuffer::operator=(PacketBuffer&& other) noexcept {
  if (this != &other) {
    reset();
    pool_ = std::exchange(other.pool_, nullptr);
    data_ = std::exchange(other.data_, nullptr);
    slot_ = other.slot_;
    size_ = std::exchange(other.size_, 0U);
  }
  return *this;
}

std::size_t PacketBuffer::capacity() const noexcept {
  return pool_ == nullptr ? 0 : PacketPool::slot_size;
}

void PacketBuffer::resize(std::size_t size) noexcept {
  require(size <= capacity());
  size_ = static_cast<std::uint32_t>(size);
}

bool PacketBuffer::assign(Bytes source) noexcept {
  if (source.size() > capacity()) return false;
  if (!source.empty()) std::memmove(data_, source.data(), source.size());
  size_ = static_cast<std::uint32_t>(source.size());
  return true;
}

std::uint32_t PacketBuffer::detach() noexcept {
  require(pool_ != nullptr);
  pool_ = nullptr;
  data_ = nullptr;
  size_ = 0;
  return slot_;
}

void PacketBuffer::reset() noexcept {
  if (pool_ == nullptr) return;
  pool_->release(slot_);
  pool_ = nullptr;
  data_ = nullptr;
  size_ = 0;
}

}  // namespace sluice
