#pragma once

#include <functional>
#include <string>
#include <vector>

#include "control/config/sources.hpp"

namespace sluice::config {

/// Collects mistakes, so that a person hears of all of them at once (contract section 38). Each names its path.
class ConfigErrors {
 public:
  void add(std::string sentence) { sentences_.push_back(std::move(sentence)); }
  /// Runs a part that may throw ConfigError; its sentences are added.
  void attempt(const std::function<void()>& part);
  [[nodiscard]] const std::vector<std::string>& sentences() const noexcept { return sentences_; }
  /// ConfigError with all sentences, if there are any.
  void throw_if_any() const;

 private:
  std::vector<std::string> sentences_;
};

}  // namespace sluice::config
