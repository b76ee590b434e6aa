#include "shm/log/process_log.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace sluice {
namespace {

/// JSON string rules, which serve both formats: nothing that comes out can end the line or the quotes.
std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (code < 0x20 || code == 0x7f) {
      std::array<char, 8> escaped{};
      (void)std::snprintf(escaped.data(), escaped.size(), "\\u%04x", code);
      result += escaped.data();
    } else {
      result += c;
    }
  }
  return result + '"';
}

/// Of syslog(3).
std::string_view priority_of(std::string_view level) {
  if (level == "error") return "<3>";
  if (level == "warn") return "<4>";
  return level == "debug" ? "<7>" : "<6>";
}

bool is_plain(std::string_view text) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:[]+,";
  return !text.empty() && text.find_first_not_of(plain) == std::string_view::npos;
}

std::string time_text() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto part = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm parts{};
  (void)::gmtime_r(&seconds, &parts);
  std::array<char, 64> date{};
  std::array<char, 80> text{};
  (void)std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  (void)std::snprintf(text.data(), text.size(), "%s.%03dZ", date.data(), static_cast<int>(part));
  return text.data();
}

}  // namespace

bool standard_error_is_the_journal() noexcept {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  unsigned long long device = 0;
  unsigned long long inode = 0;
  return stream != nullptr && std::sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
         ::fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

LogFormat log_format_from(std::string_view text) noexcept {
  return text == "json" ? LogFormat::json : LogFormat::line;
}

std::string_view to_string(LogFormat format) noexcept {
  return format == LogFormat::json ? "json" : "line";
}

std::string ProcessLog::format(std::string_view time, std::string_view level, std::string_view message,
                               LogFields fields) const {
  std::string line;
  if (format_ == LogFormat::json) {
    line = "{\"time\":" + quoted(time) + ",\"level\":" + quoted(level) + ",\"process\":" + quoted(process_) +
           ",\"message\":" + quoted(message);
    for (const LogField& field : fields)
      line += "," + quoted(field.name) + ":" + (field.is_number ? field.value : quoted(field.value));
    return line + "}";
  }
  line =
      "time=" + std::string(time) + " level=" + std::string(level) + " process=" + process_ + " message=" + quoted(message);
  for (const LogField& field : fields) {
    line += " " + std::string(field.name) + "=" + (is_plain(field.value) ? field.value : quoted(field.value));
  }
  return line;
}

void ProcessLog::write(std::string_view level, std::string_view message, LogFields fields) const {
  std::string line = format(time_text(), level, message, fields) + "\n";
  if (to_journal_) line.insert(0, priority_of(level));
  // One write, so that lines of several processes on one descriptor do not mix. A reader that went away stops nothing.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace sluice
