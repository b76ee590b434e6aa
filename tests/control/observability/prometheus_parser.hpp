#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::test {

/// A strict reader of the Prometheus text format 0.0.4: takes nothing that the format does not say, and holds writers to
/// contract section 26: exactly one HELP and one TYPE line for each family, followed by all its samples, no series twice.
class PrometheusParser {
 public:
  struct Sample {
    std::map<std::string, std::string> labels;
    std::string value;
  };
  struct Family {
    std::string type;
    std::vector<Sample> samples;
  };

  /// Reads a whole text; `error` then says what is wrong, with the line, or is empty.
  explicit PrometheusParser(std::string_view text) {
    if (!text.empty() && !text.ends_with('\n')) error = "the last line is not ended";
    std::size_t number = 0;
    while (!text.empty() && error.empty()) {
      const std::size_t end = text.find('\n');
      ++number;
      if (const char* wrong = line(text.substr(0, end)))
        error = "line " + std::to_string(number) + ": " + wrong + ": " + std::string(text.substr(0, end));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    if (error.empty() && !help_of_.empty()) error = "a HELP line without its TYPE";
  }

  std::string error;
  std::map<std::string, Family> families;

  [[nodiscard]] std::optional<std::string> value(const std::string& family,
                                                 const std::map<std::string, std::string>& labels = {}) const {
    const auto found = families.find(family);
    if (found == families.end()) return std::nullopt;
    for (const Sample& sample : found->second.samples) {
      if (sample.labels == labels) return sample.value;
    }
    return std::nullopt;
  }

 private:
  static bool name_begins(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':'; }
  static std::string take_name(std::string_view& text, bool colons) {
    std::size_t length = 0;
    while (length < text.size() &&
           (name_begins(text[length]) || (length > 0 && text[length] >= '0' && text[length] <= '9')) &&
           (colons || text[length] != ':'))
      ++length;
    std::string name(text.substr(0, length));
    text.remove_prefix(length);
    return name;
  }

  const char* line(std::string_view text) {
    for (const std::string_view keyword : {"# HELP ", "# TYPE "}) {
      if (!text.starts_with(keyword)) continue;
      text.remove_prefix(keyword.size());
      const std::string name = take_name(text, true);
      if (name.empty() || !text.starts_with(' ')) return "no name";
      text.remove_prefix(1);
      return keyword == "# HELP " ? help(name, text) : type(name, text);
    }
    if (text.empty() || text.starts_with('#')) return "neither sample nor HELP nor TYPE";
    return sample(text);
  }
  const char* help(const std::string& name, std::string_view text) {
    if (!help_of_.empty()) return "a HELP line without its TYPE";
    if (families.contains(name)) return "a second HELP line of a family";
    if (text.empty()) return "no help";
    help_of_ = name;
    return nullptr;
  }
  const char* type(const std::string& name, std::string_view text) {
    if (std::exchange(help_of_, {}) != name) return "TYPE does not follow its HELP";
    if (text != "counter" && text != "gauge" && text != "histogram" && text != "summary") return "unknown type";
    families[name].type = text;
    current_ = name;
    return nullptr;
  }
  const char* sample(std::string_view text) {
    if (!help_of_.empty()) return "a sample between HELP and TYPE";
    const std::string name = take_name(text, true);
    if (name != current_) return "a sample outside its family";
    if (families[name].type == "counter" && !name.ends_with("_total")) return "a counter not called _total";
    Sample result;
    if (text.starts_with('{')) {
      text.remove_prefix(1);
      do {
        if (!result.labels.empty()) text.remove_prefix(1);  // the comma
        const std::string label = take_name(text, false);
        if (label.empty() || !text.starts_with("=\"")) return "no label name";
        text.remove_prefix(2);
        std::string value;
        while (!text.empty() && text.front() != '"') {
          char c = text.front();
          if (c == '\\') {
            text.remove_prefix(1);
            if (text.empty() || (text.front() != '\\' && text.front() != '"' && text.front() != 'n'))
              return "unknown escape";
            c = text.front() == 'n' ? '\n' : text.front();
          }
          value += c;
          text.remove_prefix(1);
        }
        if (text.empty()) return "label value not ended";
        text.remove_prefix(1);
        if (!result.labels.emplace(label, value).second) return "a label twice";
      } while (text.starts_with(','));
      if (!text.starts_with('}')) return "labels not ended";
      text.remove_prefix(1);
    }
    if (!text.starts_with(' ')) return "no value";
    text.remove_prefix(1);
    result.value = text;
    std::size_t read = 0;
    try {
      (void)std::stod(result.value, &read);
    } catch (const std::exception&) {
      return "value is no number";
    }
    if (read != result.value.size()) return "something after the value";
    std::vector<Sample>& samples = families[name].samples;
    for (const Sample& other : samples) {
      if (other.labels == result.labels) return "a series twice";
    }
    samples.push_back(std::move(result));
    return nullptr;
  }

  std::string current_;
  std::string help_of_;
};

}  // namespace sluice::test
