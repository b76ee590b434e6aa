#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "shm/types/time.hpp"

/// What a service manager (systemd, Type=notify) is told: datagrams on the socket that NOTIFY_SOCKET names (sd_notify(3)).
namespace sluice {

/// Sends lines such as "READY=1". False when nobody wants to know, or could not be told.
bool notify_service_manager(std::string_view state) noexcept;

/// What became of a message with a descriptor.
enum class Told : std::uint8_t {
  yes,     ///< the manager will read it
  later,   ///< its queue is full: try again
  nobody,  ///< there is none, or it cannot be reached
};
/// Sends lines such as "FDSTORE=1", with a duplicate of `fd` when that is not negative. Does not wait.
[[nodiscard]] Told give_service_manager(std::string_view state, int fd) noexcept;

/// How often WATCHDOG=1 is to be sent: half of what WATCHDOG_USEC allows; nothing without a watchdog, or when it is meant
/// for another process (WATCHDOG_PID).
[[nodiscard]] std::optional<Duration> watchdog_period() noexcept;

}  // namespace sluice
