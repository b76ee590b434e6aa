#include "control/app/audit_http_sink.hpp"

#include <memory>
#include <utility>

namespace sluice::app {
namespace {

constexpr std::size_t waiting_bytes_max = std::size_t{4} << 20U;

}  // namespace

void AuditHttpSink::deliver(const std::shared_ptr<const std::string>& line) {
  if (waiting_.size() + line->size() > waiting_bytes_max) {
    ++dropped_;
    return;
  }
  waiting_.append(*line).push_back('\n');
  ++waiting_lines_;
  if (!under_way_) post();
}

void AuditHttpSink::post() {
  HttpCall call;
  call.url = url_;
  call.headers = {{"Content-Type", "application/x-ndjson"}};
  call.body = std::exchange(waiting_, {});
  const std::size_t lines = std::exchange(waiting_lines_, 0);
  under_way_ = true;
  http_.call(std::move(call), [this, alive = std::weak_ptr<bool>(alive_), lines](const HttpOutcome& outcome) {
    if (alive.expired()) return;
    under_way_ = false;
    (outcome && outcome->success() ? sent_ : dropped_) += lines;
    if (waiting_lines_ > 0) post();
  });
}

}  // namespace sluice::app
