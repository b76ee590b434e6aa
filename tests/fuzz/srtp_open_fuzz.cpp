// uses: dataplane_srtp
// Random bytes into a keyed receiver: nothing may be authentic, so nothing may change. The first byte chooses the profile
// and the kind; the rest is the packet.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "dataplane/srtp/openssl_backend.hpp"
#include "dataplane/srtp/srtp_receiver.hpp"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr SrtpProfile profiles[] = {SrtpProfile::aes128_cm_sha1_80, SrtpProfile::aead_aes_128_gcm,
                                      SrtpProfile::aead_aes_256_gcm};
  struct Peer {
    OpensslSrtpBackend backend;
    SrtpReceiverState state;
    SrtpReceiver receiver{state, backend};
  };
  static std::vector<Peer*> peers;  // reachable for the life of the process
  while (peers.size() < std::size(profiles)) {
    auto* peer = new Peer;
    const SrtpProfileSizes sizes = sizes_of(profiles[peers.size()]);
    const std::vector<std::byte> key_salt(sizes.master_key + sizes.master_salt, std::byte{0x5a});
    peer->receiver.set_keys(*SrtpKeys::from_key_salt(profiles[peers.size()], key_salt));
    peers.push_back(peer);
  }
  Peer& peer = *peers[data[0] % std::size(profiles)];
  const SrtpReceiverState before = peer.state;
  std::vector<std::byte> packet(size - 1);
  std::memcpy(packet.data(), data + 1, packet.size());
  const auto opened = (data[0] & 0x80U) != 0 ? peer.receiver.open_rtcp(packet) : peer.receiver.open_rtp(packet);
  if (opened || std::memcmp(&before, &peer.state, sizeof before) != 0) std::abort();
  return 0;
}
