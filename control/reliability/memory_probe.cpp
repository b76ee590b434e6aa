#include "control/reliability/memory_probe.hpp"

#include <algorithm>

#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>

namespace sluice {
namespace {

std::optional<std::string> contents(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

std::optional<std::uint64_t> number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  std::uint64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) return std::nullopt;
  return value;
}

/// The number behind `name` at the beginning of a line.
std::optional<std::uint64_t> field(const std::string& text, std::string_view name) {
  std::size_t at = text.starts_with(name) ? 0 : text.find("\n" + std::string(name));
  if (at == std::string::npos) return std::nullopt;
  if (at != 0 || !text.starts_with(name)) ++at;
  return number(std::string_view(text).substr(at + name.size()));
}

std::uint64_t resident(const std::string& root) {
  const auto status = contents(root + "/proc/self/status");
  return status ? field(*status, "VmRSS:\t").value_or(0) * 1024 : 0;
}

/// The folder of this process's group in the unified hierarchy.
std::optional<std::string> cgroup_folder(const std::string& root) {
  const auto text = contents(root + "/proc/self/cgroup");
  if (!text) return std::nullopt;
  constexpr std::string_view unified = "0::";
  const std::size_t at = text->starts_with(unified) ? 0 : text->find("\n0::");
  if (at == std::string::npos) return std::nullopt;
  const std::size_t start = text->find("0::", at) + unified.size();
  return root + "/sys/fs/cgroup" + text->substr(start, text->find('\n', start) - start);
}

std::optional<MemoryReading> container(const std::string& root) {
  const auto folder = cgroup_folder(root);
  if (!folder) return std::nullopt;
  const auto max = contents(*folder + "/memory.max");
  const auto current = contents(*folder + "/memory.current");
  const auto limit = max ? number(*max) : std::nullopt;  // "max": no limit
  const auto used = current ? number(*current) : std::nullopt;
  if (!limit || !used) return std::nullopt;
  const auto detail = contents(*folder + "/memory.stat");
  const std::uint64_t cache = detail ? field(*detail, "inactive_file ").value_or(0) : 0;  // given back when it is needed
  return MemoryReading{*used - std::min(*used, cache), *limit};
}

}  // namespace

MemoryReading read_memory(std::uint64_t configured_limit, const std::string& root) {
  if (configured_limit > 0) return {resident(root), configured_limit};
  if (const auto found = container(root)) return *found;
  const auto info = contents(root + "/proc/meminfo");
  return {resident(root), info ? field(*info, "MemTotal:").value_or(0) * 1024 : 0};
}

}  // namespace sluice
