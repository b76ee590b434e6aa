// A worker that was taken over and does as much harm as it can within what it may write. It stands in every worker's place:
// in place 0 it scribbles, every other place it leaves to the real sluice-worker.
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "dataplane/engine/clock.hpp"
#include "dataplane/process/arguments.hpp"
#include "dataplane/process/stop_signal.hpp"
#include "schemas/commands_generated.h"
#include "schemas/events_generated.h"
#include "schemas/handshake_generated.h"
#include "shm/channel/handshake_segment.hpp"
#include "shm/channel/message_rules.hpp"
#include "shm/channel/shared_segment.hpp"
#include "shm/confinement/confinement.hpp"
#include "shm/confinement/rights.hpp"
#include "shm/descriptors/worker_assignment.hpp"
#include "shm/region/region.hpp"
#include "shm/ring/doorbell.hpp"

namespace {

using namespace sluice;
using flatbuffers::FlatBufferBuilder;

constexpr std::array<std::uint64_t, 12> nasty_numbers{0,
                                                      1,
                                                      7,
                                                      8,
                                                      0x7fff'ffffU,
                                                      0x8000'0000U,
                                                      0xffff'ffffU,
                                                      0xffff'fff8U,
                                                      0x7fff'ffff'ffff'ffffULL,
                                                      0x8000'0000'0000'0000ULL,
                                                      0xffff'ffff'ffff'ffffULL,
                                                      0xffff'ffff'ffff'fff8ULL};

/// Everything in memory that a worker may write, and the bells that it may ring.
class Scribbler {
 public:
  Scribbler(const DescriptorSet& descriptors, const std::string& index)
      : random_(std::random_device{}()),
        shared_(taken(SharedSegment::attach(descriptors.find("shared." + index)))),
        handshake_(taken(HandshakeSegment::attach(descriptors.find("handshake." + index)))) {
    for (const auto& [name, descriptor] : descriptors.all()) {
      if (name.starts_with("shared.") || name.starts_with("handshake.")) continue;
      if (auto region = Region::map(descriptor.get(), Access::read_write)) others_.push_back(std::move(*region));
    }
    for (const std::string& name :
         {std::string("doorbell.control"), std::string("doorbell.handshaker"), "doorbell.worker." + index}) {
      bells_.emplace_back(Descriptor::duplicate(descriptors.find(name)));
    }
    for (const char* family : {".v4", ".v6"}) sockets_.push_back(descriptors.find("socket." + index + family));
    shared_->worker_heartbeat.restart(static_cast<std::uint32_t>(::getpid()));
  }

  /// One burst of one kind of harm; then the beat that keeps this process from being replaced.
  void turn() {
    switch (random_() % 10) {
      case 0:
        random_bytes(shared_.region().bytes());
        break;
      case 1:
        random_bytes(handshake_.region().bytes());
        break;
      case 2:
        // What others read of them lies at their beginning.
        for (Region& region : others_) {
          random_bytes(region.bytes().first(std::min(region.bytes().size(), std::size_t{1} << 20U)));
        }
        break;
      case 3:
        nasty_words(shared_.region().bytes().subspan(offsetof(SharedLayoutOfWorker, counters)));
        break;
      case 4:
        ring_headers();
        break;
      case 5:
        torn_rows();
        break;
      case 6:
        counters_at_their_end();
        break;
      case 7:
        hostile_events();
        break;
      case 8:
        hostile_handshakes();
        break;
      case 9:
        junk_from_sockets();
        break;
    }
    if (random_() % 4 == 0) nonsense_heartbeats();
    for (const Doorbell& bell : bells_) {
      bell.ring();
      // Or takes away what somebody else rang.
      if (random_() % 4 == 0) (void)bell.silence();
    }
    beat();
  }

 private:
  template <typename Segment>
  static Segment taken(Result<Segment, RegionError> result) {
    if (!result) throw std::runtime_error(result.error().to_string());
    return std::move(*result);
  }
  std::uint64_t nasty() { return random_() % 4 == 0 ? random_() : nasty_numbers[random_() % nasty_numbers.size()]; }

  void random_bytes(MutableBytes all) {
    for (int i = 0; i < 64; ++i) {
      const std::size_t size = std::min<std::size_t>(1 + random_() % 512, all.size());
      const MutableBytes part = all.subspan(random_() % (all.size() - size + 1), size);
      for (std::byte& byte : part) byte = static_cast<std::byte>(random_());
    }
  }
  void nasty_words(MutableBytes all) {
    for (int i = 0; i < 256; ++i) {
      const std::uint64_t value = nasty();
      std::memcpy(all.data() + random_() % (all.size() / 8) * 8, &value, 8);
    }
  }
  void nasty_ring(RingHeader& header) {
    switch (random_() % 4) {
      case 0:
        header.produced.store(nasty());
        break;
      case 1:
        header.consumed.store(nasty());
        break;
      case 2:
        header.produced.store(header.consumed.load() + nasty());
        break;
      case 3:
        header.sleeping.store(static_cast<std::uint32_t>(nasty()));
        break;
    }
  }
  void ring_headers() {
    for (int i = 0; i < 16; ++i) {
      nasty_ring(shared_->commands.header);
      nasty_ring(shared_->events.header);
      nasty_ring(handshake_->to_handshaker.header);
      nasty_ring(handshake_->to_worker.header);
    }
  }
  /// Rows whose sequence is odd forever, or changes while they are read.
  void torn_rows() {
    const MutableBytes live = shared_.region().bytes().subspan(offsetof(SharedLayoutOfWorker, live));
    for (int i = 0; i < 1024; ++i) {
      const std::uint64_t value = i % 2 == 0 ? nasty() | 1U : random_();
      std::memcpy(live.data() + random_() % (live.size() / 8) * 8, &value, 8);
    }
  }
  void counters_at_their_end() {
    const MutableBytes bytes = shared_.region().bytes().subspan(offsetof(SharedLayoutOfWorker, counters),
                                                                sizeof(CounterBlock) + sizeof(LatencyHistogram));
    const std::uint64_t value = nasty();
    for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) std::memcpy(bytes.data() + at, &value, 8);
  }
  void nonsense_heartbeats() {
    for (Heartbeat* heartbeat :
         {&shared_->worker_heartbeat, &shared_->control_heartbeat, &handshake_->handshaker_heartbeat}) {
      heartbeat->at_ns.store(static_cast<std::int64_t>(nasty()));
      heartbeat->beats.store(nasty());
      heartbeat->pid.store(static_cast<std::uint32_t>(random_() % 2 == 0 ? nasty() : 1));
    }
    shared_->generations.committed.store(nasty());
    shared_->generations.worker_incarnation.store(nasty());
  }
  void beat() {
    Heartbeat& heartbeat = shared_->worker_heartbeat;
    heartbeat.pid.store(static_cast<std::uint32_t>(::getpid()));
    heartbeat.beats.store(++beats_);
    heartbeat.at_ns.store(read_clock().time_since_epoch().count());
  }

  /// Appends a record as a producer would, with a length that need not be true.
  template <std::size_t N>
  void append(RingLayout<N>& ring, Bytes message, std::uint32_t claimed) {
    const std::uint64_t produced = RecordPrefix::place_at(ring.header.produced.load());
    const std::array<std::uint32_t, 2> prefix{claimed, RecordPrefix::tag_at(produced)};
    const auto put = [&ring](std::uint64_t at, const void* from, std::size_t size) {
      for (std::size_t i = 0; i < size; ++i) ring.data[(at + i) % N] = static_cast<const std::byte*>(from)[i];
    };
    put(produced, prefix.data(), sizeof(prefix));
    put(produced + sizeof(prefix), message.data(), std::min<std::size_t>(message.size(), N / 2));
    ring.header.produced.store(produced + RecordPrefix::footprint(message.size()));
  }
  /// Begins anew as a producer with an empty ring; otherwise no message would get through after the first nonsense.
  template <std::size_t N>
  void recover(RingLayout<N>& ring) {
    ring.header.produced.store(RecordPrefix::place_at(ring.header.consumed.load()));
  }

  /// A buffer as it is, or with some of its bytes changed (offsets, sizes, enums), or cut, or with a false length.
  template <std::size_t N>
  void send_mutated(RingLayout<N>& ring, FlatBufferBuilder& builder) {
    std::vector<std::byte> message(builder.GetSize());
    std::memcpy(message.data(), builder.GetBufferPointer(), message.size());
    auto claimed = static_cast<std::uint32_t>(message.size());
    switch (random_() % 4) {
      case 0:
        break;
      case 1:
        for (int i = 0; i < 4; ++i) message[random_() % message.size()] = static_cast<std::byte>(random_());
        break;
      case 2: {
        const auto value = static_cast<std::uint32_t>(nasty());
        std::memcpy(message.data() + random_() % (message.size() - 3), &value, 4);
        break;
      }
      case 3:
        claimed = static_cast<std::uint32_t>(nasty());
        break;
    }
    append(ring, message, claimed);
  }
  template <typename Family, typename Body>
  static void finish(FlatBufferBuilder& builder, flatbuffers::Offset<Body> body) {
    builder.Finish(Family::create(builder, Family::template body_type<Body>, body.Union()));
  }
  std::uint64_t foreign_id() { return random_() % 2 == 0 ? nasty() : (random_() % 8) << 32U | (random_() % 64); }

  void hostile_events() {
    recover(shared_->events);
    for (int i = 0; i < 64; ++i) {
      FlatBufferBuilder builder;
      switch (random_() % 5) {
        case 0:
          finish<EventFamily>(builder, schema::CreateTransportChanged(builder, foreign_id(),
                                                                      static_cast<schema::TransportState>(random_() % 9),
                                                                      static_cast<schema::FailureReason>(random_() % 9)));
          break;
        case 1:
          finish<EventFamily>(builder,
                              schema::CreatePublicationChanged(builder, foreign_id(), static_cast<std::uint8_t>(random_())));
          break;
        case 2:
          finish<EventFamily>(
              builder, schema::CreateSubscriptionChanged(builder, foreign_id(), static_cast<std::uint8_t>(random_())));
          break;
        case 3:
          finish<EventFamily>(builder, schema::CreateGenerationApplied(builder, nasty()));
          break;
        case 4:
          finish<EventFamily>(builder, schema::CreateSnapshotWanted(builder, nasty(), nasty()));
          break;
      }
      send_mutated(shared_->events, builder);
    }
  }
  void hostile_handshakes() {
    recover(handshake_->to_handshaker);
    std::vector<std::uint8_t> bytes(random_() % 1500);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random_());
    if (bytes.size() > 13) {  // looks like a DTLS record
      bytes[0] = 22;
      bytes[1] = 254;
      bytes[2] = 253;
    }
    for (int i = 0; i < 16; ++i) {
      FlatBufferBuilder builder;
      const auto vector = builder.CreateVector(bytes);
      switch (random_() % 3) {
        case 0:
          finish<HandshakeFamily>(
              builder, schema::CreateHandshakeOpen(builder, foreign_id(), static_cast<std::uint8_t>(random_() % 3), vector));
          break;
        case 1:
          finish<HandshakeFamily>(builder, schema::CreateHandshakeDatagram(builder, foreign_id(), vector));
          break;
        case 2:
          finish<HandshakeFamily>(builder, schema::CreateHandshakeClose(builder, foreign_id()));
          break;
      }
      send_mutated(handshake_->to_handshaker, builder);
    }
  }
  void junk_from_sockets() {
    std::array<std::byte, 64> junk{};
    for (std::byte& byte : junk) byte = static_cast<std::byte>(random_());
    iovec part{junk.data(), junk.size()};
    mmsghdr message{};
    message.msg_hdr.msg_iov = &part;
    message.msg_hdr.msg_iovlen = 1;
    for (const int socket : sockets_) {
      if (socket >= 0) (void)::sendmmsg(socket, &message, 1, MSG_DONTWAIT);
    }
  }

  std::mt19937_64 random_;
  SharedSegment shared_;
  HandshakeSegment handshake_;
  std::vector<Region> others_;
  std::vector<Doorbell> bells_;
  std::vector<int> sockets_;
  std::uint64_t beats_ = 0;
};

/// What place the supervisor is about to give; it stays in the socket for whoever takes it.
WorkerAssignment wait_for_assignment(int socket) {
  WorkerAssignment assignment;
  ssize_t size = 0;
  do {
    size = ::recv(socket, &assignment, sizeof(assignment), MSG_PEEK);
  } while (size < 0 && errno == EINTR);
  if (size != sizeof(assignment)) std::exit(0);  // the supervisor went away
  return assignment;
}

int run(int count, char** words) {
  const std::span<char* const> all(words, static_cast<std::size_t>(count));
  const Arguments arguments(all.subspan(1));
  const int socket = static_cast<int>(arguments.number("descriptors", 1024));
  const std::array<char, 1> warm{'w'};
  (void)::send(socket, warm.data(), warm.size(), MSG_NOSIGNAL);
  if (wait_for_assignment(socket).index != 0) {
    const std::string worker = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "sluice-worker";
    (void)::execv(worker.c_str(), words);
    return 3;
  }
  const ConfinementOrder order = ConfinementOrder::from(all);
  give_up_rights(ProcessRole::worker, order);
  auto assigned = receive_assignment(socket);
  if (!assigned) return 2;
  Scribbler scribbler(assigned->descriptors, "0");
  const Confined confined = finish_confinement(ProcessRole::worker, order);
  std::array<char, 64> line{};
  const int size = std::snprintf(line.data(), line.size(), "scribbling filter=%s\n", confined.system_calls.c_str());
  (void)!::write(STDERR_FILENO, line.data(), static_cast<std::size_t>(size));
  // Until it is killed: SIGTERM has its default effect.
  while (true) {
    scribbler.turn();
    const timespec pause{0, 200'000};
    (void)::nanosleep(&pause, nullptr);
  }
}

}  // namespace

int main(int count, char** words) {
  try {
    return run(count, words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "scribbler failed: %s\n", error.what());
    return 1;
  }
}
