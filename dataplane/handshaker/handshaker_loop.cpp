#include "dataplane/handshaker/handshaker_loop.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>
#include <ctime>
#include <stdexcept>
#include <string>
#include <utility>

#include "dataplane/engine/clock.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

// One message may cost a third of a millisecond; other workers wait for so many of them at most.
constexpr std::size_t messages_of_one_worker = 4;
// The supervisor takes two seconds of silence for a hang.
constexpr Duration beat_every = 200ms;

HandshakeSegment attach(const DescriptorSet& descriptors, std::uint16_t index) {
  const std::string name = "handshake." + std::to_string(index);
  auto segment = HandshakeSegment::attach(descriptors.find(name));
  if (!segment) throw std::runtime_error(name + ": " + segment.error().to_string());
  (void)segment->region().guard_secrets();
  return std::move(*segment);
}

PulseSegment attach_pulse(const DescriptorSet& descriptors) {
  auto segment = PulseSegment::attach(descriptors.find("pulse"));
  if (!segment) throw std::runtime_error("pulse: " + segment.error().to_string());
  return std::move(*segment);
}

Doorbell doorbell_of(const DescriptorSet& descriptors, const std::string& name) {
  Descriptor copy = Descriptor::duplicate(descriptors.find(name));
  if (!copy.valid()) throw std::runtime_error("the supervisor passed no " + name);
  return Doorbell(std::move(copy));
}

}  // namespace

HandshakerLoop::HandshakerLoop(const DescriptorSet& descriptors, std::uint16_t workers, const DtlsContext& context,
                               int stop_fd)
    : pulse_(attach_pulse(descriptors)),
      stop_fd_(stop_fd),
      // Later than any predecessor's, whatever it was.
      core_(context, *this, static_cast<std::uint64_t>(read_clock().time_since_epoch().count())),
      now_(read_clock()) {
  if (workers == 0) throw std::runtime_error("there are no workers to shake hands for");
  for (std::uint16_t i = 0; i < workers; ++i) {
    HandshakeSegment segment = attach(descriptors, i);
    HandshakeLayout& layout = *segment;
    workers_.push_back(
        Worker{std::move(segment), HandshakeReceiver(layout.to_handshaker, doorbell_of(descriptors, "doorbell.handshaker")),
               HandshakeSender(layout.to_worker, doorbell_of(descriptors, "doorbell.worker." + std::to_string(i)))});
    layout.handshaker_heartbeat.restart(static_cast<std::uint32_t>(::getpid()));
  }
  pulse_->heartbeat.restart(static_cast<std::uint32_t>(::getpid()));
  for (std::uint16_t i = 0; i < workers; ++i) core_.add_worker(now_, WorkerId{i});
  beat();
}

bool HandshakerLoop::deliver(WorkerId worker, Bytes message) noexcept {
  return worker.value < workers_.size() && workers_[worker.value].sender.send_bytes(message, Wake::later) == PushResult::ok;
}

void HandshakerLoop::run() {
  while (!stopped_) turn();
}

void HandshakerLoop::turn() {
  now_ = read_clock();
  const std::size_t taken = take_messages();
  if (core_.next_deadline() <= now_) core_.handle_timeout(now_);
  for (Worker& worker : workers_) worker.sender.wake();
  if (now_ >= next_beat_) beat();
  if (taken == 0 && prepare_to_sleep()) {
    sleep();
    for (Worker& worker : workers_) worker.receiver.wake_up();
  }
}

std::size_t HandshakerLoop::take_messages() {
  std::size_t taken = 0;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    for (std::size_t n = 0; n < messages_of_one_worker; ++n) {
      const schema::Handshake* message = workers_[i].receiver.receive();
      if (message == nullptr) break;
      core_.handle_message(now_, WorkerId{static_cast<std::uint16_t>(i)}, *message);
      ++taken;
    }
    // An answer leaves now: the next worker's messages may cost milliseconds.
    workers_[i].sender.wake();
  }
  return taken;
}

bool HandshakerLoop::prepare_to_sleep() noexcept {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i].receiver.prepare_to_sleep()) continue;
    for (std::size_t told = 0; told < i; ++told) workers_[told].receiver.wake_up();
    return false;
  }
  return true;
}

void HandshakerLoop::sleep() noexcept {
  // All receivers have the same bell.
  std::array<pollfd, 2> watched{pollfd{workers_.front().receiver.doorbell_fd(), POLLIN, 0}, pollfd{stop_fd_, POLLIN, 0}};
  const Duration left = std::max<Duration>(std::min(core_.next_deadline(), next_beat_) - read_clock(), Duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  const timespec timeout{static_cast<time_t>(seconds.count()), static_cast<long>((left - seconds).count())};
  if (::ppoll(watched.data(), watched.size(), &timeout, nullptr) > 0 && watched[1].revents != 0) stopped_ = true;
}

void HandshakerLoop::beat() noexcept {
  next_beat_ = now_ + beat_every;
  for (Worker& worker : workers_) worker.segment->handshaker_heartbeat.beat(now_);
  pulse_->heartbeat.beat(now_);
}

}  // namespace sluice
