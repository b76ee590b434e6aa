// uses: dataplane_worker sluice::openssl
// What a flood of junk does to running streams: the real engine and the real worker core on a loopback socket of UDP, loaded
// to half of one core by streams, with and without junk datagrams of each class in the same run, a quarter of a second each,
// in changing order. The first row compares nothing with nothing: what the machine itself makes of the ratio.
// Latency is from the publisher's send() to the end of the worker's turn that gave the forwarded packets to the kernel.
//   flood_bench [JUNK_PER_SECOND] [ROUNDS] [io_uring|mmsg]
// Worker on core 0, everything else on core 1. A machine that does something else meanwhile measures that, unless the bench
// goes first: chrt -f 5 flood_bench.
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/dataplane/support/loopback_socket.hpp"
#include "dataplane/engine/clock.hpp"
#include "dataplane/engine/engine.hpp"
#include "dataplane/engine/socket_name.hpp"
#include "dataplane/packet/rtp_header_writer.hpp"
#include "dataplane/srtp/openssl_backend.hpp"
#include "dataplane/srtp/srtp_sender.hpp"
#include "tests/sim/commands.hpp"
#include "tests/sim/hostile_stun.hpp"
#include "tests/sim/sim_surroundings.hpp"

namespace sluice::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t publishers = 20;
constexpr std::uint32_t subscribers = 20;
constexpr std::uint32_t peers = publishers + subscribers;
constexpr Duration phase_length = 250ms;
constexpr std::size_t remembered = 1U << 14U;  // send times of one publisher
const std::string password(24, 'p');

void pin(unsigned core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  (void)::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

double thread_seconds() {
  timespec time{};
  (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::vector<std::uint8_t> key_of(std::uint32_t slot, bool ours) {
  std::vector<std::uint8_t> key(28, static_cast<std::uint8_t>(ours ? 1 : 2));
  key[0] = static_cast<std::uint8_t>(slot);
  return key;
}
std::string ufrag_of(std::uint32_t slot) {
  return "frag" + std::to_string(slot);
}
std::uint32_t ssrc_of(std::uint32_t publisher) {
  return 0x5000 + publisher;
}

/// What both threads know: when each packet was sent.
struct SendTimes {
  std::array<std::array<std::atomic<std::int64_t>, remembered>, publishers> at{};
};

/// One publisher's packets, sealed like a browser would.
class Publisher {
 public:
  Publisher(std::uint32_t slot, OpensslSrtpBackend& backend)
      : slot_(slot),
        backend_(backend),
        sealer_(sealer_state_, backend),
        sender_(sender_state_, sealer_, Ssrc{ssrc_of(slot)}) {
    const auto key = key_of(slot, true);
    if (!sealer_.set_keys(*SrtpKeys::from_key_salt(SrtpProfile::aead_aes_128_gcm, std::as_bytes(std::span(key)))))
      std::abort();
  }
  void send(const bench::LoopbackSocket& from, const SocketAddress& to, SendTimes& times) {
    std::array<std::byte, 1000> payload{};
    ByteWriter w{MutableBytes(payload)};
    w.u8(0x90);
    w.u8(0x80);
    w.u16(static_cast<std::uint16_t>(0x8000 | (number_ & 0x7fff)));
    w.u8(number_ == 100 ? 0x10 : 0x11);
    std::array<std::byte, 64> header{};
    RtpHeaderWriter writer({.payload_type = PayloadType{96},
                            .sequence_number = SequenceNumber{static_cast<std::uint16_t>(number_)},
                            .timestamp = static_cast<std::uint32_t>(number_ * 900),
                            .ssrc = Ssrc{ssrc_of(slot_)},
                            .marker = true});
    writer.reserve_transport_sequence_number(4);
    const auto layout = writer.write(header);
    layout->patch_transport_sequence_number(header, static_cast<std::uint16_t>(number_));
    std::array<std::byte, 1200> datagram{};
    SealJob job;
    job.ticket = std::move(*sender_.claim(ExtendedSequenceNumber{number_}));
    job.header = Bytes(header).first(layout->header_size);
    job.payload = payload;
    job.out = datagram;
    backend_.seal(std::span(&job, 1));
    times.at[slot_][static_cast<std::size_t>(number_) % remembered].store(read_clock().time_since_epoch().count(),
                                                                          std::memory_order_release);
    ++number_;
    from.send(to, Bytes(datagram).first(*job.result));
  }

 private:
  std::uint32_t slot_;
  OpensslSrtpBackend& backend_;
  SrtpSealerState sealer_state_;
  SrtpSealer sealer_;
  SrtpSenderState sender_state_;
  SrtpSender sender_;
  std::int64_t number_ = 100;
};

/// Engine and core, and a turn like WorkerLoop's without rings.
class Worker final : public EngineHandler {
 public:
  Worker(EngineChoice choice, int socket, const std::vector<std::unique_ptr<bench::LoopbackSocket>>& sockets,
         const SendTimes& times)
      : times_(times) {
    EngineConfig config;
    config.choice = choice;
    config.sockets = {socket, -1};
    engine_ = open_engine(config);
    memory_.messages.keep = false;
    core_ = std::make_unique<WorkerCore>(memory_.surroundings(*engine_));
    program(sockets);
    engine_->start();
  }
  void run(const std::atomic<bool>& stop) {
    while (!stop.load(std::memory_order_relaxed)) turn();
  }
  void on_datagram(TimePoint now, const Tuple& from, MutableBytes datagram) noexcept override {
    ++datagrams;
    std::uint32_t ssrc = 0;
    if (datagram.size() > 1000 && (ssrc = load_u32(datagram, 8) - ssrc_of(0)) < publishers &&
        arrived_count_ < arrived_.size()) {
      if (publisher_of_[ssrc] == from.remote.port) arrived_[arrived_count_++] = {ssrc, load_u16(datagram, 2)};
    }
    core_->handle_datagram(now, from, datagram);
  }
  void on_doorbell(std::uint32_t) noexcept override {}
  [[nodiscard]] std::uint64_t counter(Counter c) const { return memory_.counters->get(c); }
  [[nodiscard]] std::string_view engine_name() const { return engine_->name(); }

  // Of the phase that runs; written by the worker's thread, read by the other in between.
  std::atomic<std::vector<std::int64_t>*> latencies{nullptr};
  std::atomic<double> cpu_seconds{0};
  std::atomic<std::uint64_t> datagrams{0};

 private:
  void turn() {
    arrived_count_ = 0;
    const std::size_t handled =
        engine_->run_once(idle_ ? std::min(core_->next_deadline(), engine_->now() + 20ms) : TimePoint::min(), *this);
    const TimePoint now = engine_->now();
    if (core_->next_deadline() <= now) core_->handle_timeout(now);
    core_->flush(now);
    engine_->flush();
    idle_ = handled == 0;
    if (arrived_count_ > 0) {
      const std::int64_t end = read_clock().time_since_epoch().count();
      if (std::vector<std::int64_t>* out = latencies.load(std::memory_order_acquire)) {
        for (std::size_t i = 0; i < arrived_count_; ++i) {
          const auto& [publisher, sequence] = arrived_[i];
          const std::int64_t sent = times_.at[publisher][sequence % remembered].load(std::memory_order_acquire);
          if (out->size() < out->capacity()) out->push_back(end - sent);
        }
      }
    }
    cpu_seconds.store(thread_seconds(), std::memory_order_relaxed);
  }
  void program(const std::vector<std::unique_ptr<bench::LoopbackSocket>>& sockets) {
    const TimePoint now = read_clock();
    const HeaderExtensionIds ids{.mid = 1, .rid = 2, .repaired_rid = 3, .transport_wide_cc = 4, .abs_send_time = 5};
    core_->handle_command(now, begin(1, true).get());
    for (std::uint32_t slot = 0; slot < peers; ++slot) {
      core_->handle_command(now, command(TransportWish{{slot, 1}, ufrag_of(slot), password, "peer", ids, 1, 0}).get());
    }
    for (std::uint32_t p = 0; p < publishers; ++p) {
      core_->handle_command(
          now,
          command(PublicationWish{{p, 1}, {p, 1}, true, "v", {}, true, 96, {{0, ssrc_of(p), ssrc_of(p) + 0x1000}}}).get());
      publisher_of_[p] = sockets[p]->address().port;
    }
    std::uint32_t row = 0;
    for (std::uint32_t s = 0; s < subscribers; ++s) {
      for (std::uint32_t p = 0; p < publishers; ++p, ++row) {
        core_->handle_command(now, command(SubscriptionWish{{row, 1},
                                                            {publishers + s, 1},
                                                            true,
                                                            std::to_string(p),
                                                            100'000 + 2 * row,
                                                            100'001 + 2 * row,
                                                            {p, 1},
                                                            true,
                                                            255,
                                                            100})
                                       .get());
      }
    }
    core_->handle_command(now, commit(1).get());
    for (std::uint32_t slot = 0; slot < peers; ++slot) {
      auto request = stun_request(ufrag_of(slot) + ":peer", password, 0x10000 + slot, true);
      core_->handle_datagram(now, {sockets[slot]->address(), 0}, request);
      flatbuffers::FlatBufferBuilder b;
      const auto local = b.CreateVector(key_of(slot, false));
      const auto remote = b.CreateVector(key_of(slot, true));
      const auto done = schema::CreateHandshakeDone(
          b, TransportId{slot, 1}.packed(), static_cast<std::uint16_t>(SrtpProfile::aead_aes_128_gcm), local, remote);
      b.Finish(schema::CreateHandshake(b, schema::HandshakeBody::HandshakeDone, done.Union()));
      core_->handle_handshake(now, *flatbuffers::GetRoot<schema::Handshake>(b.GetBufferPointer()));
    }
  }

  const SendTimes& times_;
  std::unique_ptr<Engine> engine_;
  WorkerMemory memory_{1, 512};
  std::unique_ptr<WorkerCore> core_;
  std::array<std::uint16_t, publishers> publisher_of_{};
  std::array<std::pair<std::uint32_t, std::uint16_t>, 4096> arrived_{};
  std::size_t arrived_count_ = 0;
  bool idle_ = false;
};

using Junk = std::vector<std::vector<std::byte>>;

Junk make_junk(const std::function<std::vector<std::byte>()>& one) {
  Junk junk;
  for (int i = 0; i < 512; ++i) junk.push_back(one());
  return junk;
}

struct FloodClass {
  const char* name;
  Junk junk;
};

std::vector<FloodClass> classes(std::mt19937_64& random) {
  const auto noise = [&](std::size_t size, int first, int second) {
    std::vector<std::byte> packet(size);
    for (std::byte& b : packet) b = static_cast<std::byte>(random());
    if (first >= 0) packet[0] = static_cast<std::byte>(first);
    if (second >= 0) packet[1] = static_cast<std::byte>(second);
    return packet;
  };
  const auto stun = [&](const std::string& username) {
    HostileStun message;
    message.username = username;
    message.password = "another-password-of-22-chars";
    message.id = static_cast<std::uint32_t>(random());
    return message.bytes();
  };
  return {{"nothing", {}},
          {"random bytes", make_junk([&] { return noise(20 + random() % 1200, -1, -1); })},
          {"STUN, wrong integrity",
           make_junk([&] { return stun(ufrag_of(static_cast<std::uint32_t>(random() % peers)) + ":peer"); })},
          {"STUN, unknown ufrag", make_junk([&] { return stun("nobody" + std::to_string(random() % 1000) + ":peer"); })},
          {"RTP, unknown tuple", make_junk([&] { return noise(1000, 0x80, 96); })},
          {"DTLS, unknown tuple", make_junk([&] { return noise(200, 22, 0xfe); })}};
}

struct Phase {
  double p50_us = 0, p99_us = 0, cpu = 0;
  std::uint64_t packets = 0, sent = 0, junk = 0;
};

/// Everything that sends, on one thread: media and junk in ticks of a quarter of a millisecond.
class Sender {
 public:
  Sender(Worker& worker, const SocketAddress& to, const std::vector<std::unique_ptr<bench::LoopbackSocket>>& sockets,
         SendTimes& times)
      : worker_(worker), to_(to), sockets_(sockets), times_(times) {
    for (std::uint32_t p = 0; p < publishers; ++p) publishers_.push_back(std::make_unique<Publisher>(p, backend_));
    for (int i = 0; i < 16; ++i) strangers_.push_back(std::make_unique<bench::LoopbackSocket>(4096));
  }

  Phase run(double media_per_second, double junk_per_second, const Junk* junk, Duration length) {
    keep_consent();
    std::vector<std::int64_t> latencies;
    latencies.reserve(static_cast<std::size_t>(media_per_second * std::chrono::duration<double>(length).count() * 1.2) +
                      1000);
    const double cpu = worker_.cpu_seconds;
    const std::uint64_t datagrams = worker_.datagrams;
    worker_.latencies.store(&latencies, std::memory_order_release);
    Phase phase;
    const TimePoint begin = read_clock();
    TimePoint now = begin;
    for (TimePoint tick = begin; now < begin + length; tick += 250us) {
      sleep_until(tick);
      now = read_clock();
      const double elapsed = std::chrono::duration<double>(now - begin).count();
      // Half of the junk of a tick before the media, half behind it.
      const auto junk_due = junk == nullptr ? 0U : static_cast<std::uint64_t>(junk_per_second * elapsed);
      const std::uint64_t half = phase.junk + (std::max(junk_due, phase.junk) - phase.junk) / 2;
      while (phase.junk < half) send_junk(*junk, phase.junk++);
      const auto media_due = static_cast<std::uint64_t>(media_per_second * elapsed);
      for (; phase.sent < media_due; ++phase.sent) {
        const std::size_t p = next_publisher_++ % publishers;
        publishers_[p]->send(*sockets_[p], to_, times_);
      }
      while (phase.junk < junk_due) send_junk(*junk, phase.junk++);
    }
    std::this_thread::sleep_for(50ms);
    worker_.latencies.store(nullptr, std::memory_order_release);
    std::this_thread::sleep_for(50ms);
    phase.cpu = (worker_.cpu_seconds - cpu) / std::chrono::duration<double>(length).count();
    phase.junk = worker_.datagrams - datagrams - std::min<std::uint64_t>(worker_.datagrams - datagrams, phase.sent);
    phase.packets = latencies.size();
    if (latencies.empty()) return phase;
    std::sort(latencies.begin(), latencies.end());
    phase.p50_us = static_cast<double>(latencies[latencies.size() / 2]) / 1e3;
    phase.p99_us = static_cast<double>(latencies[latencies.size() * 99 / 100]) / 1e3;
    return phase;
  }

 private:
  static void sleep_until(TimePoint at) {
    const auto ns = at.time_since_epoch().count();
    const timespec time{ns / 1'000'000'000, ns % 1'000'000'000};
    (void)::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr);
  }
  void send_junk(const Junk& junk, std::uint64_t i) { strangers_[i % strangers_.size()]->send(to_, junk[i % junk.size()]); }
  void keep_consent() {
    for (std::uint32_t slot = 0; slot < peers; ++slot) {
      sockets_[slot]->send(to_, stun_request(ufrag_of(slot) + ":peer", password, ++check_, true));
    }
  }

  Worker& worker_;
  SocketAddress to_;
  const std::vector<std::unique_ptr<bench::LoopbackSocket>>& sockets_;
  SendTimes& times_;
  OpensslSrtpBackend backend_;
  std::vector<std::unique_ptr<Publisher>> publishers_;
  std::vector<std::unique_ptr<bench::LoopbackSocket>> strangers_;
  std::size_t next_publisher_ = 0;
  std::uint32_t check_ = 0x100000;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

int run(double junk_per_second, int rounds, EngineChoice choice) {
  bench::LoopbackSocket media(4 << 20);
  std::vector<std::unique_ptr<bench::LoopbackSocket>> sockets;
  for (std::uint32_t i = 0; i < peers; ++i) sockets.push_back(std::make_unique<bench::LoopbackSocket>(4096));
  const auto times = std::make_unique<SendTimes>();
  std::unique_ptr<Worker> worker;
  std::atomic<bool> ready{false}, stop{false};
  std::thread thread([&] {
    pin(0);
    worker = std::make_unique<Worker>(choice, media.fd(), sockets, *times);
    ready = true;
    worker->run(stop);
    worker.reset();
  });
  while (!ready) std::this_thread::sleep_for(1ms);
  pin(1);
  (void)::prctl(PR_SET_TIMERSLACK, 1);
  Sender sender(*worker, media.address(), sockets, *times);
  std::mt19937_64 random(1);

  // Half load: as many packets as burn half a core.
  double rate = 500;
  for (int i = 0; i < 4; ++i) {
    const Phase phase = sender.run(rate, 0, nullptr, 500ms);
    // By cost, not by rate: on a machine that has other work the worker may not get through with what is sent.
    const double cost = phase.cpu * 0.5 / static_cast<double>(std::max<std::uint64_t>(phase.packets, 1));
    rate = std::clamp(0.5 / std::max(cost, 1e-6), 100.0, 40'000.0);
  }
  utsname name{};
  (void)::uname(&name);
  const Phase half = sender.run(rate, 0, nullptr, 1s);
  std::printf(
      "%s %s, engine %s, loopback; %u publishers to %u subscribers each: %.0f packets/s in, %.0f out, %.0f %% of a core\n",
      name.machine, name.release, std::string(worker->engine_name()).c_str(), publishers, subscribers, rate,
      rate * subscribers, half.cpu * 100);
  std::printf(
      "junk: %.0f/s, %d rounds of 0.25 s each with and without, p99 in us (medians; ratio: median [least .. most])\n\n",
      junk_per_second, rounds);
  std::printf("%-24s %9s %9s %24s %11s %11s %9s\n", "class", "quiet", "flood", "ratio", "cpu quiet", "cpu flood", "junk/s");
  double worst = 0;
  double floor = 0;
  for (const FloodClass& flood : classes(random)) {
    const bool nothing = flood.junk.empty();
    const auto with = [&] {
      return sender.run(rate, nothing ? 0 : junk_per_second, nothing ? nullptr : &flood.junk, phase_length);
    };
    const auto without = [&] { return sender.run(rate, 0, nullptr, phase_length); };
    std::vector<double> quiet, flooded, ratios, quiet_cpu, flood_cpu, junk;
    for (int i = 0; i < rounds; ++i) {
      // Which comes first changes, so that a drift of the machine falls on both.
      Phase a, b;
      if (i % 2 == 0) {
        a = without();
        b = with();
      } else {
        b = with();
        a = without();
      }
      if (a.packets == 0 || b.packets == 0) continue;
      quiet.push_back(a.p99_us);
      flooded.push_back(b.p99_us);
      ratios.push_back(b.p99_us / a.p99_us);
      quiet_cpu.push_back(a.cpu);
      flood_cpu.push_back(b.cpu);
      junk.push_back(static_cast<double>(b.junk) / std::chrono::duration<double>(phase_length).count());
    }
    if (ratios.empty()) continue;
    const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
    std::printf("%-24s %9.1f %9.1f %8.3f [%5.3f .. %5.3f] %9.1f %% %9.1f %% %9.0f\n", flood.name, median(quiet),
                median(flooded), median(ratios), *least, *most, median(quiet_cpu) * 100, median(flood_cpu) * 100,
                median(junk));
    std::fflush(stdout);
    double& kind = nothing ? floor : worst;
    kind = std::max(kind, median(ratios));
  }
  std::printf("\nworst median ratio %.3f (nothing beside nothing: %.3f); promised at half load: at most 1.100\n", worst,
              floor);
  stop = true;
  thread.join();
  return 0;
}

}  // namespace
}  // namespace sluice::sim

int main(int count, char** words) {
  const double junk = count > 1 ? std::atof(words[1]) : 20'000;
  const int rounds = count > 2 ? std::atoi(words[2]) : 41;
  const std::string_view engine = count > 3 ? words[3] : "auto";
  const auto choice = engine == "mmsg"       ? sluice::EngineChoice::mmsg
                      : engine == "io_uring" ? sluice::EngineChoice::io_uring
                                             : sluice::EngineChoice::automatic;
  return sluice::sim::run(junk, rounds, choice);
}
