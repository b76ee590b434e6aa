#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {

enum class LogFormat : std::uint8_t { line, json };
/// "line" or "json"; nothing else is json.
[[nodiscard]] LogFormat log_format_from(std::string_view text) noexcept;
[[nodiscard]] std::string_view to_string(LogFormat format) noexcept;

/// Whether JOURNAL_STREAM (systemd.exec(5)) names what standard error is. It is inherited, so it may name another file.
[[nodiscard]] bool standard_error_is_the_journal() noexcept;

/// A named value of a log line.
struct LogField {
  std::string_view name;
  std::string value;
  bool is_number = false;  // written bare in JSON
};
using LogFields = std::span<const LogField>;

/// Structured lines on standard error, for the few things that happen to a process as a whole: how it started, what died,
/// why it stopped. Never per packet or per message. Names and messages are constants of ours, values are escaped.
class ProcessLog {
 public:
  /// `process` stands in each line: "supervisor", "worker-0".
  /// Where standard error is the journal (JOURNAL_STREAM), each line begins with its priority as sd-daemon(3) says ("<4>"),
  /// which the journal takes away.
  ProcessLog(std::string process, LogFormat format)
      : process_(std::move(process)), format_(format), to_journal_(standard_error_is_the_journal()) {}
  void info(std::string_view message, std::initializer_list<LogField> fields = {}) const { write("info", message, fields); }
  void warn(std::string_view message, std::initializer_list<LogField> fields = {}) const { write("warn", message, fields); }
  void error(std::string_view message, std::initializer_list<LogField> fields = {}) const {
    write("error", message, fields);
  }
  /// For a log that adds to this one, such as control's levels. `level` is a constant word.
  void write(std::string_view level, std::string_view message, LogFields fields) const;
  /// The text of one line, without its end.
  [[nodiscard]] std::string format(std::string_view time, std::string_view level, std::string_view message,
                                   LogFields fields) const;
  [[nodiscard]] std::string format(std::string_view time, std::string_view level, std::string_view message,
                                   std::initializer_list<LogField> fields) const {
    return format(time, level, message, LogFields(fields.begin(), fields.size()));
  }

 private:
  std::string process_;
  LogFormat format_;
  bool to_journal_;
};

}  // namespace sluice
