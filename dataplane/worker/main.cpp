// sluice-worker: one media worker. Started by the supervisor only; see control/supervisor.
#include <cstring>
#include <exception>
#include <memory>
#include <string>

#include "dataplane/engine/engine.hpp"
#include "dataplane/process/arguments.hpp"
#include "dataplane/process/confinement.hpp"
#include "dataplane/process/stop_signal.hpp"
#include "dataplane/worker/worker_channels.hpp"
#include "dataplane/worker/worker_core.hpp"
#include "dataplane/worker/worker_loop.hpp"
#include "dataplane/worker/worker_surroundings.hpp"
#include "shm/descriptors/descriptor_set.hpp"
#include "shm/log/process_log.hpp"
#include "shm/types/entropy.hpp"

namespace sluice {
namespace {

EngineChoice engine_choice(const std::string& text) {
  for (const EngineChoice choice : {EngineChoice::automatic, EngineChoice::io_uring, EngineChoice::mmsg}) {
    if (text == to_string(choice)) return choice;
  }
  throw std::invalid_argument("--engine is auto, io_uring or mmsg");
}

DescriptorSet receive_from_supervisor(const Arguments& arguments) {
  const Descriptor socket(static_cast<int>(arguments.number("descriptors", 1024)));
  auto descriptors = receive_descriptors(socket.get());
  if (!descriptors)
    throw std::runtime_error("no descriptors from the supervisor: " + std::string(to_string(descriptors.error())));
  return std::move(*descriptors);
}

void run(const Arguments& arguments, std::uint16_t index, const ProcessLog& log) {
  const StopSignal stop;
  if (arguments.has("core")) {
    const std::uint32_t core = arguments.number("core", 65535);
    if (const auto error = pin_to_core(core)) {
      log.warn("cannot stay on its core, check workers.cores",
               {{"core", std::to_string(core)}, {"reason", std::strerror(*error)}});
    }
  }
  const DescriptorSet descriptors = receive_from_supervisor(arguments);
  const std::string name = "socket." + std::to_string(index);
  EngineConfig config;
  config.choice = engine_choice(arguments.text("engine", "auto"));
  config.sockets = {descriptors.find(name + ".v4"), descriptors.find(name + ".v6")};

  WorkerChannels channels(descriptors, index);
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
                                     .incarnation = channels.incarnation});
  WorkerLoop loop(*engine, core, channels, stop.fd());
  log.info("ready", {{"engine", std::string(engine->name())}, {"incarnation", std::to_string(channels.incarnation)}});
  if (!why_not_io_uring.empty()) log.info("io_uring is not used", {{"reason", why_not_io_uring}});
  loop.run();
  log.info("ends");
}

}  // namespace
}  // namespace sluice

int main(int count, char** words) {
  try {
    const sluice::Arguments arguments(std::span<char* const>(words, static_cast<std::size_t>(count)).subspan(1));
    const auto index = static_cast<std::uint16_t>(arguments.number("index", 1023));
    const sluice::ProcessLog log("worker-" + std::to_string(index), sluice::log_format_from(arguments.text("log", "line")));
    try {
      sluice::guard_process_memory();
      sluice::run(arguments, index, log);
      return 0;
    } catch (const std::exception& error) {
      log.error("cannot work", {{"reason", error.what()}});
    }
  } catch (const std::exception& error) {
    sluice::ProcessLog("worker", sluice::LogFormat::line).error("is started by sluice serve", {{"reason", error.what()}});
  }
  return 1;
}
