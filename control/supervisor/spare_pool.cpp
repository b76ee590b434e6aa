#include "control/supervisor/spare_pool.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>
#include <utility>

#include "control/supervisor/start_error.hpp"

namespace sluice::supervisor {
namespace {

using namespace std::chrono_literals;

// Whoever has just taken a place needs the CPU more than the next spare.
constexpr Duration refill_after = 250ms;
constexpr Duration try_again = 5s;

bool is_readable(int fd) {
  pollfd ready{fd, POLLIN, 0};
  return ::poll(&ready, 1, 0) > 0;
}

}  // namespace

unsigned SparePool::missing() const noexcept {
  const unsigned wanted = one_at_least_ ? std::max(wanted_, 1U) : wanted_;
  return stopping_ || spares_.size() >= wanted ? 0 : wanted - static_cast<unsigned>(spares_.size());
}

bool SparePool::warm() const noexcept {
  return missing() == 0 && !spares_.empty() &&
         std::all_of(spares_.begin(), spares_.end(), [](const Spare& s) { return s.warm; });
}

TimePoint SparePool::next_start() const noexcept {
  return missing() > 0 ? start_at_ : never;
}

ChildProcess SparePool::take(TimePoint now) {
  // Starting others can wait.
  notice(now);
  one_at_least_ = false;
  start_at_ = std::max(start_at_, now + refill_after);
  auto chosen = std::find_if(spares_.begin(), spares_.end(), [](const Spare& spare) { return spare.warm; });
  if (chosen == spares_.end()) chosen = spares_.begin();
  if (chosen == spares_.end()) return start_();
  ChildProcess process = std::move(chosen->process);
  spares_.erase(chosen);
  return process;
}

void SparePool::tend(TimePoint now) {
  notice(now);
  try {
    while (missing() > 0 && now >= start_at_) {
      spares_.push_back({start_()});
      restarts_.started(now);
      log_.info("started", {{"child", "spare"}, {"pid", std::to_string(spares_.back().process.pid())}});
    }
  } catch (const StartError& error) {
    log_.error("cannot be started, trying again", {{"child", "spare"}, {"reason", error.what()}});
    start_at_ = now + try_again;
  }
}

void SparePool::notice(TimePoint now) {
  std::erase_if(leaving_, [](ChildProcess& process) { return process.reap().has_value(); });
  for (auto spare = spares_.begin(); spare != spares_.end();) {
    if (!spare->warm && is_readable(spare->process.socket())) {
      std::array<char, 1> word{};
      spare->warm = ::recv(spare->process.socket(), word.data(), word.size(), MSG_DONTWAIT) == 1;
    }
    const std::optional<Ending> ending = spare->process.reap();
    if (!ending) {
      ++spare;
      continue;
    }
    start_at_ = std::max(restarts_.died(now, {.worked = spare->warm}), start_at_);
    log_.warn("died, starting it again",
              {{"child", "spare"}, {"pid", std::to_string(spare->process.pid())}, {"ending", ending->to_string()}});
    spare = spares_.erase(spare);
  }
}

void SparePool::renew(TimePoint now) {
  for (Spare& spare : spares_) {
    spare.process.signal(SIGTERM);
    leaving_.push_back(std::move(spare.process));
  }
  spares_.clear();
  restarts_ = {};
  want_one(now);
}

void SparePool::want_one(TimePoint now) noexcept {
  one_at_least_ = true;
  start_at_ = now;
}

void SparePool::stop() {
  stopping_ = true;
  renew({});
}

void SparePool::end_all() {
  stop();
  kill();
  for (const ChildProcess& process : leaving_) {
    pollfd ended{process.pidfd(), POLLIN, 0};
    (void)::poll(&ended, 1, -1);
  }
  tend({});
}

void SparePool::kill() const {
  for (const Spare& spare : spares_) spare.process.signal(SIGKILL);
  for (const ChildProcess& process : leaving_) process.signal(SIGKILL);
}

std::vector<pid_t> SparePool::pids() const {
  std::vector<pid_t> result;
  for (const Spare& spare : spares_) result.push_back(spare.process.pid());
  for (const ChildProcess& process : leaving_) result.push_back(process.pid());
  return result;
}

void SparePool::watch(std::vector<pollfd>& watched) const {
  for (const Spare& spare : spares_) {
    watched.push_back({spare.process.pidfd(), POLLIN, 0});
    if (!spare.warm) watched.push_back({spare.process.socket(), POLLIN, 0});
  }
  for (const ChildProcess& process : leaving_) watched.push_back({process.pidfd(), POLLIN, 0});
}

}  // namespace sluice::supervisor
