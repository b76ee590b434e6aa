#include "control/supervisor/memory_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "control/supervisor/start_error.hpp"

namespace sluice::supervisor {
namespace {

[[noreturn]] void fail() {
  throw StartError(std::string("Cannot create a memory file: ") + std::strerror(errno) +
                   "; free some memory or raise the limit on open files.");
}

}  // namespace

Descriptor make_memory_file(const std::string& name) {
  Descriptor file(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid()) fail();
  return file;
}

void seal(const Descriptor& file) {
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) fail();
}

Descriptor make_sealed_file(const std::string& name, Bytes content) {
  Descriptor file = make_memory_file(name);
  while (!content.empty()) {
    const ssize_t written = ::write(file.get(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail();
    content = content.subspan(static_cast<std::size_t>(written));
  }
  seal(file);
  return file;
}

}  // namespace sluice::supervisor
