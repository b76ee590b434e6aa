#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "control/supervisor/child_user.hpp"
#include "control/supervisor/control_socket.hpp"
#include "shm/log/process_log.hpp"
#include "shm/types/address.hpp"
#include "shm/types/time.hpp"

namespace sluice::supervisor {

/// The programs that the supervisor starts.
struct Programs {
  std::filesystem::path control;
  std::filesystem::path worker;
  std::filesystem::path handshaker;
  std::filesystem::path keeper;
  std::filesystem::path server;  // this one: what an upgrade goes on with

  /// sluice-control and so on in the folder of the running program (/proc/self/exe).
  [[nodiscard]] static Programs beside_this_one();
  /// Those of the same names in another folder.
  [[nodiscard]] Programs in(const std::filesystem::path& folder) const;
  /// The first that is not there or cannot be executed; empty if all can.
  [[nodiscard]] std::filesystem::path missing() const;
};

/// A folder in which control keeps files of its own. It gets a descriptor of it, so that its user needs no right to walk there.
struct DataFolder {
  std::string name;            // of the descriptor: "folder.store"
  std::filesystem::path path;  // made if it is missing
  std::string file_prefix;     // of control's files there
};

/// What the supervisor needs to know, already checked: it parses nothing.
struct SupervisorConfig {
  std::uint16_t worker_count = 1;              // 1..256
  std::vector<std::uint16_t> cores;            // empty: workers are not pinned; else one for each worker
  std::uint16_t spares = 1;                    // worker processes that wait for a place
  std::uint16_t media_port = 40000;            // of worker 0; worker i has the i-th after it
  std::vector<SocketAddress> listen;           // at most one of each family; empty: all addresses
  std::string engine = "auto";                 // "auto", "io_uring" or "mmsg", as --engine of sluice-worker
  std::string control_config;                  // the resolved configuration, handed to control as it is (in "config")
  std::vector<std::string> control_arguments;  // added to control's command line
  /// Said on standard output when a running server was taken over: its control process has said it elsewhere, long ago.
  std::string ready_line;
  /// The first signal to stop goes to control alone, which drains the server and ends it by exit_drained.
  bool drain_on_sigterm = false;
  LogFormat log_format = LogFormat::line;
  IsolationConfig isolation;
  std::vector<DataFolder> data_folders;
  std::filesystem::path tls_certificate;  // copied for control; empty: none
  std::filesystem::path tls_key;
  ControlSocketPlace control_socket;
  std::filesystem::path runtime_folder;           // of the sockets (runtime_folder()); empty: no keeper, no upgrades
  std::vector<std::string> server_arguments;      // of Programs::server, to go on as the same server after an upgrade
  std::vector<std::string> check_arguments;       // with which it says by its status whether it would (check_takeover)
  Duration stop_limit = std::chrono::seconds(5);  // from the first stop signal to SIGKILL
  Programs programs = Programs::beside_this_one();
};

/// A child that ends with this status (EX_CONFIG of sysexits.h) has said on standard error why it cannot work as it is
/// configured. Before it has ever worked that ends the server, with status 1: starting it again would not help.
inline constexpr int exit_refused = 78;
/// Control ends with this status when the server was drained: then all of it ends, with status 0.
inline constexpr int exit_drained = 79;

}  // namespace sluice::supervisor
