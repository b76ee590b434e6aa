#include "control/supervisor/tls_files.hpp"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "control/supervisor/memory_file.hpp"

namespace sluice::supervisor {
namespace {

// Chains of certificates are a few KiB.
constexpr std::size_t file_bytes_max = 1024 * 1024;

/// Empty when the file cannot be read, is empty or is too large to be one of these.
std::string read_file(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file.valid()) return {};
  std::string content(file_bytes_max + 1, '\0');
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = ::read(file.get(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {};
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > file_bytes_max) size = 0;
  content.resize(size);
  return content;
}

}  // namespace

TlsFiles::TlsFiles(std::filesystem::path certificate, std::filesystem::path key, Descriptor certificate_memory,
                   Descriptor key_memory)
    : certificate_{std::move(certificate), std::move(certificate_memory)}, key_{std::move(key), std::move(key_memory)} {
  reload();
}

void TlsFiles::refresh(Copy& copy) {
  if (copy.source.empty()) return;
  std::string content = read_file(copy.source);
  if (content.empty()) return;
  if (!copy.memory.valid()) copy.memory = make_memory_file("sluice-tls");
  // A copy that could not be made whole is no certificate: control says so when it reads it, and keeps the one it has.
  if (::ftruncate(copy.memory.get(), 0) == 0) {
    [[maybe_unused]] const ssize_t written = ::pwrite(copy.memory.get(), content.data(), content.size(), 0);
  }
  ::explicit_bzero(content.data(), content.size());
}

void TlsFiles::reload() {
  refresh(certificate_);
  refresh(key_);
}

std::vector<NamedDescriptor> TlsFiles::descriptors() const {
  std::vector<NamedDescriptor> result;
  if (certificate_.memory.valid()) result.push_back({"tls.cert", certificate_.memory.get()});
  if (key_.memory.valid()) result.push_back({"tls.key", key_.memory.get()});
  return result;
}

}  // namespace sluice::supervisor
