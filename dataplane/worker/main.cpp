// sluice-worker: one media worker. Started by the supervisor only; see control/supervisor. It starts without a place in the
// server, does everything that needs none, and waits: a worker that dies is replaced by one that is warm already.
//   sluice-worker --descriptors=N [--engine=auto] [--srtp=auto] [--log=line]
//   sluice-worker --describe-layout     which segments this build adopts: "NAME MAJOR.MINOR HASH SIZE" a line
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "dataplane/engine/engine.hpp"
#include "dataplane/process/arguments.hpp"
#include "dataplane/process/pinning.hpp"
#include "dataplane/process/stop_signal.hpp"
#include "dataplane/srtp/backend_choice.hpp"
#include "dataplane/srtp/warm_up.hpp"
#include "dataplane/worker/crash_note.hpp"
#include "dataplane/worker/worker_channels.hpp"
#include "dataplane/worker/worker_core.hpp"
#include "dataplane/worker/worker_loop.hpp"
#include "dataplane/worker/worker_surroundings.hpp"
#include "shm/channel/blank_regions.hpp"
#include "shm/channel/pulse_segment.hpp"
#include "shm/channel/relay_segment.hpp"
#include "shm/confinement/confinement.hpp"
#include "shm/confinement/rights.hpp"
#include "shm/descriptors/worker_assignment.hpp"
#include "shm/log/process_log.hpp"
#include "shm/state_log/state_log_layout.hpp"
#include "shm/types/entropy.hpp"

// What jemalloc reads at start. A fan-out to hundreds of subscribers touches several pages for each of them, more than the
// processor remembers translations for; on huge pages it does not have to (docs/performance.md). Nothing happens where the
// kernel has them off, or where a sanitizer replaces jemalloc.
extern "C" {
const char* malloc_conf = "thp:always";
}

namespace sluice {

/// What looks at authenticated packets: nothing. The program with which tests show what a deadly packet does has its own.
[[gnu::weak]] PlaintextProbe* plaintext_probe() noexcept {
  return nullptr;
}

namespace {

EngineChoice engine_choice(const std::string& text) {
  for (const EngineChoice choice : {EngineChoice::automatic, EngineChoice::io_uring, EngineChoice::mmsg}) {
    if (text == to_string(choice)) return choice;
  }
  throw std::invalid_argument("--engine is auto, io_uring or mmsg");
}

SrtpBackendChoice srtp_choice(const std::string& text) {
  if (const auto choice = srtp_backend_choice(text)) return *choice;
  throw std::invalid_argument("--srtp is auto, openssl or ipsec-mb");
}

/// What ps shows: who looks for a worker finds one that works.
void show_as(const std::string& name) {
  (void)::prctl(PR_SET_NAME, name.c_str(), 0, 0, 0);
}

/// Waits for a place in the server; nothing when none will come, because the supervisor is gone or asks us to end.
std::optional<AssignedWorker> wait_for_place(int socket, int stop_fd) {
  // Tells the supervisor that we are warm. If it is gone, the wait says so.
  const std::array<char, 1> warm{'w'};
  (void)::send(socket, warm.data(), warm.size(), MSG_NOSIGNAL);
  std::array<pollfd, 2> watched{pollfd{socket, POLLIN, 0}, pollfd{stop_fd, POLLIN, 0}};
  while (watched[0].revents == 0) {
    (void)::poll(watched.data(), watched.size(), -1);
    if (watched[1].revents != 0) return std::nullopt;
  }
  auto assigned = receive_assignment(socket);
  if (assigned) return std::move(*assigned);
  if (assigned.error() == DescriptorError::closed) return std::nullopt;
  throw std::runtime_error("no assignment from the supervisor: " + std::string(to_string(assigned.error())));
}

void print_identity(const char* name, const SegmentIdentity& identity) {
  std::printf("%s %u.%u %016" PRIx64 " %" PRIu64 "\n", name, static_cast<unsigned>(identity.major),
              static_cast<unsigned>(identity.minor), identity.layout_hash, identity.size_bytes);
}

/// Those of the other programs as well: they are built together.
int describe_layout() {
  print_identity("recovery", RecoverySegment::identity());
  print_identity("shared", SharedSegment::identity());
  print_identity("handshake", HandshakeSegment::identity());
  print_identity("relay", RelaySegment::identity());
  print_identity("pulse", PulseSegment::identity());
  print_identity("wishes", state_log_identity(BlankRegions::wishes_bytes));
  print_identity("control-state", state_log_identity(BlankRegions::control_state_bytes));
  return 0;
}

/// From here on it can do nothing but its work: see docs/isolation.md.
void close_behind(Engine& engine, const ConfinementOrder& order, const ProcessLog& log) {
  engine.start();
  const Confined confined = finish_confinement(ProcessRole::worker, order);
  log.info("confined", {{"user", confined.user},
                        {"capabilities", confined.capabilities},
                        {"system_calls", confined.system_calls},
                        {"locked_memory", confined.locked_memory},
                        {"ring", engine.name() != "io_uring" ? "none"
                                 : engine.restricted()       ? "restricted"
                                                             : "not restricted"}});
}

void stay_on_core(std::int32_t core, const ProcessLog& log) {
  if (core == WorkerAssignment::no_core) return;
  if (const auto error = pin_to_core(static_cast<std::uint32_t>(core))) {
    log.warn("cannot stay on its core, check workers.cores",
             {{"core", std::to_string(core)}, {"reason", std::strerror(*error)}});
  }
}

/// Does nothing that takes long before the loop runs: datagrams wait in the sockets meanwhile.
void work(const AssignedWorker& assigned, EngineConfig config, SrtpBackend& srtp, const ConfinementOrder& order, int stop_fd,
          const ProcessLog& log) {
  const auto& [assignment, descriptors] = assigned;
  stay_on_core(assignment.core, log);
  WorkerChannels channels(descriptors, assignment.index, assignment.blank != 0);
  // Tuple::socket is the same on all workers: a moved peer is answered from the socket that it knows.
  for (std::uint16_t i = 0; i < channels.relays.workers(); ++i) {
    const std::string name = "socket." + std::to_string(i);
    config.sockets.push_back(descriptors.find(name + ".v4"));
    config.sockets.push_back(descriptors.find(name + ".v6"));
  }
  config.receive_begin = std::size_t{2} * assignment.index;
  config.receive_end = config.receive_begin + 2;
  std::string why_not_io_uring;
  const std::unique_ptr<Engine> engine = open_engine(config, &why_not_io_uring);
  SystemEntropy entropy;
  EventRing events(channels.events);
  HandshakeRing handshakes(channels.to_handshaker);
  WorkerCore core(WorkerSurroundings{.recovery = RecoveryView::of(*channels.recovery),
                                     .live = channels.shared->live,
                                     .counters = channels.shared->counters,
                                     .entropy = entropy,
                                     .datagrams = *engine,
                                     .events = events,
                                     .handshakes = handshakes,
                                     .incarnation = channels.incarnation,
                                     .wishes = &channels.wishes,
                                     .note = &channels.recovery->note,
                                     .fate = assignment.fate,
                                     .probe = plaintext_probe(),
                                     .relays = &channels.relays,
                                     .self = WorkerId{assignment.index},
                                     .workers = channels.relays.workers(),
                                     .backend = &srtp});
  note_crashes_in(channels.recovery->note);
  const WorkerCore::Adopted adopted = core.adopt(engine->now());
  WorkerLoop loop(*engine, core, channels, stop_fd);
  close_behind(*engine, order, log);
  log.info("ready", {{"engine", std::string(engine->name())},
                     {"incarnation", std::to_string(channels.incarnation)},
                     {"srtp", std::string(srtp.name())},
                     {"transports", std::to_string(adopted.transports)},
                     {"keyed", std::to_string(adopted.keyed)}});
  if (adopted.blamed != 0) {
    log.error(adopted.quarantined ? "the predecessor died of a session's work again: quarantined"
                                  : "the predecessor died of a session's work",
              {{"transport_slot", std::to_string(TransportId::unpack(adopted.blamed).slot)}});
  }
  if (adopted.unsound > 0) log.warn("found unsound records", {{"count", std::to_string(adopted.unsound)}});
  if (!why_not_io_uring.empty()) log.info("io_uring is not used", {{"reason", why_not_io_uring}});
  loop.run();
  log.info("ends");
}

int run(std::span<char* const> words, const Arguments& arguments) {
  const LogFormat format = log_format_from(arguments.text("log", "line"));
  std::string process = "spare";
  try {
    const StopSignal stop;
    const auto order = ConfinementOrder::from(words);
    give_up_rights(ProcessRole::worker, order);
    EngineConfig config;
    config.choice = engine_choice(arguments.text("engine", "auto"));
    const Descriptor socket(static_cast<int>(arguments.number("descriptors", 1024)));
    const std::unique_ptr<SrtpBackend> srtp = open_srtp_backend(srtp_choice(arguments.text("srtp", "auto")));
    warm_up_ciphers();
    show_as("sluice-spare");
    const std::optional<AssignedWorker> assigned = wait_for_place(socket.get(), stop.fd());
    if (!assigned) return 0;
    const std::string index = std::to_string(assigned->assignment.index);
    process = "worker-" + index;
    show_as("sluice-work-" + index);
    work(*assigned, config, *srtp, order, stop.fd(), ProcessLog(process, format));
    return 0;
  } catch (const std::exception& error) {
    ProcessLog(process, format).error("cannot work", {{"reason", error.what()}});
    return 1;
  }
}

}  // namespace
}  // namespace sluice

int main(int count, char** words) {
  const std::span<char* const> all(words, static_cast<std::size_t>(count));
  try {
    const sluice::Arguments arguments(all.subspan(1));
    return arguments.has("describe-layout") ? sluice::describe_layout() : sluice::run(all, arguments);
  } catch (const std::exception& error) {
    sluice::ProcessLog("worker", sluice::LogFormat::line).error("is started by sluice serve", {{"reason", error.what()}});
    return 1;
  }
}
