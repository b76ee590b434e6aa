// uses: control_security_audit
// audit_bench [MEGABYTES]: how fast an audit log is written, searched, exported and proven. Makes one of that size (default
// 1024) in the folder for temporary files, and removes it. Wall clock: what an operator waits.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "control/security/audit/audit_log.hpp"
#include "control/security/audit/audit_verify.hpp"

namespace {

using namespace sluice;
namespace fs = std::filesystem;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void until(AuditLog& log, const std::function<bool()>& done) {
  while (!done()) {
    pollfd waiting{log.fd(), POLLIN, 0};
    (void)::poll(&waiting, 1, 1000);
    log.drain();
  }
}

void search(AuditLog& log, const char* what, AuditFilter filter) {
  for (int round = 0; round < 3; ++round) {
    const auto start = std::chrono::steady_clock::now();
    std::optional<std::size_t> found;
    log.query(filter, [&](std::optional<std::vector<std::string>> lines) { found = lines ? lines->size() : 0; });
    until(log, [&] { return found.has_value(); });
    std::printf("%-44s %8.3f s  (%zu entries)\n", what, seconds_since(start), *found);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t megabytes = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1024;
  std::string name = fs::temp_directory_path() / "audit-bench-XXXXXX";
  const fs::path folder = ::mkdtemp(name.data());
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  StateLog journal = *StateLog::open(*Region::create("bench", std::size_t{64} << 20U));
  AuditLogOptions options;
  options.chain_key = "key";
  options.file = AuditFile::Options{descriptor.get(), "audit.ndjson", 104'857'600};
  std::int64_t now = 1'714'000'000'000;
  {
    AuditLog log(options, journal, [&] { return now; });
    log.begin();
    const auto start = std::chrono::steady_clock::now();
    std::size_t bytes = 0;
    std::size_t lines = 0;
    while (bytes < megabytes << 20U) {
      const std::string peer = std::to_string(lines * 2'654'435'761U % 1'000'003);
      const std::string members = R"("peerId":"6f1c0d3e-0000-4000-8000-)" + peer + R"(","roomId":"room-)" +
                                  std::to_string(lines % 1000) +
                                  R"(","sub":null,"role":"viewer","caps":["subscribe","data"],"ip":"192.0.2.1")";
      log.log(lines == 12'345 ? "needle" : "peer:joined", members);
      bytes += members.size() + 170;
      ++now;
      if (++lines % 5000 == 0) {  // what a loop does between its turns
        bool done = false;
        log.commit([&](bool) { done = true; });
        until(log, [&] { return done; });
      }
    }
    const double took = seconds_since(start);
    std::printf("%zu entries written and synced in groups of 5000: %.1f s, %.0f entries/s\n", lines, took,
                static_cast<double>(lines) / took);
    AuditFilter newest;
    newest.limit = 100'000;
    search(log, "export: the newest 100,000", newest);
    AuditFilter needle;
    needle.event = "needle";
    search(log, "query: one entry, near the beginning", needle);
    AuditFilter nobody;
    nobody.peer = "nobody";
    search(log, "query: nothing fits", nobody);
    AuditFilter room;
    room.room = "room-77";
    room.limit = 100'000;
    search(log, "query: every thousandth entry", room);
    AuditFilter recent;
    recent.since = now - 20'000;
    recent.limit = 100'000;
    search(log, "query: since 20,000 entries ago", recent);
  }
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  const auto start = std::chrono::steady_clock::now();
  const AuditVerdict verdict = verify_audit(files, "key", {});
  std::printf("%-44s %8.3f s  (%s)\n", "verify: every line", seconds_since(start),
              verdict.intact ? "intact" : verdict.fault.c_str());
  fs::remove_all(folder);
  return verdict.intact ? 0 : 1;
}
