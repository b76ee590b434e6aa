#include "tests/sim/allocation_count.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local bool counting = false;
thread_local std::size_t allocations = 0;

void* allocate(std::size_t size) {
  if (counting) ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) {
  return allocate(size);
}
void* operator new[](std::size_t size) {
  return allocate(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace sluice::sim {

AllocationCount::AllocationCount() {
  allocations = 0;
}
AllocationCount::~AllocationCount() {
  counting = false;
}
void AllocationCount::on(bool on) noexcept {
  counting = on;
}
std::size_t AllocationCount::total() const noexcept {
  return allocations;
}

}  // namespace sluice::sim
