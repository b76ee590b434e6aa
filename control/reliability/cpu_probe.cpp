#include "control/reliability/cpu_probe.hpp"

#include <chrono>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <utility>

namespace sluice {
namespace {

/// utime + stime, fields 14 and 15 of proc(5)'s stat; the name in field 2 may hold anything but ends at the last
/// parenthesis.
std::optional<std::uint64_t> ticks_of(const std::string& path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  std::uint64_t user = 0;
  std::uint64_t kernel = 0;
  if (!(fields >> user >> kernel)) return std::nullopt;
  return user + kernel;
}

}  // namespace

double CpuProbe::share(std::uint32_t slot, std::uint32_t pid, TimePoint now) {
  const auto ticks = ticks_of(root_ + "/proc/" + std::to_string(pid) + "/stat");
  if (!ticks) return 0;
  const Look before = std::exchange(looks_[slot], Look{pid, *ticks, now});
  if (before.pid != pid || before.ticks > *ticks || now <= before.at) return 0;
  const double spent = static_cast<double>(*ticks - before.ticks) / static_cast<double>(ticks_per_second_);
  return spent / std::chrono::duration<double>(now - before.at).count();
}

}  // namespace sluice
