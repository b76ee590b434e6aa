// uses: shm_channel
// Two processes on two cores over one memfd, through the real path: build a FlatBuffers message, send it, receive it
// verified. Figures are medians of several runs, with the range of the runs, beside the limits of docs/performance.md (a
// plain ring with the same messages on the same kind of machine). Usage: ring_bench [RUNS]. On a machine that has other
// work, only the CPU figures mean anything: the rest measures the scheduler.
#include <poll.h>
#include <sched.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "shm/channel/message_receiver.hpp"
#include "shm/channel/message_sender.hpp"
#include "shm/channel/shared_segment.hpp"

namespace sluice {
namespace {

std::uint64_t nanoseconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(time.tv_nsec);
}

/// False when the machine has no such core: then the two processes share one and the figures say nothing about the ring.
bool pin_to(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  return sched_setaffinity(0, sizeof(set), &set) == 0;
}

/// What one consumer process found.
struct Figures {
  double latency_p50_ns = 0;
  double latency_p99_ns = 0;
  double messages_per_second = 0;
  double consumer_cpu_ns = 0;
  double producer_ns = 0;  // per send, the build included
};

struct Shape {
  std::size_t message_bytes;  // of the finished FlatBuffer
  std::uint32_t count;
  std::uint64_t gap_ns;  // between sends; 0: as fast as they go
  bool sleeping;         // the consumer sleeps on its doorbell instead of spinning
};

/// A message of exactly `size` bytes that carries the time at which it was built.
class Producer {
 public:
  Producer(SharedSegment& segment, const Doorbell& bell, std::size_t size)
      : sender_(segment->commands, Doorbell(Descriptor(dup(bell.fd())))) {
    // The rest of the message is as large as it is for an empty vector.
    payload_.resize(4);
    build(0);
    payload_.resize(4 + size - builder_.GetSize());
  }
  std::size_t message_bytes() {
    build(0);
    return builder_.GetSize();
  }
  void send(std::uint64_t stamp) {
    build(stamp);
    while (sender_.send_finished(builder_) == PushResult::full) {
    }
  }

 private:
  void build(std::uint64_t stamp) {
    builder_.Clear();
    const auto bytes = builder_.CreateVector(payload_);
    const auto body = schema::CreateHandshakeDatagram(builder_, stamp, bytes);
    builder_.Finish(HandshakeFamily::create(builder_, schema::HandshakeBody::HandshakeDatagram, body.Union()));
  }
  HandshakeSender sender_;
  flatbuffers::FlatBufferBuilder builder_;
  std::vector<std::uint8_t> payload_;
};

Figures consume(SharedSegment& segment, const Doorbell& bell, const Shape& shape) {
  HandshakeReceiver receiver(segment->commands, Doorbell(Descriptor(dup(bell.fd()))));
  std::vector<std::uint64_t> latencies;
  latencies.reserve(shape.count);
  std::uint64_t cpu = 0;
  std::uint64_t start = 0;
  std::uint32_t received = 0;
  while (received < shape.count) {
    if (const schema::Handshake* message = receiver.receive()) {
      if (received++ == 0) {
        start = nanoseconds(CLOCK_MONOTONIC);
        cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
      }
      const std::uint64_t stamp = message->body_as_HandshakeDatagram()->transport();
      if (shape.gap_ns != 0) latencies.push_back(nanoseconds(CLOCK_MONOTONIC) - stamp);
    } else if (shape.sleeping && receiver.prepare_to_sleep()) {
      pollfd poller{receiver.doorbell_fd(), POLLIN, 0};
      (void)poll(&poller, 1, 1000);
      receiver.wake_up();
    }
  }
  Figures figures;
  const double elapsed = static_cast<double>(nanoseconds(CLOCK_MONOTONIC) - start);
  figures.consumer_cpu_ns = static_cast<double>(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) / shape.count;
  figures.messages_per_second = shape.count / elapsed * 1e9;
  if (!latencies.empty()) {
    std::sort(latencies.begin(), latencies.end());
    figures.latency_p50_ns = static_cast<double>(latencies[latencies.size() / 2]);
    figures.latency_p99_ns = static_cast<double>(latencies[latencies.size() * 99 / 100]);
  }
  return figures;
}

Figures run_once(const Shape& shape) {
  SharedSegment segment = *SharedSegment::create("bench", 1);
  const Doorbell bell = *Doorbell::create();
  int results[2];
  if (pipe(results) != 0) std::abort();
  const pid_t child = fork();
  if (child == 0) {
    pin_to(1);
    const Figures figures = consume(segment, bell, shape);
    _exit(write(results[1], &figures, sizeof(figures)) == sizeof(figures) ? 0 : 1);
  }
  pin_to(0);
  Producer producer(segment, bell, shape.message_bytes);
  if (producer.message_bytes() != shape.message_bytes)
    std::fprintf(stderr, "messages are %zu B\n", producer.message_bytes());
  std::uint64_t sending = 0;
  for (std::uint32_t i = 0; i < shape.count; ++i) {
    const std::uint64_t stamp = shape.gap_ns != 0 ? nanoseconds(CLOCK_MONOTONIC) : 0;
    producer.send(stamp);
    if (shape.gap_ns == 0) continue;
    std::uint64_t now = nanoseconds(CLOCK_MONOTONIC);
    sending += now - stamp;
    while (now - stamp < shape.gap_ns) now = nanoseconds(CLOCK_MONOTONIC);
  }
  Figures figures;
  if (read(results[0], &figures, sizeof(figures)) != sizeof(figures)) std::abort();
  figures.producer_ns = static_cast<double>(sending) / shape.count;
  waitpid(child, nullptr, 0);
  close(results[0]);
  close(results[1]);
  return figures;
}

/// Prints the median and the range of the runs and, where there is a limit, how the median compares with its two ends.
void line(const char* what, std::vector<double> values, double unit, const char* unit_name, double low, double high) {
  std::sort(values.begin(), values.end());
  const double median = values[values.size() / 2];
  std::printf("  %-22s %9.1f %-4s (%.1f - %.1f)", what, median / unit, unit_name, values.front() / unit,
              values.back() / unit);
  if (high != 0) {
    std::printf("   limit %.1f - %.1f: x%.2f - x%.2f", low / unit, high / unit, median / low, median / high);
  }
  std::printf("\n");
}

template <typename Field>
std::vector<double> each(const std::vector<Figures>& all, Field field) {
  std::vector<double> values;
  for (const Figures& figures : all) values.push_back(figures.*field);
  return values;
}

std::vector<Figures> run(const Shape& shape, std::size_t runs) {
  std::vector<Figures> all;
  for (std::size_t i = 0; i < runs; ++i) all.push_back(run_once(shape));
  return all;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  using namespace sluice;
  const int asked = argc > 1 ? std::atoi(argv[1]) : 5;
  const std::size_t runs = asked > 0 ? static_cast<std::size_t>(asked) : 5;
  double load = 0;
  (void)getloadavg(&load, 1);
  utsname machine{};
  uname(&machine);
  std::printf("sluice %s, Linux %s, %s; two processes on cores 0 and 1; median of %zu runs (range); load %.1f\n",
              SLUICE_VERSION, machine.release, machine.machine, runs, load);
  if (!pin_to(1) || !pin_to(0)) std::printf("fewer than two cores: the figures say nothing about the ring\n");
  for (const std::size_t bytes : {std::size_t{80}, std::size_t{240}}) {
    std::printf("%zu B messages\n", bytes);
    const auto flood = run({bytes, 5'000'000, 0, false}, runs);
    line("messages, spinning", each(flood, &Figures::messages_per_second), 1e6, "M/s", 2.5e6, 15e6);
    line("consumer CPU, spinning", each(flood, &Figures::consumer_cpu_ns), 1, "ns", 64, 350);
    const auto spaced = run({bytes, 300'000, 2'000, false}, runs);
    line("one way p50, spinning", each(spaced, &Figures::latency_p50_ns), 1, "ns", 80, 550);
    line("one way p99, spinning", each(spaced, &Figures::latency_p99_ns), 1, "ns", 60'000, 80'000);
    line("send, receiver awake", each(spaced, &Figures::producer_ns), 1, "ns", 0, 0);
    const auto asleep = run({bytes, 5'000, 200'000, true}, runs);
    line("one way p50, asleep", each(asleep, &Figures::latency_p50_ns), 1e3, "us", 13e3, 27e3);
    line("one way p99, asleep", each(asleep, &Figures::latency_p99_ns), 1e3, "us", 130e3, 130e3);
    line("send that wakes", each(asleep, &Figures::producer_ns), 1e3, "us", 7.4e3, 8e3);
    const auto busy = run({bytes, 5'000'000, 0, true}, runs);
    line("messages, eventfd", each(busy, &Figures::messages_per_second), 1e6, "M/s", 2.4e6, 12e6);
    line("consumer CPU, eventfd", each(busy, &Figures::consumer_cpu_ns), 1, "ns", 80, 300);
  }
  return 0;
}
