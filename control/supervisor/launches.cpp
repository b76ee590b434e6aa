#include "control/supervisor/launches.hpp"

#include <string>
#include <utility>

#include "shm/descriptors/worker_assignment.hpp"

namespace sluice::supervisor {
namespace {

std::string log_argument(const SupervisorConfig& config) {
  return "--log=" + std::string(to_string(config.log_format));
}

std::string workers_argument(const SupervisorConfig& config) {
  return "--workers=" + std::to_string(config.worker_count);
}

void add(std::vector<std::string>& arguments, const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
}

}  // namespace

ChildProcess Launches::handshaker() const {
  Launch launch{config_.programs.handshaker,
                {workers_argument(config_), log_argument(config_)},
                inherited_environment(Inherit::without_configuration)};
  add(launch.arguments, users_.arguments(ProcessRole::handshaker));
  ChildProcess process = ChildProcess::start(launch);
  process.give(holdings_.for_handshaker());
  return process;
}

ChildProcess Launches::control() const {
  Launch launch{config_.programs.control,
                {workers_argument(config_), "--fingerprint=" + holdings_.fingerprint()},
                inherited_environment(Inherit::everything)};
  add(launch.arguments, users_.arguments(ProcessRole::control));
  add(launch.arguments, config_.control_arguments);
  ChildProcess process = ChildProcess::start(launch);
  process.give(holdings_.for_control());
  return process;
}

ChildProcess Launches::spare() const {
  Launch launch{config_.programs.worker,
                {"--engine=" + config_.engine, log_argument(config_)},
                inherited_environment(Inherit::without_configuration)};
  add(launch.arguments, users_.arguments(ProcessRole::worker));
  return ChildProcess::start(launch);
}

void Launches::assign(ChildProcess& spare, std::uint16_t index, const Child::Start& start) const {
  WorkerAssignment assignment;
  assignment.index = index;
  assignment.fate = start.fate;
  assignment.blank = start.blank ? 1 : 0;
  if (index < config_.cores.size()) assignment.core = config_.cores[index];
  // One that died meanwhile does not take it; its pidfd says so.
  (void)send_assignment(spare.socket(), assignment, holdings_.for_worker(index));
  spare.close_socket();
}

}  // namespace sluice::supervisor
