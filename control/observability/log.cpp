#include "control/observability/log.hpp"

#include <optional>
#include <vector>

namespace sluice::log {

namespace {

struct State {
  std::optional<ProcessLog> log;
  Level level = Level::info;
};

/// The process's one log: nothing is written before open().
State& state() {
  static State instance;
  return instance;
}

std::string_view word_of(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
  }
  return "info";
}

}  // namespace

void open(std::string_view process, LogFormat format, Level level) {
  state().log.emplace(std::string(process), format);
  state().level = level;
}

void set_level(Level level) {
  state().level = level;
}

void write(Level level, std::string_view what, Fields fields) {
  const State& current = state();
  if (!current.log || level < current.level) return;
  std::vector<LogField> values;
  values.reserve(fields.size());
  for (const Field& field : fields) values.push_back(field.as_log_field());
  current.log->write(word_of(level), what, values);
}

}  // namespace sluice::log
