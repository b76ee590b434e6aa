#include "control/cli/check_config_command.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "control/cli/serve_arguments.hpp"

namespace sluice::cli {
namespace {

constexpr const char* usage =
    "usage: sluice check-config [FILE] [--print] [options of 'sluice serve']\n\n"
    "Says whether 'sluice serve --config FILE' with the same options and environment could start, and what it would warn\n"
    "of. --print also shows what is set, as JSON, without secrets.\n";

/// Values that nobody should see on a screen.
void hide_secrets(nlohmann::json& tree) {
  for (auto& [name, value] : tree.items()) {
    if (value.is_object()) {
      hide_secrets(value);
      continue;
    }
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (value.is_string() && (lower.find("secret") != std::string::npos || lower.find("pass") != std::string::npos))
      value = "(hidden)";
  }
}

}  // namespace

int check_config(std::span<const std::string> arguments) {
  const config::Environment environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  std::vector<std::string> words;
  bool print = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--help") {
      std::fputs(usage, stdout);
      return 0;
    }
    if (word == "--print") {
      print = true;
    } else if (i == 0 && !word.starts_with("--")) {
      words.push_back("--config=" + word);
    } else {
      words.push_back(word);
    }
  }
  try {
    const ServeArguments serve = read_serve_arguments(words, environment, std::max(1U, std::thread::hardware_concurrency()));
    for (const std::string& warning : serve.warnings) std::printf("note: %s\n", warning.c_str());
    if (print) {
      nlohmann::json shown = serve.explicit_tree;
      hide_secrets(shown);
      std::printf("%s\n", shown.dump(2).c_str());
    }
    std::puts("The configuration can be used.");
    return 0;
  } catch (const config::ConfigError& error) {
    std::fprintf(stderr, "sluice: %s\n", error.what());
    return 2;
  }
}

}  // namespace sluice::cli
