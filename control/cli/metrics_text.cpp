#include "control/cli/metrics_text.hpp"

#include <charconv>
#include <utility>

namespace sluice::cli {

std::string MetricsText::Sample::label(std::string_view name) const {
  const auto found = labels.find(name);
  return found == labels.end() ? std::string() : found->second;
}

MetricsText::MetricsText(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (!line.empty() && line.front() != '#') read(line);
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

void MetricsText::read(std::string_view line) {
  const std::size_t name_end = line.find_first_of("{ ");
  if (name_end == std::string_view::npos) return;
  const std::string name(line.substr(0, name_end));
  line.remove_prefix(name_end);
  Sample sample;
  if (line.front() == '{') {
    line.remove_prefix(1);
    while (!line.empty() && line.front() != '}') {
      const std::size_t equals = line.find("=\"");
      if (equals == std::string_view::npos) return;
      const std::string label(line.substr(0, equals));
      line.remove_prefix(equals + 2);
      std::string value;
      while (!line.empty() && line.front() != '"') {
        if (line.front() == '\\' && line.size() > 1) {
          line.remove_prefix(1);
          value += line.front() == 'n' ? '\n' : line.front();
        } else {
          value += line.front();
        }
        line.remove_prefix(1);
      }
      if (line.empty()) return;
      line.remove_prefix(1);
      sample.labels.insert_or_assign(label, std::move(value));
      if (!line.empty() && line.front() == ',') line.remove_prefix(1);
    }
    if (line.empty()) return;
    line.remove_prefix(1);
  }
  if (line.empty() || line.front() != ' ') return;
  line.remove_prefix(1);
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), sample.value);
  if (error != std::errc() || (end != line.data() + line.size() && *end != ' ')) return;
  families_[name].push_back(std::move(sample));
}

const std::vector<MetricsText::Sample>& MetricsText::samples(std::string_view family) const {
  static const std::vector<Sample> none;
  const auto found = families_.find(family);
  return found == families_.end() ? none : found->second;
}

double MetricsText::sum(std::string_view family) const {
  double total = 0;
  for (const Sample& sample : samples(family)) total += sample.value;
  return total;
}

double MetricsText::value(std::string_view family, std::string_view label, std::string_view label_value,
                          double fallback) const {
  for (const Sample& sample : samples(family)) {
    if (label.empty() || sample.label(label) == label_value) return sample.value;
  }
  return fallback;
}

}  // namespace sluice::cli
