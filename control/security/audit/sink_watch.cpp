#include "control/security/audit/sink_watch.hpp"

#include <chrono>

namespace sluice {
namespace {

constexpr Duration calm = std::chrono::seconds(30);

}  // namespace

bool SinkWatch::look(std::uint64_t taken, std::uint64_t dropped, TimePoint now) {
  if (dropped > dropped_) {
    dropped_ = dropped;
    taken_at_drop_ = taken;
    last_drop_ = now;
    if (!problem_.empty()) return false;
    problem_ =
        name_ + " does not take all entries of the audit log; what it does not take is dropped there, the file has it";
    return true;
  }
  if (problem_.empty() || taken == taken_at_drop_ || now - last_drop_ < calm) return false;
  problem_.clear();
  return true;
}

}  // namespace sluice
