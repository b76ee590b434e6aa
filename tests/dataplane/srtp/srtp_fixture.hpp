#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/srtp/ipsec_mb_backend.hpp"
#include "dataplane/srtp/openssl_backend.hpp"
#include "dataplane/srtp/srtp_receiver.hpp"
#include "dataplane/srtp/srtp_sealer.hpp"
#include "dataplane/srtp/srtp_sender.hpp"

namespace sluice::srtp_test {

using Buffer = std::vector<std::byte>;

inline constexpr SrtpProfile all_profiles[] = {SrtpProfile::aes128_cm_sha1_80, SrtpProfile::aead_aes_128_gcm,
                                               SrtpProfile::aead_aes_256_gcm};

/// A backend that runs on this machine.
struct BackendCase {
  std::string name;                                    // letters, digits and _, as names of tests want them
  InstructionSet instructions = InstructionSet::best;  // unused by OpenSSL
  [[nodiscard]] std::unique_ptr<SrtpBackend> open() const;
};
void PrintTo(const BackendCase& backend, std::ostream* out);
/// OpenSSL first, then ipsec-mb with each instruction set that this CPU has.
const std::vector<BackendCase>& all_backends();
const BackendCase& openssl_backend();

/// The bytes of a text of hexadecimal digits; blanks are skipped.
Buffer from_hex(std::string_view text);
/// A copy.
Buffer copy_of(Bytes bytes);
/// Key then salt, a different one for each `seed`.
Buffer key_salt(SrtpProfile profile, unsigned seed = 1);
SrtpKeys keys_of(SrtpProfile profile, unsigned seed = 1);

struct RtpShape {
  std::uint32_t ssrc = 0x1234'5678;
  unsigned csrcs = 0;
  unsigned extension_words = 0;  // with a header extension if > 0
  std::size_t payload = 100;
};
/// An RTP packet whose payload is a pattern.
Buffer rtp_packet(std::uint16_t sequence, const RtpShape& shape = {});
/// Bytes of the clear part of rtp_packet().
std::size_t header_size(const RtpShape& shape);
/// A receiver report without blocks, followed by `rest` bytes of pattern.
Buffer rtcp_packet(std::uint32_t ssrc, std::size_t rest);

/// Our end of an association, sealing RTP for one SSRC.
struct Sealing {
  explicit Sealing(SrtpProfile profile, std::uint32_t ssrc = 0x1234'5678, const BackendCase& with = openssl_backend(),
                   unsigned seed = 1);
  /// Sealed, or the error.
  Result<Buffer, SrtpError> rtp(std::int64_t sequence, const RtpShape& shape = {});
  Result<Buffer, SrtpError> rtcp(Bytes compound);

  std::unique_ptr<SrtpBackend> owned;
  SrtpBackend& backend;
  SrtpSealerState state;
  SrtpSenderState sender_state;
  SrtpSealer sealer;
  SrtpSender sender;
};

}  // namespace sluice::srtp_test
