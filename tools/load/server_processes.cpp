#include "tools/load/server_processes.hpp"

#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace sluice::load {

namespace {

namespace fs = std::filesystem;

constexpr int parent_field = 1;  // of /proc/PID/stat behind the name: state, parent
constexpr const char* listening = "0A";

std::optional<std::string> read_text(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string directory_of(pid_t process) {
  return "/proc/" + std::to_string(process);
}

pid_t parent_of(pid_t process) {
  const std::optional<std::string> stat = read_text(directory_of(process) + "/stat");
  const std::size_t end = stat ? stat->rfind(')') : std::string::npos;
  if (end == std::string::npos) return 0;
  std::istringstream fields(stat->substr(end + 1));
  std::string state;
  pid_t parent = 0;
  static_assert(parent_field == 1);
  fields >> state >> parent;
  return state == "Z" ? 0 : parent;
}

std::string name_of(pid_t process) {
  std::string name = read_text(directory_of(process) + "/comm").value_or("");
  while (!name.empty() && name.back() == '\n') name.pop_back();
  return name;
}

/// comm holds 15 characters; the whole name stands at the end of the program's path.
std::string long_name_of(pid_t process) {
  constexpr std::size_t comm_max = 15;
  const std::string name = name_of(process);
  if (name.size() < comm_max) return name;
  const std::string command = read_text(directory_of(process) + "/cmdline").value_or("");
  const std::string path = command.substr(0, command.find('\0'));
  const std::string program = path.substr(path.rfind('/') + 1);
  return program.starts_with(name) ? program : name;
}

std::vector<pid_t> all_processes() {
  std::vector<pid_t> result;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    pid_t process = 0;
    const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), process);
    if (failed == std::errc() && end == name.data() + name.size()) result.push_back(process);
  }
  return result;
}

/// Inodes of the TCP sockets that listen on `port`.
std::set<std::string> listening_inodes(std::uint16_t port) {
  std::set<std::string> inodes;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      std::istringstream fields(line);
      std::string slot, local, remote, state, queues, timer, retransmits, user, timeout, inode;
      fields >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> user >> timeout >> inode;
      unsigned local_port = 0;
      const std::size_t colon = local.rfind(':');
      if (colon == std::string::npos || state != listening) continue;
      std::from_chars(local.data() + colon + 1, local.data() + local.size(), local_port, 16);
      if (local_port == port) inodes.insert("socket:[" + inode + "]");
    }
  }
  return inodes;
}

bool holds_any(pid_t process, const std::set<std::string>& inodes) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory_of(process) + "/fd", error)) {
    std::error_code unreadable;
    const fs::path target = fs::read_symlink(entry.path(), unreadable);
    if (!unreadable && inodes.contains(target.string())) return true;
  }
  return false;
}

}  // namespace

std::optional<ProcessUse> use_of(pid_t process) {
  ProcessUse use;
  use.name = long_name_of(process);
  if (use.name.empty()) return std::nullopt;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory_of(process) + "/task", error)) {
    std::ifstream file(entry.path() / "schedstat");
    std::int64_t ns = 0;
    if (file >> ns) use.cpu_ns += ns;
  }
  std::ifstream statm(directory_of(process) + "/statm");
  std::int64_t pages = 0;
  std::int64_t resident = 0;
  if (statm >> pages >> resident) use.rss_bytes = resident * sysconf(_SC_PAGESIZE);
  return use;
}

ServerProcesses::ServerProcesses(pid_t root) {
  known_[root] = {};
  look();
}

std::optional<ServerProcesses> ServerProcesses::of(pid_t root) {
  if (name_of(root).empty()) return std::nullopt;
  return ServerProcesses(root);
}

std::optional<ServerProcesses> ServerProcesses::listening_on(std::uint16_t port) {
  const std::set<std::string> inodes = listening_inodes(port);
  if (inodes.empty()) return std::nullopt;
  for (pid_t process : all_processes()) {
    if (!name_of(process).starts_with("sluice") || !holds_any(process, inodes)) continue;
    for (pid_t parent = parent_of(process); parent > 1 && name_of(parent).starts_with("sluice"); parent = parent_of(parent))
      process = parent;
    return ServerProcesses(process);
  }
  return std::nullopt;
}

void ServerProcesses::look() {
  // Parents may have larger numbers than their children: again until nobody is new.
  std::map<pid_t, pid_t> parents;
  for (const pid_t process : all_processes()) parents[process] = parent_of(process);
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& [process, parent] : parents) {
      if (known_.contains(process) || !known_.contains(parent) || !known_[parent].alive) continue;
      known_[process] = {};
      grown = true;
    }
  }
  for (auto& [process, known] : known_) {
    if (!known.alive) continue;
    const std::optional<ProcessUse> use = parents.contains(process) ? use_of(process) : std::nullopt;
    if (!use || (!known.use.name.empty() && use->cpu_ns < known.use.cpu_ns)) {
      known.alive = false;  // it died, or its number is another's now
      continue;
    }
    known.use = *use;
  }
}

void ServerProcesses::mark_memory() {
  look();
  memory_before_.clear();
  for (const auto& [process, known] : known_) {
    if (known.alive) memory_before_[known.use.name] += known.use.rss_bytes;
  }
}

void ServerProcesses::mark() {
  look();
  for (auto& [process, known] : known_) {
    known.cpu_at_mark = known.use.cpu_ns;
    known.since_mark = known.alive;
  }
}

std::vector<ProcessGroup> ServerProcesses::groups() const {
  std::map<std::string, ProcessGroup> by_name;
  for (const auto& [process, known] : known_) {
    if (!known.since_mark) continue;
    ProcessGroup& group = by_name[known.use.name];
    group.name = known.use.name;
    group.cpu_ns += known.use.cpu_ns - known.cpu_at_mark;
    if (known.alive) group.rss_after += known.use.rss_bytes;
    ++group.processes;
  }
  std::vector<ProcessGroup> result;
  for (auto& [name, group] : by_name) {
    const auto before = memory_before_.find(name);
    if (before != memory_before_.end()) group.rss_before = before->second;
    result.push_back(group);
  }
  return result;
}

std::int64_t ServerProcesses::memory_growth() const {
  std::int64_t growth = 0;
  for (const auto& [process, known] : known_) {
    if (known.alive) growth += known.use.rss_bytes;
  }
  for (const auto& [name, bytes] : memory_before_) growth -= bytes;
  return growth;
}

}  // namespace sluice::load
