#include "control/observability/prometheus_text.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace sluice {

PrometheusText& PrometheusText::family(std::string_view name, Type type, std::string_view help) {
  name_ = name;
  text_ += "# HELP " + name_ + " " + std::string(help) + "\n# TYPE " + name_ +
           (type == Type::counter ? " counter\n" : " gauge\n");
  return *this;
}

void PrometheusText::line(std::string_view labels, const std::string& value) {
  text_ += name_;
  if (!labels.empty()) text_ += "{" + std::string(labels) + "}";
  text_ += " " + value + "\n";
}

PrometheusText& PrometheusText::sample(double value, std::string_view labels) {
  std::array<char, 40> number{};
  std::snprintf(number.data(), number.size(), value == std::floor(value) && std::fabs(value) < 1e15 ? "%.0f" : "%.9g",
                value);
  line(labels, number.data());
  return *this;
}

PrometheusText& PrometheusText::sample(std::uint64_t value, std::string_view labels) {
  line(labels, std::to_string(value));
  return *this;
}

PrometheusText& PrometheusText::single(std::string_view name, Type type, std::string_view help, double value) {
  return family(name, type, help).sample(value);
}

std::string prometheus_label(std::string_view name, std::string_view value) {
  std::string out = std::string(name) + "=\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace sluice
