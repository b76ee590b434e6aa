#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "control/http_client/http_call.hpp"
#include "control/security/audit/audit_log.hpp"

namespace sluice::app {

/// Posts audit entries to a URL of the operator's, many lines (NDJSON) in one request: one request is under way, and what
/// comes meanwhile goes with the next. Never waits; beyond 4 MiB entries are dropped here and counted, as are those of a
/// request that fails: the file has them.
class AuditHttpSink final : public AuditSink {
 public:
  /// `http` is borrowed; it drops its callbacks when it ends, and it ends after this.
  AuditHttpSink(HttpCaller& http, std::string url) : http_(http), url_(std::move(url)) {}
  void deliver(const std::shared_ptr<const std::string>& line) override;
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  void post();

  HttpCaller& http_;
  std::string url_;
  std::string waiting_;
  std::size_t waiting_lines_ = 0;
  bool under_way_ = false;
  std::uint64_t sent_ = 0;
  std::uint64_t dropped_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // answers that come late find out that this is gone
};

}  // namespace sluice::app
