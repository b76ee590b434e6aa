#include "control/observability/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstdio>
#include <memory>

namespace sluice::log {

namespace {

struct State {
  std::shared_ptr<spdlog::logger> logger;
  Format format = Format::line;
};

State& state() {
  static State instance{spdlog::stderr_logger_st("sluice"), Format::line};
  return instance;
}

spdlog::level::level_enum level_of(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

/// With quotes, escaped as JSON does, so that nothing in a value can begin a line or a field.
void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", byte);
      out += escape.data();
    } else {
      out += c;
    }
  }
  out += '"';
}

bool is_plain(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       std::string_view("-_.:/[]").find(c) != std::string_view::npos;
    if (!plain) return false;
  }
  return true;
}

}  // namespace

void open(std::string_view process, Format format, Level level) {
  State& log = state();
  log.format = format;
  log.logger->set_level(level_of(level));
  log.logger->flush_on(spdlog::level::info);
  const std::string name(process);
  log.logger->set_pattern(format == Format::json
                              ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","process":")" + name + R"(","pid":%P,%v})"
                              : "%Y-%m-%dT%H:%M:%S.%e%z %l " + name + "[%P] %v");
}

std::string compose(Format format, std::string_view what, Fields fields) {
  std::string out;
  if (format == Format::json) {
    out = "\"message\":";
    append_quoted(out, what);
    for (const Field& field : fields) {
      out += ',';
      append_quoted(out, field.name());
      out += ':';
      if (field.is_number()) {
        out += field.value();
      } else {
        append_quoted(out, field.value());
      }
    }
    return out;
  }
  out = what;
  for (const Field& field : fields) {
    out += ' ';
    out += field.name();
    out += '=';
    if (field.is_number() || is_plain(field.value())) {
      out += field.value();
    } else {
      append_quoted(out, field.value());
    }
  }
  return out;
}

void write(Level level, std::string_view what, Fields fields) {
  State& log = state();
  if (!log.logger->should_log(level_of(level))) return;
  log.logger->log(level_of(level), "{}", compose(log.format, what, fields));
}

}  // namespace sluice::log
