#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "dataplane/srtp/srtp_backend.hpp"

namespace sluice {

/// What a start-up option says.
enum class SrtpBackendChoice : std::uint8_t {
  automatic,  ///< the fastest that runs here: ipsec-mb, else OpenSSL
  openssl,
  ipsec_mb,
};

/// "auto", "openssl" or "ipsec-mb".
[[nodiscard]] std::optional<SrtpBackendChoice> srtp_backend_choice(std::string_view text) noexcept;

/// Opens the backend before the process gives up its rights: ipsec-mb tests itself, which takes milliseconds. Throws
/// std::runtime_error (one sentence) if the one that was asked for cannot run here.
[[nodiscard]] std::unique_ptr<SrtpBackend> open_srtp_backend(SrtpBackendChoice choice);

}  // namespace sluice
