#pragma once

#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::cli {

/// The words after a command: `--name=value`, `--name value`, switches, and the rest in order.
class CommandFlags {
 public:
  /// `valued` take a value, `switches` none.
  CommandFlags(std::span<const std::string> words, const std::set<std::string_view>& valued,
               const std::set<std::string_view>& switches) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      const std::string& word = words[i];
      if (!word.starts_with("--") || word.size() == 2) {
        rest_.push_back(word);
        continue;
      }
      const std::size_t equals = word.find('=');
      const std::string name = word.substr(2, equals == std::string::npos ? std::string::npos : equals - 2);
      if (switches.contains(name) && equals == std::string::npos) {
        values_[name] = "true";
      } else if (!valued.contains(name)) {
        complain("there is no option '--" + name + "'");
      } else if (equals != std::string::npos) {
        values_[name] = word.substr(equals + 1);
      } else if (i + 1 < words.size()) {
        values_[name] = words[++i];
      } else {
        complain("--" + name + " needs a value");
      }
    }
  }

  [[nodiscard]] bool has(const std::string& name) const { return values_.contains(name); }
  [[nodiscard]] std::string text(const std::string& name, std::string fallback = {}) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::move(fallback) : found->second;
  }
  /// A whole number from `least` to `most`; a complaint otherwise.
  [[nodiscard]] long number(const std::string& name, long fallback, long least, long most) {
    const auto found = values_.find(name);
    if (found == values_.end()) return fallback;
    long value = 0;
    const std::string& digits = found->second;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc() && end == digits.data() + digits.size() && value >= least && value <= most) return value;
    complain("--" + name + " takes a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return fallback;
  }
  [[nodiscard]] const std::vector<std::string>& rest() const noexcept { return rest_; }
  /// The first thing that was wrong; empty: nothing.
  [[nodiscard]] const std::string& complaint() const noexcept { return complaint_; }

 private:
  void complain(std::string what) {
    if (complaint_.empty()) complaint_ = std::move(what);
  }
  std::map<std::string, std::string> values_;
  std::vector<std::string> rest_;
  std::string complaint_;
};

}  // namespace sluice::cli
