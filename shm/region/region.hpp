#pragma once

#include <cstddef>

#include "shm/descriptors/descriptor.hpp"
#include "shm/region/region_error.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/result.hpp"

namespace sluice {

enum class Access : unsigned char { read_write, read_only };

/// One mapped, sealed memfd. Its size is fixed for life (F_SEAL_GROW, F_SEAL_SHRINK, F_SEAL_SEAL), so no process that
/// holds the descriptor can take pages away from under another. It has no name in any file system; it travels by
/// descriptor and lives as long as anyone holds one. Move-only; unmaps and closes at the end.
class Region {
 public:
  /// A new region of `size_bytes` zero bytes, mapped read-write. `label` shows in /proc/PID/maps. Pages cost nothing
  /// until they are touched.
  [[nodiscard]] static Result<Region, RegionError> create(const char* label, std::size_t size_bytes);
  /// Maps all of the region behind `fd`, which is borrowed: the region keeps a duplicate. Refuses what is not sealed.
  [[nodiscard]] static Result<Region, RegionError> map(int fd, Access access);

  Region() = default;
  Region(Region&& other) noexcept;
  Region& operator=(Region&& other) noexcept;
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  ~Region();

  /// All bytes, starting at a page boundary; they live as long as the region. Must not be called on a read-only region.
  [[nodiscard]] MutableBytes bytes() noexcept { return {data_, size_}; }
  [[nodiscard]] Bytes bytes() const noexcept { return {data_, size_}; }
  [[nodiscard]] Access access() const noexcept { return access_; }
  /// To pass to another process; stays owned by the region.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  /// Makes all bytes zero and gives the pages back.
  [[nodiscard]] Result<void, RegionError> clear();
  /// For regions with keys: keeps them out of core dumps and forked children, and out of swap as far as RLIMIT_MEMLOCK
  /// allows. True when the pages are locked.
  [[nodiscard]] bool guard_secrets() noexcept;

 private:
  void unmap() noexcept;
  Descriptor fd_;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  Access access_ = Access::read_write;
};

}  // namespace sluice
