#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "shm/types/ids.hpp"
#include "shm/types/kind.hpp"
#include "shm/types/time.hpp"
#include "tools/load/dtls_client.hpp"
#include "tools/load/ice_thread.hpp"

namespace sluice::load {

/// The synthetic media, the same for every publisher.
struct MediaSettings {
  static constexpr int frames_per_second = 30;
  static constexpr int audio_packets_per_second = 50;
  static constexpr int audio_bits_per_second = 32'000;
  static constexpr Duration key_frame_interval = std::chrono::seconds(10);
  std::int64_t video_bits_per_second = 1'000'000;

  [[nodiscard]] static constexpr Duration interval(MediaKind kind) noexcept {
    return std::chrono::nanoseconds(1'000'000'000 /
                                    (kind == MediaKind::video ? frames_per_second : audio_packets_per_second));
  }
  [[nodiscard]] static constexpr std::uint32_t clock_rate(MediaKind kind) noexcept {
    return kind == MediaKind::video ? 90'000 : 48'000;
  }
};

/// Whose stream at whom, by their numbers from 0 in the room.
struct StreamLabel {
  std::uint32_t room = 0;
  std::uint32_t publisher = 0;
  std::uint32_t subscriber = 0;
  MediaKind kind = MediaKind::audio;
};

/// A stream that a peer sends.
struct SendSpec {
  std::uint32_t stream = 0;  ///< MediaStamp::stream
  MediaKind kind = MediaKind::audio;
  std::string mid;
  Ssrc ssrc;
  Ssrc rtx_ssrc;  ///< 0: no RTX
};

/// A stream that a peer receives.
struct ReceiveSpec {
  std::uint32_t stream = 0;  ///< the MediaStamp::stream that must come
  StreamLabel label;
  Ssrc ssrc;
  Ssrc rtx_ssrc;  ///< 0: no RTX
};

/// A peer whose ICE is done.
struct PeerSpec {
  int socket = -1;  ///< connected to the server; the media peer owns it
  IceCredentials local;
  IceCredentials remote;
  CertificateHash fingerprint{};  ///< of the server's certificate
  std::uint8_t mid_extension = 0;
  std::uint8_t transport_cc_extension = 0;
  std::vector<SendSpec> sends;
  std::vector<ReceiveSpec> receives;
  std::uint64_t seed = 1;
};

}  // namespace sluice::load
