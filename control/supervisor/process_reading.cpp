#include "control/supervisor/process_reading.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string>

#include "shm/descriptors/descriptor.hpp"

namespace sluice::supervisor {
namespace {

/// More than these files hold: stat has some 50 numbers.
using Text = std::array<char, 1536>;

std::string_view read_file_of(pid_t pid, const char* name, Text& text) {
  const std::string path = "/proc/" + std::to_string(pid) + "/" + name;
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const ssize_t size = file.valid() ? ::read(file.get(), text.data(), text.size()) : -1;
  return {text.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

std::optional<std::uint64_t> leading_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<ProcessReading> parse_process_stat(std::string_view stat) {
  // "PID (NAME) STATE PPID ...": the name ends at the last parenthesis. State is field 3, the start time field 22.
  const std::size_t name_end = stat.rfind(") ");
  if (name_end == std::string_view::npos || name_end + 2 >= stat.size()) return std::nullopt;
  std::string_view rest = stat.substr(name_end + 2);
  ProcessReading reading;
  reading.state = rest.front();
  for (int field = 3; field < 22; ++field) {
    const std::size_t space = rest.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(space + 1);
  }
  const auto start = leading_number(rest);
  if (!start) return std::nullopt;
  reading.start_time = *start;
  return reading;
}

std::optional<ProcessReading> read_process(pid_t pid) {
  Text text;
  return parse_process_stat(read_file_of(pid, "stat", text));
}

std::optional<std::uint32_t> parse_user(std::string_view status) {
  // "Uid:", then the real, effective, saved and file system user, each behind a tab. The name, which comes before, has no
  // line ends of its own (proc(5)).
  constexpr std::string_view key = "\nUid:\t";
  const std::size_t line = status.find(key);
  if (line == std::string_view::npos) return std::nullopt;
  const std::size_t effective = status.find('\t', line + key.size());
  if (effective == std::string_view::npos) return std::nullopt;
  const auto user = leading_number(status.substr(effective + 1));
  if (!user) return std::nullopt;
  return static_cast<std::uint32_t>(*user);
}

std::optional<std::uint32_t> read_user(pid_t pid) {
  Text text;
  return parse_user(read_file_of(pid, "status", text));
}

std::optional<Duration> read_cpu_time(pid_t pid) {
  Text text;
  const auto nanoseconds = leading_number(read_file_of(pid, "schedstat", text));
  if (!nanoseconds) return std::nullopt;
  return Duration(static_cast<std::int64_t>(*nanoseconds));
}

}  // namespace sluice::supervisor
