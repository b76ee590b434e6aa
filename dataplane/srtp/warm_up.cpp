#include "dataplane/srtp/warm_up.hpp"

#include "dataplane/srtp/openssl_backend.hpp"
#include "dataplane/srtp/session_keys.hpp"

namespace sluice {

void warm_up_ciphers() {
  OpensslSrtpBackend backend;
  for (const SrtpProfile profile :
       {SrtpProfile::aes128_cm_sha1_80, SrtpProfile::aead_aes_128_gcm, SrtpProfile::aead_aes_256_gcm}) {
    SrtpKeys master;
    master.profile_number = static_cast<std::uint16_t>(profile);
    const SessionKeys keys = derive_session_keys(master);
    (void)backend.make_sealing_context(keys);
    (void)backend.make_opening_context(keys);
  }
}

}  // namespace sluice
