#include "tools/load/event_log.hpp"

#include <stdexcept>

namespace sluice::load {

EventLog::EventLog(const std::string& path) : file_(std::fopen(path.c_str(), "w")) {
  if (file_ == nullptr) throw std::runtime_error("the events file '" + path + "' cannot be written");
}

void EventLog::write(const char* event, std::int64_t wall_ns, nlohmann::ordered_json fields) {
  if (file_ == nullptr) return;
  nlohmann::ordered_json line;
  line["event"] = event;
  line["time_ms"] = static_cast<double>(wall_ns / 1000) / 1000;
  if (!fields.is_null()) line.update(fields);
  const std::string text = line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  const std::lock_guard lock(mutex_);
  std::fwrite(text.data(), 1, text.size(), file_.get());
  std::fflush(file_.get());
}

}  // namespace sluice::load
