#include "dataplane/worker/worker_loop.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "dataplane/engine/clock.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t rings_bell = 0;
constexpr std::uint32_t stop_bell = 1;
// Commands come in bursts of joins; handshake messages carry a datagram each. Neither may hold up media for long.
constexpr std::size_t commands_batch = 64;
constexpr std::size_t handshakes_batch = 64;
// Datagrams of moved peers, mostly: as many as a turn takes from the sockets.
constexpr std::size_t relayed_batch = 256;
constexpr Duration report_every = 200ms;
// The supervisor looks closer at a worker that was silent for three of these.
constexpr Duration beat_every = 50ms;

}  // namespace

WorkerLoop::WorkerLoop(Engine& engine, WorkerCore& core, WorkerChannels& channels, int stop_fd)
    : engine_(engine), core_(core), channels_(channels) {
  // Both rings towards this worker ring the same bell.
  engine_.add_doorbell(channels_.commands.doorbell_fd(), rings_bell);
  engine_.add_doorbell(stop_fd, stop_bell);
  channels_.shared->worker_heartbeat.restart(static_cast<std::uint32_t>(::getpid()));
  beat(engine_.now());
  report(engine_.now());
  tell_generation();
}

void WorkerLoop::run() {
  while (!stopped_) turn();
}

void WorkerLoop::turn() {
  const bool sleeps = idle_ && prepare_to_sleep();
  datagrams_ = 0;
  std::size_t handled =
      engine_.run_once(sleeps ? std::min({core_.next_deadline(), next_report_, next_beat_}) : TimePoint::min(), *this);
  if (sleeps) {
    channels_.commands.wake_up();
    channels_.from_handshaker.wake_up();
    channels_.relays.wake_up();
  }
  const TimePoint now = engine_.now();
  handled += take_commands(now);
  handled += take_handshakes(now);
  handled += take_relayed(now);
  if (core_.next_deadline() <= now) core_.handle_timeout(now);
  core_.flush(now);
  engine_.flush();
  channels_.events.wake();
  channels_.to_handshaker.wake();
  channels_.relays.wake();
  if (datagrams_ > 0) channels_.shared->forwarding_latency.record(read_clock() - now, datagrams_);
  if (now >= next_beat_) beat(now);
  if (now >= next_report_) report(now);
  channels_.shared->counters.add(Counter::ticks);
  idle_ = handled == 0;
}

void WorkerLoop::on_datagram(TimePoint now, const Tuple& from, MutableBytes datagram) noexcept {
  ++datagrams_;
  core_.handle_datagram(now, from, datagram);
}

void WorkerLoop::on_doorbell(std::uint32_t id) noexcept {
  if (id == stop_bell) stopped_ = true;
  // The other bell only ends the wait: the rings are looked at in each turn.
}

bool WorkerLoop::prepare_to_sleep() noexcept {
  // The order does not matter: a ring that fills after we have looked at it rings the bell.
  if (!channels_.commands.prepare_to_sleep()) return false;
  if (channels_.from_handshaker.prepare_to_sleep() && channels_.relays.prepare_to_sleep()) return true;
  channels_.commands.wake_up();
  channels_.from_handshaker.wake_up();
  channels_.relays.wake_up();
  return false;
}

std::size_t WorkerLoop::take_commands(TimePoint now) {
  std::size_t taken = 0;
  while (taken < commands_batch) {
    const schema::Command* command = channels_.commands.receive();
    if (command == nullptr) break;
    core_.handle_command(now, *command);
    ++taken;
  }
  if (taken > 0) tell_generation();
  return taken;
}

std::size_t WorkerLoop::take_handshakes(TimePoint now) {
  std::size_t taken = 0;
  while (taken < handshakes_batch) {
    const schema::Handshake* message = channels_.from_handshaker.receive();
    if (message == nullptr) break;
    core_.handle_handshake(now, *message);
    ++taken;
  }
  return taken;
}

std::size_t WorkerLoop::take_relayed(TimePoint now) {
  std::size_t taken = 0;
  while (taken < relayed_batch) {
    const auto received = channels_.relays.receive();
    if (!received) break;
    core_.handle_relay(now, received->from, received->message);
    ++taken;
  }
  return taken;
}

void WorkerLoop::tell_generation() {
  const std::uint64_t committed = core_.committed_generation();
  if (committed == told_generation_) return;
  told_generation_ = committed;
  channels_.shared->generations.committed.store(committed, std::memory_order_release);
}

void WorkerLoop::beat(TimePoint now) {
  next_beat_ = now + beat_every;
  channels_.shared->worker_heartbeat.beat(now);
}

/// A few times a second: the counts of engine and rings for those who read from outside.
void WorkerLoop::report(TimePoint now) {
  next_report_ = now + report_every;
  CounterBlock& counters = channels_.shared->counters;
  const EngineStatistics& current = engine_.statistics();
  const auto failures = [](const EngineStatistics& s) { return s.send_failures + s.send_queue_full + s.no_socket; };
  counters.add(Counter::datagrams_in, current.datagrams_received - reported_.datagrams_received);
  counters.add(Counter::bytes_in, current.bytes_received - reported_.bytes_received);
  counters.add(Counter::datagrams_out, current.packets_sent - reported_.packets_sent);
  counters.add(Counter::bytes_out, current.bytes_sent - reported_.bytes_sent);
  counters.add(Counter::drop_bad_length, current.datagrams_oversized - reported_.datagrams_oversized);
  counters.add(Counter::send_errors, failures(current) - failures(reported_));
  reported_ = current;
  const ReceiveCounts& received = channels_.commands.counts();
  const std::uint64_t refused = received.refused + received.ring_faults;
  counters.add(Counter::commands_refused, refused - refused_);
  refused_ = refused;
}

}  // namespace sluice
