// uses: dataplane_srtp
// Random bytes into a keyed receiver: nothing may be authentic, so nothing may change. The first byte chooses the profile
// and the kind; the rest is the packet.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "dataplane/srtp/openssl_backend.hpp"
#include "dataplane/srtp/srtp_receiver.hpp"

using namespace sluice;

namespace {

struct Peer {
  explicit Peer(SrtpProfile profile) {
    const SrtpProfileSizes sizes = sizes_of(profile);
    const std::vector<std::byte> key_salt(sizes.master_key + sizes.master_salt, std::byte{0x5a});
    receiver.set_keys(*SrtpKeys::from_key_salt(profile, key_salt));
  }
  OpensslSrtpBackend backend;
  SrtpReceiverState state;
  SrtpReceiver receiver{state, backend};
};

std::vector<std::unique_ptr<Peer>> make_peers() {
  std::vector<std::unique_ptr<Peer>> peers;
  for (const auto profile : {SrtpProfile::aes128_cm_sha1_80, SrtpProfile::aead_aes_128_gcm, SrtpProfile::aead_aes_256_gcm}) {
    peers.push_back(std::make_unique<Peer>(profile));
  }
  return peers;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const auto peers = make_peers();
  Peer& peer = *peers[data[0] % peers.size()];
  const SrtpReceiverState before = peer.state;
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  std::vector<std::byte> packet(bytes + 1, bytes + size);
  const auto opened = (data[0] & 0x80U) != 0 ? peer.receiver.open_rtcp(packet) : peer.receiver.open_rtp(packet);
  if (opened || std::memcmp(&before, &peer.state, sizeof before) != 0) std::abort();
  return 0;
}
