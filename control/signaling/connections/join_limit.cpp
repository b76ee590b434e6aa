#include "control/signaling/connections/join_limit.hpp"

#include <algorithm>
#include <chrono>

namespace sluice {

bool JoinLimit::admit(std::string_view ip, TimePoint now) {
  constexpr Duration window_length = std::chrono::seconds(1);
  if (joins_per_second_max_ == 0 || ip == "::1" || ip.starts_with("127.")) return true;
  if (std::find(exempt_.begin(), exempt_.end(), ip) != exempt_.end()) return true;
  if (now - swept_ >= window_length) {
    std::erase_if(windows_, [&](const auto& entry) { return now - entry.second.begin >= window_length; });
    swept_ = now;
  }
  Window& window = windows_[std::string(ip)];
  if (window.count == 0 || now - window.begin >= window_length) window = {now, 0};
  if (window.count >= joins_per_second_max_) return false;
  ++window.count;
  return true;
}

}  // namespace sluice
