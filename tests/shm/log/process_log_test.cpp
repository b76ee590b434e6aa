#include "shm/log/process_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

namespace sluice {
namespace {

TEST(ProcessLog, WritesNamesAndValuesOnOneLine) {
  const ProcessLog log("supervisor", LogFormat::line);
  EXPECT_EQ(log.format("T", "info", "started", {{"child", "worker-0"}, {"pid", "12"}}),
            "time=T level=info process=supervisor message=\"started\" child=worker-0 pid=12");
}

TEST(ProcessLog, WritesJson) {
  const ProcessLog log("worker-1", LogFormat::json);
  EXPECT_EQ(log.format("T", "warn", "died", {{"ending", "signal 9 (Killed)"}}),
            "{\"time\":\"T\",\"level\":\"warn\",\"process\":\"worker-1\",\"message\":\"died\","
            "\"ending\":\"signal 9 (Killed)\"}");
}

TEST(ProcessLog, LetsNoValueEndTheLineOrTheQuotes) {
  const ProcessLog line("p", LogFormat::line);
  EXPECT_EQ(line.format("T", "info", "m", {{"a", "x\ny"}, {"b", "say \"hi\\\""}, {"c", ""}, {"d", "two words"}}),
            "time=T level=info process=p message=\"m\" a=\"x\\u000ay\" b=\"say \\\"hi\\\\\\\"\" c=\"\" d=\"two words\"");
  const ProcessLog json("p", LogFormat::json);
  EXPECT_EQ(json.format("T", "info", "m", {{"a", "x\x1b\n"}}),
            "{\"time\":\"T\",\"level\":\"info\",\"process\":\"p\",\"message\":\"m\",\"a\":\"x\\u001b\\u000a\"}");
}

/// Standard error goes into a pipe for as long as this lives.
class CapturedErrors {
 public:
  CapturedErrors() : before_(::dup(STDERR_FILENO)) {
    EXPECT_EQ(::pipe(pipe_.data()), 0);
    (void)::dup2(pipe_[1], STDERR_FILENO);
  }
  ~CapturedErrors() {
    (void)::dup2(before_, STDERR_FILENO);
    for (const int fd : {before_, pipe_[0], pipe_[1]}) (void)::close(fd);
    ::unsetenv("JOURNAL_STREAM");
  }
  CapturedErrors(const CapturedErrors&) = delete;
  CapturedErrors& operator=(const CapturedErrors&) = delete;
  /// As the journal names the stream that it gave us.
  void name_it(unsigned long long more = 0) const {
    struct stat status {};
    (void)::fstat(STDERR_FILENO, &status);
    ::setenv("JOURNAL_STREAM", (std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino + more)).c_str(), 1);
  }
  [[nodiscard]] std::string written() const {
    std::array<char, 1000> text{};
    const ssize_t size = ::read(pipe_[0], text.data(), text.size());
    return size < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(size));
  }

 private:
  int before_;
  std::array<int, 2> pipe_{};
};

TEST(ProcessLog, TellsTheJournalThePriority) {
  const CapturedErrors errors;
  errors.name_it();
  const ProcessLog log("p", LogFormat::line);
  log.error("a");
  EXPECT_THAT(errors.written(), ::testing::StartsWith("<3>time="));
  log.warn("b");
  EXPECT_THAT(errors.written(), ::testing::StartsWith("<4>time="));
  log.info("c");
  EXPECT_THAT(errors.written(), ::testing::StartsWith("<6>time="));
  log.write("debug", "d", {});
  EXPECT_THAT(errors.written(), ::testing::StartsWith("<7>time="));
}

TEST(ProcessLog, WritesNoPriorityElsewhere) {
  const CapturedErrors errors;
  errors.name_it(1);  // inherited from who does write to the journal
  ProcessLog("p", LogFormat::line).error("a");
  EXPECT_THAT(errors.written(), ::testing::StartsWith("time="));
  for (const char* wrong : {"", "x", "12", "::"}) {
    ::setenv("JOURNAL_STREAM", wrong, 1);
    EXPECT_FALSE(standard_error_is_the_journal()) << wrong;
  }
}

TEST(LogFormat, HasATextForm) {
  for (const LogFormat format : {LogFormat::line, LogFormat::json}) EXPECT_EQ(log_format_from(to_string(format)), format);
  EXPECT_EQ(log_format_from("other"), LogFormat::line);
}

}  // namespace
}  // namespace sluice
