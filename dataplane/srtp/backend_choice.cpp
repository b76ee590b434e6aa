#include "dataplane/srtp/backend_choice.hpp"

#include <stdexcept>

#include "dataplane/srtp/ipsec_mb_backend.hpp"
#include "dataplane/srtp/openssl_backend.hpp"

namespace sluice {

std::optional<SrtpBackendChoice> srtp_backend_choice(std::string_view text) noexcept {
  if (text == "auto") return SrtpBackendChoice::automatic;
  if (text == "openssl") return SrtpBackendChoice::openssl;
  if (text == "ipsec-mb") return SrtpBackendChoice::ipsec_mb;
  return std::nullopt;
}

std::unique_ptr<SrtpBackend> open_srtp_backend(SrtpBackendChoice choice) {
  if (choice != SrtpBackendChoice::openssl) {
    if (auto backend = open_ipsec_mb_backend()) return backend;
    if (choice == SrtpBackendChoice::ipsec_mb) {
      throw std::runtime_error(
          "the SRTP backend ipsec-mb cannot run here (it needs an x86-64 CPU with AES-NI, and a build with the library)");
    }
  }
  return std::make_unique<OpensslSrtpBackend>();
}

}  // namespace sluice
