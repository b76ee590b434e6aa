#include "control/supervisor/certificate.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <optional>
#include <string_view>
#include <utility>

#include "control/supervisor/child_process.hpp"
#include "control/supervisor/memory_file.hpp"
#include "control/supervisor/start_error.hpp"

namespace sluice::supervisor {
namespace {

// 32 bytes in hexadecimal and the colons between them.
constexpr std::size_t fingerprint_size = 95;
// Some 10 ms; a sanitizer build on a loaded machine takes longer.
constexpr std::chrono::milliseconds patience = std::chrono::seconds(20);

[[noreturn]] void fail(const std::string& why) {
  throw StartError("Cannot make the DTLS certificate: " + why + ".");
}

Ending wait_for(ChildProcess& child) {
  pollfd ended{child.pidfd(), POLLIN, 0};
  if (::poll(&ended, 1, static_cast<int>(patience.count())) <= 0) {
    child.signal(SIGKILL);
    (void)::poll(&ended, 1, -1);
  }
  const std::optional<Ending> ending = child.reap();
  if (!ending) fail("its maker cannot be waited for");
  return *ending;
}

std::string read_fingerprint(int fd) {
  std::array<char, fingerprint_size + 1> text{};
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  const std::string_view fingerprint(text.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
  // It becomes an argument of control and part of each answer.
  if (fingerprint.size() != fingerprint_size ||
      fingerprint.find_first_not_of("0123456789ABCDEF:") != std::string_view::npos) {
    fail("its fingerprint is malformed");
  }
  return std::string(fingerprint);
}

}  // namespace

ServerCertificate make_server_certificate(const std::filesystem::path& handshaker, std::vector<std::string> confinement) {
  ServerCertificate result;
  result.file = make_memory_file("sluice-certificate");
  const Descriptor fingerprint = make_memory_file("sluice-fingerprint");
  confinement.emplace_back("--make-certificate");
  ChildProcess maker =
      ChildProcess::start({handshaker, std::move(confinement), inherited_environment(Inherit::without_configuration)});
  maker.give({{"certificate", result.file.get()}, {"fingerprint", fingerprint.get()}});
  const Ending ending = wait_for(maker);
  if (ending.by_signal || ending.number != 0) fail(handshaker.string() + " ended with " + ending.to_string());
  result.fingerprint = read_fingerprint(fingerprint.get());
  seal(result.file);
  return result;
}

}  // namespace sluice::supervisor
