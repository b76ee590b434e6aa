// sluice-keeper: holds the descriptors of a server while it has no supervisor. Started by the supervisor only.
#include <sys/signalfd.h>

#include <charconv>
#include <csignal>
#include <exception>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "control/supervisor/keeper.hpp"
#include "shm/confinement/rights.hpp"
#include "shm/confinement/system_call_filter.hpp"

namespace {

using namespace sluice;

std::string_view value_of(std::span<char* const> words, std::string_view name) {
  for (const std::string_view word : words) {
    if (word.starts_with(name) && word.substr(name.size()).starts_with('=')) return word.substr(name.size() + 1);
  }
  return {};
}

int number_of(std::span<char* const> words, std::string_view name) {
  const std::string_view text = value_of(words, name);
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    throw std::invalid_argument(std::string(name) + " wants a number");
  }
  return value;
}

/// SIGTERM as something to wait for. SIGINT goes to the supervisor, which ends us in order.
Descriptor stop_signal() {
  sigset_t stop;
  (void)sigemptyset(&stop);
  (void)sigaddset(&stop, SIGTERM);
  (void)::sigprocmask(SIG_BLOCK, &stop, nullptr);
  Descriptor signals(::signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.valid()) throw std::runtime_error("no signalfd");
  return signals;
}

void run(std::span<char* const> words) {
  const Descriptor stop = stop_signal();
  const ConfinementOrder order = ConfinementOrder::from(words);
  give_up_rights(ProcessRole::keeper, order);
  const Descriptor socket(number_of(words, "--descriptors"));
  auto descriptors = receive_descriptors(socket.get());
  if (!descriptors)
    throw std::runtime_error("no descriptors from the supervisor: " + std::string(to_string(descriptors.error())));
  supervisor::Keeper keeper(std::move(*descriptors), number_of(words, "--supervisor"),
                            static_cast<uid_t>(number_of(words, "--owner")));
  (void)forbid_system_calls(ProcessRole::keeper, order.filter);
  keeper.run(stop.get());
}

}  // namespace

int main(int count, char** words) {
  const std::span<char* const> arguments(words, static_cast<std::size_t>(count));
  const ProcessLog log("keeper", log_format_from(value_of(arguments, "--log")));
  try {
    run(arguments);
    return 0;
  } catch (const std::exception& error) {
    log.error("cannot work", {{"reason", error.what()}});
    return 1;
  }
}
