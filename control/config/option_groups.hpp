#pragma once

#include <span>

#include "control/config/option.hpp"

/// The options of each part of the server, one file each; all_options() joins them.
namespace sluice::config {

[[nodiscard]] std::span<const Option> core_options() noexcept;      // listeners, media, workers, isolation, logs
[[nodiscard]] std::span<const Option> policy_options() noexcept;    // admission, tokens, consent, moderation, keys
[[nodiscard]] std::span<const Option> security_options() noexcept;  // limits, threats, audit, sessions, retention, store
[[nodiscard]] std::span<const Option> observability_options() noexcept;  // metrics, health, traces, alerts, webhooks
[[nodiscard]] std::span<const Option> api_options() noexcept;            // governance, control socket, dashboard
[[nodiscard]] std::span<const Option> dialect_options() noexcept;        // the client protocols

}  // namespace sluice::config
