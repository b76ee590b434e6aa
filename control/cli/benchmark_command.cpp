#include "control/cli/benchmark_command.hpp"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <vector>

namespace sluice::cli {

int benchmark(std::span<const std::string> arguments) {
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
