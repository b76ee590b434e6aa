#include "control/cli/benchmark_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <vector>

#include "control/cli/signaling_benchmark.hpp"

namespace sluice::cli {

namespace {

/// Streams are asked for by --media, or by an option that only the load generator has, as before there was another kind.
bool is_about_media(std::span<const std::string> arguments) {
  constexpr std::array signaling{"--peers", "--rooms", "--duration", "--url", "--report", "--help"};
  return std::any_of(arguments.begin(), arguments.end(), [&](const std::string& word) {
    const std::string name = word.substr(0, word.find('='));
    return name.starts_with("--") && std::find(signaling.begin(), signaling.end(), name) == signaling.end();
  });
}

}  // namespace

int benchmark(std::span<const std::string> all) {
  if (!is_about_media(all)) return signaling_benchmark(all);
  std::vector<std::string> arguments(all.begin(), all.end());
  std::erase(arguments, "--media");
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string program = (self.parent_path() / "sluice-load").string();
  std::vector<std::string> words{program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  execv(program.c_str(), pointers.data());
  std::fprintf(stderr, "sluice: the load generator %s is not there or cannot be run; build the target 'sluice-load'.\n",
               program.c_str());
  return 1;
}

}  // namespace sluice::cli
