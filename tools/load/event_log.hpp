#pragma once

#include <cstdio>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

namespace sluice::load {

/// What happens in a run, as lines of JSON in a file, for programs that watch it (fault tests). Each line has `event` and
/// `time_ms` (wall clock, milliseconds since 1970, with fraction). Thread-safe; without a file it does nothing.
class EventLog {
 public:
  EventLog() = default;
  /// Throws std::runtime_error with one sentence when the file cannot be written.
  explicit EventLog(const std::string& path);
  [[nodiscard]] bool active() const noexcept { return file_ != nullptr; }
  /// Adds `event` at `wall_ns` (nanoseconds since 1970) with the fields of `fields`, and hands the line to the kernel.
  void write(const char* event, std::int64_t wall_ns, nlohmann::ordered_json fields);

 private:
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
  std::mutex mutex_;
};

}  // namespace sluice::load
