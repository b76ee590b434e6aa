#include "control/config/config_errors.hpp"

#include <utility>

namespace sluice::config {

namespace {

std::string joined(const std::vector<std::string>& sentences) {
  if (sentences.size() == 1) return sentences.front();
  std::string text = "The configuration has " + std::to_string(sentences.size()) + " mistakes:";
  for (const std::string& sentence : sentences) text += "\n  - " + sentence;
  return text;
}

}  // namespace

ConfigError::ConfigError(std::vector<std::string> sentences)
    : std::runtime_error(joined(sentences)), sentences_(std::move(sentences)) {}

void ConfigErrors::attempt(const std::function<void()>& part) {
  try {
    part();
  } catch (const ConfigError& error) {
    sentences_.insert(sentences_.end(), error.sentences().begin(), error.sentences().end());
  }
}

void ConfigErrors::throw_if_any() const {
  if (!sentences_.empty()) throw ConfigError(sentences_);
}

}  // namespace sluice::config
