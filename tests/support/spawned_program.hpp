#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

#include "shm/descriptors/descriptor.hpp"

namespace sluice::test {

/// A program that was started; whoever started it waits for its end.
struct SpawnedProgram {
  pid_t pid = -1;
  Descriptor output;  // all that it and its children write to standard output and standard error
};

/// `words`: program and arguments; `environment`: NAME=value, before ours.
inline SpawnedProgram spawn_program(std::vector<std::string> words, std::vector<std::string> environment = {}) {
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (std::string& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
  };
  for (char** variable = environ; *variable != nullptr; ++variable) environment.emplace_back(*variable);
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  SpawnedProgram program{-1, Descriptor(pipe[0])};
  const Descriptor input(pipe[1]);
  posix_spawn_file_actions_t actions;
  (void)posix_spawn_file_actions_init(&actions);
  (void)posix_spawn_file_actions_adddup2(&actions, input.get(), STDOUT_FILENO);
  (void)posix_spawn_file_actions_adddup2(&actions, input.get(), STDERR_FILENO);
  const std::vector<char*> arguments = pointers(words);
  const std::vector<char*> variables = pointers(environment);
  const int error = ::posix_spawn(&program.pid, arguments[0], &actions, nullptr, arguments.data(), variables.data());
  (void)posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("cannot start " + words[0]);
  return program;
}

}  // namespace sluice::test
