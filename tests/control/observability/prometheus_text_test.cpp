#include "control/observability/prometheus_text.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(PrometheusText, WritesHelpAndTypeOnceBeforeAllSamples) {
  PrometheusText text;
  text.family("a_total", PrometheusText::Type::counter, "What a is.")
      .sample(std::uint64_t{3}, prometheus_label("room", "x"))
      .sample(4.5);
  text.single("b", PrometheusText::Type::gauge, "What b is.", 1);
  EXPECT_EQ(text.text(),
            "# HELP a_total What a is.\n# TYPE a_total counter\na_total{room=\"x\"} 3\na_total 4.5\n"
            "# HELP b What b is.\n# TYPE b gauge\nb 1\n");
}

TEST(PrometheusText, EscapesLabelValuesSoThatNoLineCanBeForged) {
  EXPECT_EQ(prometheus_label("room", "a\"} 1\nb{x=\"\\"), "room=\"a\\\"} 1\\nb{x=\\\"\\\\\"");
}

}  // namespace
}  // namespace sluice
