#include "shm/log/process_log.hpp"

#include <gtest/gtest.h>

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

TEST(LogFormat, HasATextForm) {
  for (const LogFormat format : {LogFormat::line, LogFormat::json}) EXPECT_EQ(log_format_from(to_string(format)), format);
  EXPECT_EQ(log_format_from("other"), LogFormat::line);
}

}  // namespace
}  // namespace sluice
