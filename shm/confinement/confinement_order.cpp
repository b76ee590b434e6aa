#include "shm/confinement/confinement_order.hpp"

#include <array>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace sluice {
namespace {

constexpr std::array<std::pair<FilterMode, std::string_view>, 3> filter_modes{{
    {FilterMode::enforce, "enforce"},
    {FilterMode::log, "log"},
    {FilterMode::off, "off"},
}};

std::uint32_t id_of(std::string_view name, std::string_view text) {
  std::uint32_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  // Zero is root, the largest one means "none" to the kernel.
  if (error != std::errc() || end != text.data() + text.size() || id == 0 || id == UINT32_MAX) {
    throw std::invalid_argument(std::string(name) + " wants the number of a user or group that is not root");
  }
  return id;
}

}  // namespace

std::string_view to_string(ProcessRole role) noexcept {
  switch (role) {
    case ProcessRole::control:
      return "control";
    case ProcessRole::handshaker:
      return "handshaker";
    case ProcessRole::keeper:
      return "keeper";
    case ProcessRole::worker:
      return "worker";
  }
  return "unknown";
}

std::string_view to_string(FilterMode mode) noexcept {
  for (const auto& [known, name] : filter_modes) {
    if (known == mode) return name;
  }
  return "unknown";
}

std::optional<FilterMode> filter_mode_from(std::string_view text) noexcept {
  for (const auto& [mode, name] : filter_modes) {
    if (name == text) return mode;
  }
  return std::nullopt;
}

std::vector<std::string> ConfinementOrder::arguments() const {
  std::vector<std::string> result;
  if (user) {
    result.push_back("--user=" + std::to_string(user->user));
    result.push_back("--group=" + std::to_string(user->group));
  }
  result.push_back("--seccomp=" + std::string(to_string(filter)));
  if (low_ports) result.emplace_back("--low-ports");
  return result;
}

ConfinementOrder ConfinementOrder::from(std::span<char* const> words) {
  ConfinementOrder order;
  std::optional<std::uint32_t> user;
  std::optional<std::uint32_t> group;
  for (const char* text : words) {
    const std::string_view word(text);
    const std::size_t equals = std::min(word.find('='), word.size());
    const std::string_view name = word.substr(0, equals);
    const std::string_view value = word.substr(std::min(equals + 1, word.size()));
    if (name == "--user") user = id_of(name, value);
    if (name == "--group") group = id_of(name, value);
    if (name == "--low-ports") order.low_ports = true;
    if (name != "--seccomp") continue;
    const std::optional<FilterMode> mode = filter_mode_from(value);
    if (!mode) throw std::invalid_argument("--seccomp is enforce, log or off");
    order.filter = *mode;
  }
  if (user.has_value() != group.has_value()) throw std::invalid_argument("--user and --group go together");
  if (user) order.user = UserIds{*user, *group};
  return order;
}

}  // namespace sluice
