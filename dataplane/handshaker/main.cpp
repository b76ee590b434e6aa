// sluice-handshaker: DTLS for all workers, off their threads. Started by the supervisor only; see control/supervisor.
#include <openssl/crypto.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "dataplane/dtls/certificate.hpp"
#include "dataplane/dtls/dtls_context.hpp"
#include "dataplane/handshaker/handshaker_loop.hpp"
#include "dataplane/process/arguments.hpp"
#include "dataplane/process/stop_signal.hpp"
#include "shm/confinement/confinement.hpp"
#include "shm/confinement/rights.hpp"
#include "shm/descriptors/descriptor_set.hpp"
#include "shm/log/process_log.hpp"

namespace sluice {
namespace {

DescriptorSet receive_from_supervisor(const Arguments& arguments) {
  const Descriptor socket(static_cast<int>(arguments.number("descriptors", 1024)));
  auto descriptors = receive_descriptors(socket.get());
  if (!descriptors)
    throw std::runtime_error("no descriptors from the supervisor: " + std::string(to_string(descriptors.error())));
  return std::move(*descriptors);
}

void write_all(int fd, Bytes content, const char* what) {
  if (fd < 0 || ::pwrite(fd, content.data(), content.size(), 0) != static_cast<ssize_t>(content.size())) {
    throw std::runtime_error(std::string("cannot write the ") + what);
  }
}

/// Runs before the first real start: the supervisor asks for the certificate of its lifetime and never sees the key.
void make_certificate(const DescriptorSet& descriptors) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const Certificate certificate = Certificate::generate(now);
  std::vector<std::byte> serialized = certificate.serialize();
  write_all(descriptors.find("certificate"), serialized, "certificate");
  OPENSSL_cleanse(serialized.data(), serialized.size());
  write_all(descriptors.find("fingerprint"), as_bytes(certificate.fingerprint().to_text()), "fingerprint");
}

Certificate read_certificate(const DescriptorSet& descriptors) {
  const int fd = descriptors.find("certificate");
  struct stat status{};
  constexpr off_t bytes_max = 64 * 1024;
  if (fd < 0 || ::fstat(fd, &status) != 0 || status.st_size <= 0 || status.st_size > bytes_max) {
    throw std::runtime_error("the supervisor passed no certificate");
  }
  std::vector<std::byte> serialized(static_cast<std::size_t>(status.st_size));
  const ssize_t size = ::pread(fd, serialized.data(), serialized.size(), 0);
  auto certificate = Certificate::parse(serialized);
  OPENSSL_cleanse(serialized.data(), serialized.size());
  if (size != status.st_size || !certificate) throw std::runtime_error("the certificate is damaged");
  return std::move(*certificate);
}

void run(const Arguments& arguments, const DescriptorSet& descriptors, const ConfinementOrder& order,
         const ProcessLog& log) {
  const StopSignal stop;
  // Forwarding goes first where it shares a core with handshakes.
  (void)::setpriority(PRIO_PROCESS, 0, 5);
  const auto workers = static_cast<std::uint16_t>(arguments.number("workers", 1024));
  const DtlsContext context(read_certificate(descriptors));
  HandshakerLoop loop(descriptors, workers, context, stop.fd());
  const Confined confined = finish_confinement(ProcessRole::handshaker, order);
  log.info("confined", {{"user", confined.user},
                        {"capabilities", confined.capabilities},
                        {"system_calls", confined.system_calls},
                        {"locked_memory", confined.locked_memory}});
  log.info("ready", {{"workers", std::to_string(workers)}});
  loop.run();
  const HandshakerCounters& counters = loop.counters();
  log.info("ends", {{"done", std::to_string(counters.done)}, {"failed", std::to_string(counters.failed)}});
}

}  // namespace
}  // namespace sluice

int main(int count, char** words) {
  using namespace sluice;
  try {
    const Arguments arguments(std::span<char* const>(words, static_cast<std::size_t>(count)).subspan(1));
    const ProcessLog log("handshaker", log_format_from(arguments.text("log", "line")));
    try {
      const ConfinementOrder order = ConfinementOrder::from(std::span<char* const>(words, static_cast<std::size_t>(count)));
      give_up_rights(ProcessRole::handshaker, order);
      const DescriptorSet descriptors = receive_from_supervisor(arguments);
      if (arguments.has("make-certificate")) {
        make_certificate(descriptors);
      } else {
        run(arguments, descriptors, order, log);
      }
      return 0;
    } catch (const std::exception& error) {
      log.error("cannot work", {{"reason", error.what()}});
    }
  } catch (const std::exception& error) {
    ProcessLog("handshaker", LogFormat::line).error("is started by sluice serve", {{"reason", error.what()}});
  }
  return 1;
}
