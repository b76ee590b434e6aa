#include "control/supervisor/service_store.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <optional>
#include <string_view>
#include <utility>

#include "shm/service/service_notify.hpp"

namespace sluice::supervisor {
namespace {

using namespace std::chrono_literals;

constexpr int first_descriptor = 3;  // SD_LISTEN_FDS_START

/// The value of a variable, which is removed.
std::string taken_variable(const char* name) {
  const char* value = std::getenv(name);
  std::string result = value == nullptr ? "" : value;
  (void)::unsetenv(name);
  return result;
}

std::optional<int> number_in(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::string removal(const std::string& name) {
  return "FDSTOREREMOVE=1\nFDNAME=" + name;
}

}  // namespace

DescriptorSet ServiceStore::take_handed_back() {
  const auto pid = number_in(taken_variable("LISTEN_PID"));
  const auto count = number_in(taken_variable("LISTEN_FDS"));
  const std::string all_names = taken_variable("LISTEN_FDNAMES");
  DescriptorSet result;
  if (!pid || *pid != ::getpid() || !count || static_cast<std::size_t>(*count) > descriptors_max) return result;
  std::string_view names = all_names;
  for (int fd = first_descriptor; fd < first_descriptor + *count; ++fd) {
    const std::size_t colon = names.find(':');
    const std::string name(names.substr(0, colon));
    names.remove_prefix(colon == std::string_view::npos ? names.size() : colon + 1);
    (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
    // One without a name, or with another's, is closed.
    Descriptor descriptor(fd);
    if (!name.empty()) (void)result.add(name, std::move(descriptor));
  }
  return result;
}

void ServiceStore::let_go(const std::vector<std::string>& names) {
  ServiceStore store;
  store.names_ = names;
  store.forget(1s);
  // The manager closes its end of this pipe when it has read everything before it (sd_notify_barrier(3)).
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
  const Descriptor ours(ends[0]);
  Descriptor theirs(ends[1]);
  const Told told = give_service_manager("BARRIER=1", theirs.get());
  theirs.reset();
  pollfd closed{ours.get(), 0, 0};
  if (told == Told::yes) (void)::poll(&closed, 1, 1000);
  // It leaves the closing of what it kept to a thread.
  constexpr timespec moment{0, 100'000'000};
  (void)::nanosleep(&moment, nullptr);
}

void ServiceStore::keep(const std::vector<NamedDescriptor>& descriptors) {
  waiting_.clear();
  names_.clear();
  // It closes what signals an error; ours are no connections, and an ICMP error on a media socket is nobody's end.
  for (auto it = descriptors.rbegin(); it != descriptors.rend(); ++it) {
    names_.push_back(it->name);
    waiting_.push_back({removal(it->name), -1});
  }
  for (const NamedDescriptor& descriptor : descriptors)
    waiting_.push_back({"FDSTORE=1\nFDPOLL=0\nFDNAME=" + descriptor.name, descriptor.fd});
  advance();
}

void ServiceStore::advance() {
  while (!waiting_.empty()) {
    const Told told = give_service_manager(waiting_.front().text, waiting_.front().fd);
    if (told == Told::later) return;
    if (told == Told::nobody) return waiting_.clear();
    waiting_.pop_front();
  }
}

void ServiceStore::forget(Duration limit) {
  waiting_.clear();
  for (const std::string& name : std::exchange(names_, {})) waiting_.push_back({removal(name), -1});
  constexpr Duration pause = 10ms;
  for (Duration waited{}; waited <= limit; waited += pause) {
    advance();
    if (waiting_.empty()) return;
    const timespec time{0, std::chrono::nanoseconds(pause).count()};
    (void)::nanosleep(&time, nullptr);
  }
}

}  // namespace sluice::supervisor
