#include "control/supervisor/launches.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "control/supervisor/adoption.hpp"
#include "control/supervisor/data_folder.hpp"
#include "control/supervisor/local_socket.hpp"
#include "control/supervisor/start_error.hpp"
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

/// Removes a file at the end, if it still has its name then.
struct RemovedName {
  std::filesystem::path path;
  ~RemovedName() { (void)::unlink(path.c_str()); }
};

}  // namespace

ChildProcess Launches::keeper() const {
  const std::filesystem::path path = keeper_path(config_);
  // Under another name first: the socket of the keeper before it, if there is one, is replaced at one stroke, when this one
  // has everything.
  const std::filesystem::path fresh = path.string() + ".new";
  (void)::unlink(fresh.c_str());
  const Descriptor listener = listen_at(fresh);
  const RemovedName leftover{fresh};
  if (!listener.valid()) throw StartError("Cannot listen at " + fresh.string() + ": " + std::strerror(errno) + ".");
  const Descriptor own_pidfd(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  Launch launch{
      config_.programs.keeper,
      {"--supervisor=" + std::to_string(::getpid()), "--owner=" + std::to_string(::geteuid()), log_argument(config_)},
      inherited_environment(Inherit::without_configuration)};
  add(launch.arguments, users_.arguments(ProcessRole::keeper));
  ChildProcess process = ChildProcess::start(launch);
  roster_.note({Place::Kind::keeper}, process.pid());
  std::vector<NamedDescriptor> descriptors = holdings_.for_keeper();
  descriptors.push_back({"roster", roster_.fd()});
  descriptors.push_back({"listener", listener.get()});
  descriptors.push_back({"supervisor", own_pidfd.get()});
  process.give(descriptors);
  (void)::rename(fresh.c_str(), path.c_str());
  return process;
}

ChildProcess Launches::handshaker() const {
  Launch launch{config_.programs.handshaker,
                {workers_argument(config_), log_argument(config_)},
                inherited_environment(Inherit::without_configuration)};
  add(launch.arguments, users_.arguments(ProcessRole::handshaker));
  ChildProcess process = ChildProcess::start(launch);
  roster_.note({Place::Kind::handshaker}, process.pid());
  process.give(holdings_.for_handshaker());
  return process;
}

ChildProcess Launches::control() const {
  Launch launch{config_.programs.control,
                {workers_argument(config_), "--fingerprint=" + holdings_.fingerprint()},
                inherited_environment(Inherit::everything)};
  add(launch.arguments, users_.arguments(ProcessRole::control));
  add(launch.arguments, config_.control_arguments);
  (void)holdings_.control_ready().silence();
  ChildProcess process = ChildProcess::start(launch);
  roster_.note({Place::Kind::control}, process.pid());
  std::vector<NamedDescriptor> descriptors = holdings_.for_control();
  std::vector<Descriptor> folders;
  for (const DataFolder& wanted : config_.data_folders) {
    // Without it control does without, and says so.
    if (Descriptor folder = open_data_folder(wanted, users_.control_user(), log_); folder.valid()) {
      descriptors.push_back({wanted.name, folder.get()});
      folders.push_back(std::move(folder));
    }
  }
  process.give(descriptors);
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
  roster_.note({Place::Kind::worker, index}, spare.pid());
  // One that died meanwhile does not take it; its pidfd says so.
  (void)send_assignment(spare.socket(), assignment, holdings_.for_worker(index));
  spare.close_socket();
}

}  // namespace sluice::supervisor
