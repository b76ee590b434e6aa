#include "dataplane/memory/packet_pool.hpp"

#include <new>

#include "dataplane/memory/require.hpp"

namespace sluice {

void PacketPool::FreeMemory::operator()(std::byte* memory) const noexcept {
  ::operator delete(memory, std::align_val_t{alignment});
}

PacketPool::PacketPool(std::uint32_t slots)
    : owned_(static_cast<std::byte*>(::operator new(std::size_t{slots} * slot_size, std::align_val_t{alignment}))),
      memory_(owned_.get(), std::size_t{slots} * slot_size),
      lent_(slots) {
  fill_free_list();
}

PacketPool::PacketPool(MutableBytes memory) : memory_(memory), lent_(memory.size() / slot_size) {
  fill_free_list();
}

void PacketPool::fill_free_list() {
  free_.reserve(lent_.size());
  // Taken from the back: slot 0 goes out first.
  for (std::uint32_t slot = slots(); slot > 0; --slot) free_.push_back(slot - 1);
}

PacketBuffer PacketPool::acquire() noexcept {
  if (free_.empty()) return {};
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  lent_[slot] = 1;
  return {*this, slot, slot_at(slot), 0};
}

PacketBuffer PacketPool::attach(std::uint32_t slot, std::size_t size) noexcept {
  require(slot < slots() && lent_[slot] == 1 && size <= slot_size);
  return {*this, slot, slot_at(slot), size};
}

void PacketPool::release(std::uint32_t slot) noexcept {
  require(slot < slots() && lent_[slot] == 1);
  lent_[slot] = 0;
  free_.push_back(slot);  // within the reserve: never more than slots()
}

}  // namespace sluice
