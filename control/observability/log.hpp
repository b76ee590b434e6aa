#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "shm/log/process_log.hpp"

namespace sluice::log {

enum class Level : std::uint8_t { debug, info, warn, error };

/// A named value of a log line. Numbers are written bare, texts escaped; line breaks and control characters never reach the
/// output as such. Secrets, SDP and client addresses are never passed here.
class Field {
 public:
  Field(std::string_view name, std::string_view text) : name_(name), value_(text), is_number_(false) {}
  Field(std::string_view name, const char* text) : Field(name, std::string_view(text)) {}
  Field(std::string_view name, const std::string& text) : Field(name, std::string_view(text)) {}
  template <typename T>
    requires std::is_arithmetic_v<T>
  Field(std::string_view name, T number) : name_(name), value_(std::to_string(number)), is_number_(true) {}

  [[nodiscard]] LogField as_log_field() const { return {name_, value_, is_number_}; }

 private:
  std::string_view name_;
  std::string value_;
  bool is_number_;
};

using Fields = std::initializer_list<Field>;

/// Sets up the process's log on standard error. `process` stands in every line. Call once, before anything is logged.
void open(std::string_view process, LogFormat format, Level level);

/// Another lowest level, from now on.
void set_level(Level level);

/// Writes one line. What happened is a short constant text; all that varies is a field.
void write(Level level, std::string_view what, Fields fields = {});

inline void debug(std::string_view what, Fields fields = {}) {
  write(Level::debug, what, fields);
}
inline void info(std::string_view what, Fields fields = {}) {
  write(Level::info, what, fields);
}
inline void warn(std::string_view what, Fields fields = {}) {
  write(Level::warn, what, fields);
}
inline void error(std::string_view what, Fields fields = {}) {
  write(Level::error, what, fields);
}

}  // namespace sluice::log
