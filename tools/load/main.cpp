// sluice-load: synthetic publishers and subscribers against a running server. 'sluice benchmark' runs it.
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "tools/load/load_run.hpp"
#include "tools/load/options.hpp"

namespace {

volatile std::sig_atomic_t stop_requested = 0;

void request_stop(int) {
  stop_requested = 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    const sluice::load::LoadOptions options = sluice::load::read_options(arguments);
    if (options.help) {
      std::fputs(sluice::load::help_text().c_str(), stdout);
      return 0;
    }
    struct sigaction action{};
    action.sa_handler = request_stop;
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    return sluice::load::LoadRun(options, stop_requested).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sluice-load: %s\n", error.what());
    return 1;
  }
}
