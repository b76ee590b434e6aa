#include "shm/region/region.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U  // Linux 6.3; glibc 2.36 does not know it yet
#endif

namespace sluice {
namespace {

constexpr int size_seals = F_SEAL_SHRINK | F_SEAL_GROW;

tl::unexpected<RegionError> failed(RegionFault fault) {
  return unexpected(RegionError{fault, errno, 0, 0});
}

int create_memfd(const char* label) {
  const int fd = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  if (fd >= 0 || errno != EINVAL) return fd;
  return memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

}  // namespace

Result<Region, RegionError> Region::create(const char* label, std::size_t size_bytes) {
  const Descriptor fd(create_memfd(label));
  if (!fd.valid()) return failed(RegionFault::create_failed);
  if (ftruncate(fd.get(), static_cast<off_t>(size_bytes)) != 0) return failed(RegionFault::create_failed);
  // F_SEAL_SEAL: nobody can add F_SEAL_FUTURE_WRITE later and so keep a successor from mapping it.
  if (fcntl(fd.get(), F_ADD_SEALS, size_seals | F_SEAL_SEAL) != 0) return failed(RegionFault::create_failed);
  return map(fd.get(), Access::read_write);
}

Result<Region, RegionError> Region::map(int fd, Access access) {
  Region region;
  region.fd_ = Descriptor(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!region.fd_.valid()) return failed(RegionFault::map_failed);
  const int seals = fcntl(region.fd_.get(), F_GET_SEALS);
  if (seals < 0) return failed(RegionFault::not_sealed);
  if ((seals & size_seals) != size_seals) {
    return unexpected(RegionError{RegionFault::not_sealed, 0, static_cast<unsigned>(seals), size_seals});
  }
  struct stat status{};
  if (fstat(region.fd_.get(), &status) != 0) return failed(RegionFault::map_failed);
  if (status.st_size <= 0) return unexpected(RegionError{RegionFault::too_small, 0, 0, 1});
  region.size_ = static_cast<std::size_t>(status.st_size);
  region.access_ = access;
  const int protection = access == Access::read_write ? PROT_READ | PROT_WRITE : PROT_READ;
  void* const data = mmap(nullptr, region.size_, protection, MAP_SHARED, region.fd_.get(), 0);
  if (data == MAP_FAILED) return failed(RegionFault::map_failed);
  region.data_ = static_cast<std::byte*>(data);
  return region;
}

Region::Region(Region&& other) noexcept
    : fd_(std::move(other.fd_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      access_(other.access_) {}

Region& Region::operator=(Region&& other) noexcept {
  if (this != &other) {
    unmap();
    fd_ = std::move(other.fd_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    access_ = other.access_;
  }
  return *this;
}

Region::~Region() {
  unmap();
}

void Region::unmap() noexcept {
  if (data_ != nullptr) munmap(data_, size_);
  data_ = nullptr;
}

Result<void, RegionError> Region::clear() {
  if (fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size_)) != 0) {
    return failed(RegionFault::create_failed);
  }
  return {};
}

bool Region::guard_secrets() noexcept {
  (void)madvise(data_, size_, MADV_DONTDUMP);
  (void)madvise(data_, size_, MADV_DONTFORK);
  // On fault only: a sparse region is not to be made resident as a whole.
  return mlock2(data_, size_, MLOCK_ONFAULT) == 0;
}

}  // namespace sluice
