#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace sluice {

/// The command line that a supervisor writes for its children: "--name=value" and "--name" only. Not for people.
class Arguments {
 public:
  /// Throws std::invalid_argument for anything else, and for a name twice.
  explicit Arguments(std::span<char* const> words);
  [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
  /// The text after "--name=", or `otherwise`.
  [[nodiscard]] std::string text(std::string_view name, std::string_view otherwise) const;
  /// Throws std::invalid_argument when it is missing or not a decimal number up to `max`.
  [[nodiscard]] std::uint32_t number(std::string_view name, std::uint32_t max) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace sluice
