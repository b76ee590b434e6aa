// sluice: the one command.
#include <array>
#include <csignal>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/cli/audit_command.hpp"
#include "control/cli/benchmark_command.hpp"
#include "control/cli/check_config_command.hpp"
#include "control/cli/ctl_command.hpp"
#include "control/cli/doctor_command.hpp"
#include "control/cli/drain_command.hpp"
#include "control/cli/health_command.hpp"
#include "control/cli/init_command.hpp"
#include "control/cli/serve_command.hpp"
#include "control/cli/simulate_command.hpp"
#include "control/cli/token_command.hpp"
#include "control/cli/top_command.hpp"
#include "control/cli/upgrade_command.hpp"

namespace {

/// One thing that `sluice NAME` does. To add one, write its function and name it here.
struct Command {
  std::string_view name;
  std::string_view text;
  int (*run)(std::span<const std::string> arguments);
};

constexpr std::array commands{
    Command{"serve", "run the server ('sluice serve --help' lists its options)", &sluice::cli::serve},
    Command{"init", "write a configuration to start from ('sluice init --help')", &sluice::cli::init},
    Command{"upgrade", "move the running server to the build in a folder: sluice upgrade PATH", &sluice::cli::upgrade},
    Command{"check-takeover", "asked by a supervisor before it becomes this build", &sluice::cli::check_takeover},
    Command{"drain", "empty a worker, or the server before its end ('sluice drain --help')", &sluice::cli::drain},
    Command{"audit", "prove that an audit log is what was written: sluice audit verify FILE... --key-file K",
            &sluice::cli::audit},
    Command{"top", "rooms, streams, workers and latency of a running server, live ('sluice top --help')", &sluice::cli::top},
    Command{"benchmark", "load a running server and measure ('sluice benchmark --help')", &sluice::cli::benchmark},
    Command{"simulate", "several servers on consecutive ports, for trying things out", &sluice::cli::simulate},
    Command{"ctl", "ask a running server over its control socket ('sluice ctl' lists what)", &sluice::cli::ctl},
    Command{"health", "whether a server answers that it is well", &sluice::cli::health},
    Command{"token", "make a policy token, a room token or TURN credentials ('sluice token --help')", &sluice::cli::token},
    Command{"check-config", "whether a configuration could be started", &sluice::cli::check_config},
    Command{"doctor", "what this machine lacks, and what to do", &sluice::cli::doctor},
};

void print_usage(std::FILE* to) {
  std::fputs("usage: sluice COMMAND [OPTIONS]\n\n", to);
  for (const Command& command : commands)
    std::fprintf(to, "  %-13s %s\n", std::string(command.name).c_str(), std::string(command.text).c_str());
  std::fputs("  --version  print the version\n  --help     print this\n", to);
}

}  // namespace

int main(int argc, char** argv) {
  // A limit on the size of files (ulimit -f) is an error of the write that hits it, which has a sentence to say; the signal
  // would end us without one.
  (void)std::signal(SIGXFSZ, SIG_IGN);
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty()) {
    print_usage(stderr);
    return 2;
  }
  const std::string& name = arguments.front();
  for (const Command& command : commands) {
    if (command.name == name) return command.run(std::span(arguments).subspan(1));
  }
  if (name == "--version" || name == "version") {
    std::puts("sluice " SLUICE_VERSION);
    return 0;
  }
  if (name == "--help" || name == "help") {
    print_usage(stdout);
    return 0;
  }
  std::fprintf(stderr, "sluice: there is no command '%s'; 'sluice --help' lists them.\n", name.c_str());
  return 2;
}
