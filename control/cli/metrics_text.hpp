#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::cli {

/// What /metrics said at one moment. Lenient: lines that are no samples are skipped.
class MetricsText {
 public:
  struct Sample {
    std::map<std::string, std::string, std::less<>> labels;
    double value = 0;
    [[nodiscard]] std::string label(std::string_view name) const;
  };

  MetricsText() = default;
  explicit MetricsText(std::string_view text);

  [[nodiscard]] const std::vector<Sample>& samples(std::string_view family) const;
  /// Sum over all samples of a family; 0 without any.
  [[nodiscard]] double sum(std::string_view family) const;
  /// The first sample of a family with this label; `fallback` without one.
  [[nodiscard]] double value(std::string_view family, std::string_view label = {}, std::string_view label_value = {},
                             double fallback = 0) const;
  [[nodiscard]] bool empty() const noexcept { return families_.empty(); }

 private:
  void read(std::string_view line);
  std::map<std::string, std::vector<Sample>, std::less<>> families_;
};

}  // namespace sluice::cli
