// uses: dataplane_srtp
// Random bytes into a keyed receiver: nothing may be authentic, so nothing may change, and all backends say the same of it.
// The first byte chooses the profile and the kind; the rest is the packet.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "dataplane/srtp/backend_choice.hpp"
#include "dataplane/srtp/srtp_receiver.hpp"

using namespace sluice;

namespace {

struct Peer {
  Peer(SrtpProfile profile, SrtpBackendChoice choice) : backend(open_srtp_backend(choice)) {
    const SrtpProfileSizes sizes = sizes_of(profile);
    const std::vector<std::byte> key_salt(sizes.master_key + sizes.master_salt, std::byte{0x5a});
    receiver.set_keys(*SrtpKeys::from_key_salt(profile, key_salt));
  }
  SrtpError refuse(std::vector<std::byte> packet, bool rtcp) {
    const SrtpReceiverState before = state;
    const auto opened = rtcp ? receiver.open_rtcp(packet) : receiver.open_rtp(packet);
    if (opened || std::memcmp(&before, &state, sizeof before) != 0) std::abort();
    return opened.error();
  }
  std::unique_ptr<SrtpBackend> backend;
  SrtpReceiverState state;
  SrtpReceiver receiver{state, *backend};
};

std::vector<std::unique_ptr<Peer>> make_peers(SrtpBackendChoice choice) {
  std::vector<std::unique_ptr<Peer>> peers;
  for (const auto profile : {SrtpProfile::aes128_cm_sha1_80, SrtpProfile::aead_aes_128_gcm, SrtpProfile::aead_aes_256_gcm}) {
    peers.push_back(std::make_unique<Peer>(profile, choice));
  }
  return peers;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const auto plain = make_peers(SrtpBackendChoice::openssl);
  static const auto fast = make_peers(SrtpBackendChoice::automatic);
  const std::size_t profile = data[0] % plain.size();
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  const std::vector<std::byte> packet(bytes + 1, bytes + size);
  const bool rtcp = (data[0] & 0x80U) != 0;
  if (plain[profile]->refuse(packet, rtcp) != fast[profile]->refuse(packet, rtcp)) std::abort();
  return 0;
}
