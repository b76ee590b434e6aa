#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "control/security/audit/audit_log.hpp"
#include "shm/descriptors/descriptor.hpp"

namespace sluice {

/// Sends audit entries to a syslog daemon as datagrams (RFC 5424; facility 13, log audit). Never waits: what the socket does
/// not take at once is dropped and counted.
class SyslogSink final : public AuditSink {
 public:
  /// `target` is "unix:/dev/log" or "udp:HOST:PORT" with a numeric host. Nothing is sent when it names neither.
  SyslogSink(std::string_view target, std::string service);
  [[nodiscard]] bool usable() const noexcept { return socket_.valid(); }
  void deliver(const std::shared_ptr<const std::string>& line) override;
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  void connect();

  std::string target_;
  std::string service_;
  Descriptor socket_;
  std::uint64_t sent_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace sluice
