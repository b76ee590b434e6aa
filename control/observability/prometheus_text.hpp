#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

/// Writes the Prometheus text format 0.0.4: one HELP and one TYPE line for each family, then all its samples. Begin a
/// family, then add its samples before the next one.
class PrometheusText {
 public:
  enum class Type : std::uint8_t { counter, gauge };

  PrometheusText& family(std::string_view name, Type type, std::string_view help);
  /// A sample of the current family. `labels` is finished label text (`a="b",c="d"`), or empty; see label().
  PrometheusText& sample(double value, std::string_view labels = {});
  PrometheusText& sample(std::uint64_t value, std::string_view labels = {});
  /// A family of a single sample.
  PrometheusText& single(std::string_view name, Type type, std::string_view help, double value);

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  static constexpr std::string_view content_type = "text/plain; version=0.0.4";

 private:
  void line(std::string_view labels, const std::string& value);
  std::string text_;
  std::string name_;
};

/// `name="value"` with backslash, quote and newline escaped.
[[nodiscard]] std::string prometheus_label(std::string_view name, std::string_view value);

}  // namespace sluice
